/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "mastodon/harm_facts.h"
#include "support/mv_test.h"

#define V3_5 UINT64_C(20220429101850)
#define V4_3 UINT64_C(20241007071624)
#define V4_6 UINT64_C(20260611150940)

static const struct mv_harm_fact *
find(unsigned when, const char *table, const char *columns)
{
	size_t i;

	for (i = 0; i < mv_harm_fact_count(); i++) {
		const struct mv_harm_fact *f = mv_harm_fact_at(i);

		if ((f->when & when) != 0 && strcmp(f->table, table) == 0 &&
		    (columns == NULL) == (f->columns == NULL) &&
		    (columns == NULL || strcmp(f->columns, columns) == 0))
			return f;
	}
	fail_msg("no fact on '%s'", table);
	return NULL;
}

/* What an UPDATE sets is named, so that it is looked for and told. */
static void
an_update_names_every_column_that_it_sets(void **state)
{
	size_t i, len;

	(void)state;
	for (i = 0; i < mv_harm_fact_count(); i++) {
		const struct mv_harm_fact *f = mv_harm_fact_at(i);
		const char *p = f->columns;
		size_t names = 0, sets = 0;
		char set[128];

		assert_non_null(f->what);
		assert_true(f->when != 0);
		if (f->how != MV_HARM_UPDATE) {
			assert_null(f->columns);
			continue;
		}
		for (; *p != '\0'; p += len + strspn(p + len, " ")) {
			len = strcspn(p, " ");
			(void)snprintf(set, sizeof(set), "%.*s = ", (int)len,
			    p);
			assert_non_null(strstr(f->set, set));
			names++;
		}
		for (p = f->set; (p = strstr(p, " = ")) != NULL; p++)
			sets++;
		assert_int_equal(names, sets);
	}
}

static void
what_a_leak_ends_is_in_no_copy_either(void **state)
{
	static const char *const ways_in[] = {
		"oauth_access_tokens", "oauth_access_grants",
		"session_activations", "web_push_subscriptions", "webhooks",
		"webauthn_credentials",
	};
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(ways_in); i++)
		assert_int_equal(find(MV_HARM_COPY, ways_in[i], NULL)->how,
		    MV_HARM_DELETE);
}

static void
a_version_has_what_it_brought_and_not_what_it_dropped(void **state)
{
	const struct mv_harm_fact *fasp, *legacy, *users;

	(void)state;
	fasp = find(MV_HARM_COPY, "fasp_providers", NULL);
	legacy = find(MV_HARM_COPY, "system_keys", NULL);
	users = find(MV_HARM_COPY, "users", "email");
	assert_false(mv_harm_expected(fasp, V4_3));
	assert_true(mv_harm_expected(fasp, V4_6));
	assert_true(mv_harm_expected(legacy, V3_5));
	assert_false(mv_harm_expected(legacy, V4_3));
	assert_true(mv_harm_expected(users, V3_5));
	/* Of what comes after all that is known, no less. */
	assert_true(mv_harm_expected(users, UINT64_C(20270101000000)));
	assert_false(mv_harm_expected(users, UINT64_C(20200101000000)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_update_names_every_column_that_it_sets),
		cmocka_unit_test(what_a_leak_ends_is_in_no_copy_either),
		cmocka_unit_test(
		    a_version_has_what_it_brought_and_not_what_it_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
