/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <string.h>

#include "vault/redis_conf.h"


#define KEEPS MV_REDIS_CONF_KEEPS
#define LOSES MV_REDIS_CONF_LOSES
#define INCLUDE MV_REDIS_CONF_INCLUDE

static const struct {
	const char *text, *user;
	enum mv_redis_conf want;
} cases[] = {
	{ "", NULL, LOSES },
	{ "requirepass \"pa ss\"\n", NULL, KEEPS },
	{ "  RequirePass\t'pa ss'\r\n", NULL, KEEPS },
	{ "requirepass \"p\\x61\\x20s\\s\"", NULL, KEEPS },
	{ "requirepass pa ss\n", NULL, LOSES },
	{ "requirepass \"pa ss\" \n requirepass other\n", NULL, LOSES },
	{ "# requirepass \"pa ss\"\n", NULL, LOSES },
	{ "include a\nrequirepass \"pa ss\"\n", NULL, KEEPS },
	{ "requirepass \"pa ss\"\nINCLUDE a\n", NULL, INCLUDE },
	{ "requirepass \"pa ss\"\nuser default on #00\n", NULL, LOSES },
	{ "user default on \">pa ss\"\nrequirepass x\n", NULL, KEEPS },
	{ "user default on\nuser other on \">pa ss\"\n", NULL, LOSES },
	{ "user m on \">pa ss\" ~*\nuser default on nopass\n", "m", KEEPS },
	{ "requirepass \"pa ss\"\nuser default on\n", "m", LOSES },
	{ "user m", "m", LOSES },
	{ "requirepass \"pa ss", NULL, KEEPS },
	{ "requirepass \"pa ss\\", NULL, LOSES },
};

static void
a_file_leads_to_what_redis_would_read(void **state)
{
	struct mv_secret *password = NULL;
	enum mv_redis_conf got;
	struct mv_err err;
	size_t i;

	(void)state;
	assert_ok(mv_secret_init(&err), &err);
	assert_ok(mv_secret_from("pa ss", 5, &password, &err), &err);
	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		assert_ok(mv_redis_conf_judge(cases[i].text,
		    strlen(cases[i].text), cases[i].user, password, &got,
		    &err), &err);
		if (got != cases[i].want)
			print_error("case %zu: %s\n", i, cases[i].text);
		assert_int_equal(got, cases[i].want);
	}
	mv_secret_free(password);
}

static void
a_hash_is_as_good_as_the_password(void **state)
{
	static const char line[] = "user default on sanitize-payload "
	    "#2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
	    " ~* &* +@all\n";
	struct mv_secret *password = NULL;
	enum mv_redis_conf got;
	struct mv_err err;

	(void)state;
	assert_ok(mv_secret_init(&err), &err);
	assert_ok(mv_secret_from("secret", 6, &password, &err), &err);
	assert_ok(mv_redis_conf_judge(line, strlen(line), NULL, password,
	    &got, &err), &err);
	assert_int_equal(got, KEEPS);
	mv_secret_bytes(password)[0] = 'S';
	assert_ok(mv_redis_conf_judge(line, strlen(line), NULL, password,
	    &got, &err), &err);
	assert_int_equal(got, LOSES);
	mv_secret_free(password);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_leads_to_what_redis_would_read),
		cmocka_unit_test(a_hash_is_as_good_as_the_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
