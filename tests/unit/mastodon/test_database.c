/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <string.h>

#include "mastodon/database.h"
#include "secret/secret.h"

struct fx {
	struct mv_dotenv *env;
	struct mv_database db;
	struct mv_err err;
};

static int
setup(void **state)
{
	static struct fx fx;

	fx = (struct fx){ 0 };
	if (mv_secret_init(&fx.err) < 0 || mv_dotenv_new(&fx.env, &fx.err) < 0)
		return -1;
	*state = &fx;
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_database_clear(&fx->db);
	mv_dotenv_freep(&fx->env);
	return 0;
}

#define DEFAULTS "host='localhost' port='5432' " \
	"dbname='mastodon_production' user='mastodon' sslmode='prefer'"

static const struct {
	const char *env, *conninfo, *password, *pooled;
} cases[] = {
	{ "", DEFAULTS, NULL, NULL },
	{ "DB_PASS=\nDATABASE_URL=\n", DEFAULTS, NULL, NULL },
	{ "DB_HOST=/run/pg\nDB_PORT=5433\nDB_NAME=m\nDB_USER=u\n"
	    "DB_SSLMODE=require\nDB_PASS='p w'\n",
	    "host='/run/pg' port='5433' dbname='m' user='u' sslmode='require'",
	    "p w", NULL },
	{ "DB_HOST=\nDB_USER=\nDB_PORT=\n",
	    "dbname='mastodon_production' sslmode='prefer'", NULL, NULL },
	{ "DB_NAME=\"it's \\\\\"\n", "host='localhost' port='5432' "
	    "dbname='it\\'s \\\\' user='mastodon' sslmode='prefer'", NULL,
	    NULL },
	{ "DB_PORT=6432\n", "host='localhost' port='6432' "
	    "dbname='mastodon_production' user='mastodon' sslmode='prefer'",
	    NULL, "DB_PORT=6432" },
	{ "PREPARED_STATEMENTS=false\n", DEFAULTS, NULL,
	    "PREPARED_STATEMENTS=false" },
	{ "PREPARED_STATEMENTS=No\n", DEFAULTS, NULL,
	    "PREPARED_STATEMENTS=false" },
	{ "PREPARED_STATEMENTS=true\n", DEFAULTS, NULL, NULL },
	{ "DB_PASS=old\nDB_HOST=old\n"
	    "DATABASE_URL=postgres://u%40x:p%3Aw@db.example:5555/m%2Fn\n",
	    "host='db.example' port='5555' dbname='m/n' user='u@x' "
	    "sslmode='prefer'", "p:w", NULL },
	{ "DB_PASS=kept\nDATABASE_URL=postgresql://db.example/m\n",
	    "host='db.example' port='5432' dbname='m' user='mastodon' "
	    "sslmode='prefer'", "kept", NULL },
	{ "DATABASE_URL=postgresql:///m?host=/run/pg&sslmode=disable&pool=5"
	    "&sslrootcert=/a%20b&password=q\n",
	    "host='/run/pg' port='5432' dbname='m' user='mastodon' "
	    "sslmode='disable' sslrootcert='/a b'", "q", NULL },
	{ "DATABASE_URL=postgres://u:p@[::1]:6432/m?prepared_statements=true\n",
	    "host='::1' port='6432' dbname='m' user='u' sslmode='prefer'", "p",
	    "DB_PORT=6432" },
	{ "DATABASE_URL=postgres://%2Frun%2Fpg/m?prepared_statements=false\n",
	    "host='/run/pg' port='5432' dbname='m' user='mastodon' "
	    "sslmode='prefer'", NULL, "PREPARED_STATEMENTS=false" },
	{ "DATABASE_URL='postgres://u:a@b#c'\n", "host='b' port='5432' "
	    "dbname='mastodon_production' user='u' sslmode='prefer'", "a",
	    NULL },
};

static void
settings_become_what_rails_connects_with(void **state)
{
	struct fx *fx = *state;
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		(void)teardown(state);
		assert_int_equal(setup(state), 0);
		assert_ok(mv_dotenv_add(fx->env, cases[i].env,
		    strlen(cases[i].env), &fx->err), &fx->err);
		assert_ok(mv_database_init(&fx->db, fx->env, &fx->err),
		    &fx->err);
		assert_string_equal(fx->db.conninfo, cases[i].conninfo);
		if (cases[i].pooled == NULL)
			assert_null(fx->db.pooled);
		else
			assert_string_equal(fx->db.pooled, cases[i].pooled);
		if (cases[i].password == NULL) {
			assert_null(fx->db.password);
			continue;
		}
		assert_non_null(fx->db.password);
		assert_int_equal(mv_secret_len(fx->db.password),
		    strlen(cases[i].password));
		assert_memory_equal(mv_secret_bytes(fx->db.password),
		    cases[i].password, strlen(cases[i].password));
	}
}

static const struct {
	const char *env, *says;
} refusals[] = {
	{ "DATABASE_URL=mysql://u:hunter2@h/d\n", "DATABASE_URL: it does not" },
	{ "DATABASE_URL=hunter2\n", "DATABASE_URL: it does not" },
	{ "DATABASE_URL=postgres://u:hunter2%@h/d\n", "DATABASE_URL: a '%'" },
	{ "DATABASE_URL=postgres://u:hunter2%0\n", "DATABASE_URL: a '%'" },
	{ "DATABASE_URL=postgres://u:p@h/hunter2%00\n", "DATABASE_URL: a '%'" },
	{ "DATABASE_URL=postgres://u:p@h/d?password=%zhunter2\n",
	    "DATABASE_URL: a '%'" },
	{ "DB_PASS=hunter2$zz\n", "line 1: 'DB_PASS' uses a variable" },
};

static void
bad_urls_are_refused_without_being_shown(void **state)
{
	struct fx *fx = *state;
	char text[MV_ERR_TEXT_MAX];
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(refusals); i++) {
		(void)teardown(state);
		assert_int_equal(setup(state), 0);
		assert_ok(mv_dotenv_add(fx->env, refusals[i].env,
		    strlen(refusals[i].env), &fx->err), &fx->err);
		assert_fails(mv_database_init(&fx->db, fx->env, &fx->err),
		    MV_EUSAGE, &fx->err);
		assert_says(&fx->err, refusals[i].says);
		(void)mv_err_text(&fx->err, text, sizeof(text));
		assert_null(strstr(text, "hunter2"));
		assert_null(fx->db.conninfo);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(settings_become_what_rails_connects_with),
		T(bad_urls_are_refused_without_being_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
