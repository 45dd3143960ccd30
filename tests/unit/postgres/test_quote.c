/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "postgres/client.h"
#include "postgres/postgres_internal.h"
#include "postgres/quote.h"
#include "postgres/table.h"
#include "support/mv_test.h"

static void
names_and_texts_are_quoted(void **state)
{
	static const struct {
		const char *in, *ident, *literal;
	} cases[] = {
		{ "plain", "\"plain\"", "'plain'" },
		{ "", "\"\"", "''" },
		{ "a\"b", "\"a\"\"b\"", "'a\"b'" },
		{ "a'b", "\"a'b\"", "'a''b'" },
		{ "a\\b", "\"a\\b\"", " E'a\\\\b'" },
		{ "\\'", "\"\\'\"", " E'\\\\'''" },
		{ "a.b*?$\n", "\"a.b*?$\n\"", "'a.b*?$\n'" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		mv_auto(mv_buf_clear) struct mv_buf b = { 0 };

		mv_pg_put_ident(&b, cases[i].in);
		assert_string_equal(mv_buf_cstr(&b), cases[i].ident);
		mv_buf_reset(&b);
		mv_pg_put_literal(&b, cases[i].in);
		assert_string_equal(mv_buf_cstr(&b), cases[i].literal);
	}
}

static struct mv_pg *
new_pg(const char *conninfo)
{
	struct mv_pg_target target = { .conninfo = conninfo,
	    .uid = (uid_t)-1, .gid = (gid_t)-1 };
	struct mv_pg *pg;
	struct mv_err err;

	assert_ok(mv_pg_new(&target, &pg, &err), &err);
	return pg;
}

/* What libpq makes of the text that a child program gets. */
static char *
reread(const struct mv_pg *pg, const char *key)
{
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };
	PQconninfoOption *all, *o;
	struct mv_err err;
	char *value = NULL;

	assert_ok(mv_pg_conninfo(pg, NULL, &b, &err), &err);
	all = PQconninfoParse((char *)b.p, NULL);
	assert_non_null(all);
	for (o = all; o->keyword != NULL; o++)
		if (o->val != NULL && strcmp(o->keyword, key) == 0)
			value = strdup(o->val);
	PQconninfoFree(all);
	return value;
}

static void
the_password_leaves_the_connection_string(void **state)
{
	static const char *const strings[] = {
		"host=h user='u\\'\\\\' dbname=d password='se cr\\'et:\\\\'",
		"postgresql://u%27%5C:se%20cr%27et%3A%5C@h/d",
	};
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(strings); i++) {
		struct mv_pg *pg = new_pg(strings[i]);
		mv_auto(mv_buf_clear) struct mv_buf b = { 0 };
		mv_auto(mv_buf_clear) struct mv_buf file = { 0 };
		mv_auto(mv_freep) char *user = reread(pg, "user");
		mv_auto(mv_freep) char *password = reread(pg, "password");
		char path[64];
		struct mv_err err;

		assert_string_equal(user, "u'\\");
		assert_null(password);
		assert_ok(mv_pg_conninfo(pg, NULL, &b, &err), &err);
		assert_null(strstr((char *)b.p, "se cr"));
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d",
		    pg->passfd);
		/* Twice: every opener reads it from the start. */
		mv_test_read(path, &file);
		mv_buf_reset(&file);
		mv_test_read(path, &file);
		assert_string_equal(mv_buf_cstr(&file),
		    "*:*:*:*:se cr'et\\:\\\\\n");
		mv_pg_free(pg);
	}
}

static void
bad_connection_strings_do_not_leak_into_errors(void **state)
{
	static const char *const strings[] = {
		"host=h password=hush secretpart",
		"nonsense=hush",
		"postgresql://u:hush@[::1/d",
		"host=h sslpassword=hush",
		"host=h password='hush\nhush'",
	};
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(strings); i++) {
		struct mv_pg_target target = { .conninfo = strings[i],
		    .uid = (uid_t)-1, .gid = (gid_t)-1 };
		struct mv_pg *pg = NULL;
		struct mv_err err;
		char text[MV_ERR_TEXT_MAX];

		assert_fails(mv_pg_new(&target, &pg, &err), MV_EUSAGE, &err);
		(void)mv_err_text(&err, text, sizeof(text));
		assert_null(strstr(text, "hush"));
		assert_null(strstr(text, "secretpart"));
	}
}

static void
the_client_is_of_the_servers_major_or_the_next(void **state)
{
	static const int majors[] = { 13, 17, 15, 16 };

	(void)state;
	assert_int_equal(mv_pg_client_choose(majors, 4, 15), 15);
	assert_int_equal(mv_pg_client_choose(majors, 4, 14), 15);
	assert_int_equal(mv_pg_client_choose(majors, 4, 9), 13);
	assert_int_equal(mv_pg_client_choose(majors, 4, 18), -1);
	assert_int_equal(mv_pg_client_choose(NULL, 0, 15), -1);
}

static void
versions_are_read_strictly(void **state)
{
	(void)state;
	assert_int_equal(mv_pg_client_parse_version(
	    "pg_dump (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n"), 15);
	assert_int_equal(mv_pg_client_parse_version(
	    "psql (PostgreSQL) 18beta1\n"), 18);
	assert_int_equal(mv_pg_client_parse_version("pg_dump (PostgreSQL) 16"),
	    16);
	assert_int_equal(mv_pg_client_parse_version("15.20"), -1);
	assert_int_equal(mv_pg_client_parse_version("(PostgreSQL) x"), -1);
	assert_int_equal(mv_pg_client_parse_version(""), -1);
}

static void
tables_survive_their_description(void **state)
{
	static const char *const broken[] = {
		"[]", "{}", "{\"schema\":\"s\",\"name\":\"\",\"columns\":[]}",
		"{\"schema\":\"s\",\"name\":\"t\"}",
		"{\"schema\":\"s\",\"name\":\"t\",\"columns\":[1]}",
		"{\"schema\":\"s\",\"name\":\"t\\u0000u\",\"columns\":[]}",
		"{\"schema\":\"s\",\"name\":\"t\",\"columns\":{\"a\":1}}",
	};
	char *columns[] = { strdup("a"), strdup("\"b\n") };
	struct mv_pg_table t = { .schema = strdup("s.s"), .name = strdup("t"),
	    .columns = columns, .ncolumns = 2 }, back = { 0 };
	json_t *json = mv_pg_table_encode(&t);
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };
	struct mv_err err;
	size_t i;

	(void)state;
	assert_ok(mv_pg_table_decode(json, &back, &err), &err);
	json_decref(json);
	mv_pg_put_copy(&b, &back, "TO STDOUT", "UTF8");
	assert_string_equal(mv_buf_cstr(&b), "COPY \"s.s\".\"t\" (\"a\", "
	    "\"\"\"b\n\") TO STDOUT (FORMAT text, ENCODING 'UTF8')");
	mv_pg_table_clear(&back);
	for (i = 0; i < MV_ARRAY_LEN(broken); i++) {
		json = json_loads(broken[i], JSON_ALLOW_NUL, NULL);
		assert_non_null(json);
		assert_fails(mv_pg_table_decode(json, &back, &err),
		    MV_ECORRUPT, &err);
		json_decref(json);
	}
	free(columns[0]);
	free(columns[1]);
	free(t.schema);
	free(t.name);
}

static int
setup(void **state)
{
	struct mv_err err;

	(void)state;
	assert_ok(mv_secret_init(&err), &err);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_texts_are_quoted),
		cmocka_unit_test(the_password_leaves_the_connection_string),
		cmocka_unit_test(
		    bad_connection_strings_do_not_leak_into_errors),
		cmocka_unit_test(
		    the_client_is_of_the_servers_major_or_the_next),
		cmocka_unit_test(versions_are_read_strictly),
		cmocka_unit_test(tables_survive_their_description),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
