/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/stop.h"
#include "postgres/source.h"
#include "support/mv_test.h"
#include "support/pg.h"
#include "unit/postgres/awkward.h"

struct fx {
	struct mv_test_pg pg;
	char *conninfo;			/* of the awkward database */
	struct mv_pg *place;
	struct mv_pg_source *src;
	struct mv_pg_worker *worker;
	struct mv_buf got;
	char *script;
};

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	*state = fx;
	signal(SIGPIPE, SIG_IGN);
	if (!mv_test_pg_start(&fx->pg))
		return 0;
	mv_test_pg_sql(&fx->pg, "postgres", "CREATE DATABASE awkward");
	mv_test_pg_sql(&fx->pg, "awkward", awkward_sql);
	fx->conninfo = mv_test_pg_db(&fx->pg, "awkward");
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_test_pg_stop(&fx->pg);
	free(fx->conninfo);
	free(fx);
	return 0;
}

/* What one test opened. */
static int
close_all(void **state)
{
	struct fx *fx = *state;

	mv_pg_worker_free(fx->worker);
	mv_pg_source_free(fx->src);
	mv_pg_free(fx->place);
	mv_buf_clear(&fx->got);
	if (fx->script != NULL)
		(void)unlink(fx->script);
	free(fx->script);
	fx->worker = NULL;
	fx->src = NULL;
	fx->place = NULL;
	fx->script = NULL;
	return 0;
}

static void
need_server(struct fx *fx)
{
	if (fx->pg.pid == 0)
		skip();
}

static int
keep(void *arg, const uint8_t *buf, size_t len, struct mv_err *err)
{
	struct mv_buf *out = arg;

	mv_buf_put(out, buf, len);
	return mv_buf_failed(out, err);
}

static struct mv_sink
sink_of(struct fx *fx)
{
	return (struct mv_sink){ .write = keep, .arg = &fx->got };
}

static void
open_source(struct fx *fx, const struct mv_pg_target *target)
{
	struct mv_err err;

	assert_ok(mv_pg_new(target, &fx->place, &err), &err);
	assert_ok(mv_pg_source_open(fx->place, NULL, &fx->src, &err), &err);
}

static const struct mv_pg_table *
find_table(struct fx *fx, const char *name)
{
	const struct mv_pg_tables *tables = mv_pg_source_tables(fx->src);
	size_t i;

	for (i = 0; i < tables->n; i++)
		if (strcmp(tables->v[i].name, name) == 0)
			return &tables->v[i];
	fail_msg("no table '%s'", name);
	return NULL;
}

static bool
got_has(const struct fx *fx, const char *text)
{
	return memmem(fx->got.p, fx->got.len, text, strlen(text)) != NULL;
}

static void
facts_say_what_a_restore_needs(void **state)
{
	struct fx *fx = *state;
	const json_t *facts;
	struct mv_pg_target target;

	need_server(fx);
	target = mv_test_pg_target(fx->conninfo);
	open_source(fx, &target);
	facts = mv_pg_source_facts(fx->src);
	assert_string_equal(json_string_value(json_object_get(facts,
	    "database")), "awkward");
	assert_string_equal(json_string_value(json_object_get(facts,
	    "encoding")), "UTF8");
	assert_string_equal(json_string_value(json_object_get(facts,
	    "schema_version")), "20260611150940");
	assert_string_equal(json_string_value(json_object_get(facts,
	    "collate")), "C.UTF-8");
	assert_string_equal(json_string_value(json_object_get(
	    json_array_get(json_object_get(facts, "roles"), 0), "name")),
	    "postgres");
	assert_int_equal(json_array_size(json_object_get(facts,
	    "extensions")), 1);
	assert_int_equal(json_array_size(json_object_get(facts,
	    "matviews")), 3);
	assert_true(json_is_true(json_object_get(facts, "public")));
	assert_true(json_integer_value(json_object_get(facts,
	    "dump_major")) >= 15);
	assert_int_equal(find_table(fx, "nothing")->ncolumns, 0);
	assert_int_equal(find_table(fx, "only_generated")->ncolumns, 0);
	assert_int_equal(find_table(fx, "dropped")->ncolumns, 2);
	assert_true(find_table(fx, "parts_1")->partition);
	assert_true(find_table(fx, "big")->bytes > 500 * 1000);
}

static void
copies_are_of_the_snapshot_and_counted(void **state)
{
	struct fx *fx = *state;
	struct mv_pg_target target;
	struct mv_sink sink = sink_of(fx);
	struct mv_err err;
	uint64_t rows;

	need_server(fx);
	target = mv_test_pg_target(fx->conninfo);
	open_source(fx, &target);
	mv_test_pg_sql(&fx->pg, "awkward", "INSERT INTO ab VALUES ('later')");
	assert_ok(mv_pg_worker_open(fx->src, &fx->worker, &err), &err);
	assert_ok(mv_pg_copy_out(fx->worker, find_table(fx, "big"), &sink,
	    &rows, &err), &err);
	assert_int_equal(rows, 5000);
	mv_buf_reset(&fx->got);
	assert_ok(mv_pg_copy_out(fx->worker, find_table(fx, "ab"), &sink,
	    &rows, &err), &err);
	assert_int_equal(rows, 1);
	assert_int_equal(fx->got.len, 6);
	assert_memory_equal(fx->got.p, "plain\n", 6);
	mv_buf_reset(&fx->got);
	assert_ok(mv_pg_copy_out(fx->worker, find_table(fx, "Tab.le"), &sink,
	    &rows, &err), &err);
	assert_int_equal(rows, 5);
	assert_string_equal(mv_buf_cstr(&fx->got),
	    "\\\\.\n\\\\N\n\n\\N\na\\nb\n");
	mv_test_pg_sql(&fx->pg, "awkward", "DELETE FROM ab WHERE v = 'later'");
}

/* Every odd name excluded by itself takes its own rows away, and no others. */
static void
an_excluded_name_matches_one_table(void **state)
{
	static const char *const names[] = { "a*", "a?", "ab", "AB", "a|b",
	    "a$", "a\\b", "a\"b", "a'b", "a b", "a\nb", "[a]b{1}(c)+^",
	    "\xc3\xa4", ":x" };
	static const char *const rows[] = { "star", "mark", "plain", "upper",
	    "pipe!", "dollar", "backsl", "quote2", "quote1", "blank",
	    "newline", "regex",
	    "umlaut", "colon" };
	struct fx *fx = *state;
	struct mv_pg_target target;
	struct mv_sink sink = sink_of(fx);
	struct mv_err err;
	char line[64];
	size_t i, j;

	need_server(fx);
	target = mv_test_pg_target(fx->conninfo);
	open_source(fx, &target);
	for (i = 0; i < MV_ARRAY_LEN(names); i++) {
		const struct mv_pg_table *one = find_table(fx, names[i]);

		mv_buf_reset(&fx->got);
		assert_ok(mv_pg_dump_archive(fx->src, &one, 1, &sink, &err),
		    &err);
		assert_memory_equal(fx->got.p, "PGDMP", 5);
		for (j = 0; j < MV_ARRAY_LEN(names); j++) {
			(void)snprintf(line, sizeof(line), "%s\n", rows[j]);
			if (got_has(fx, line) != (i != j))
				fail_msg("without '%s': '%s'", names[i],
				    names[j]);
		}
	}
}

static void
an_adopted_snapshot_outlives_its_giver(void **state)
{
	struct fx *fx = *state;
	struct mv_pg_target target;
	struct mv_sink sink = sink_of(fx);
	struct mv_pg_session *giver;
	json_t *row;
	struct mv_err err;
	uint64_t rows;

	need_server(fx);
	target = mv_test_pg_target(fx->conninfo);
	assert_ok(mv_pg_new(&target, &fx->place, &err), &err);
	assert_ok(mv_pg_session_open(fx->place, NULL, &giver, &err), &err);
	assert_ok(mv_pg_exec(giver, "BEGIN ISOLATION LEVEL REPEATABLE READ",
	    &err), &err);
	assert_ok(mv_pg_query_row(giver, "SELECT pg_export_snapshot() AS id",
	    &row, &err), &err);
	mv_test_pg_sql(&fx->pg, "awkward", "INSERT INTO ab VALUES ('later')");
	assert_ok(mv_pg_source_open(fx->place, json_string_value(
	    json_object_get(row, "id")), &fx->src, &err), &err);
	json_decref(row);
	mv_pg_session_free(giver);
	assert_ok(mv_pg_worker_open(fx->src, &fx->worker, &err), &err);
	assert_ok(mv_pg_copy_out(fx->worker, find_table(fx, "ab"), &sink,
	    &rows, &err), &err);
	assert_int_equal(rows, 1);
	mv_test_pg_sql(&fx->pg, "awkward", "DELETE FROM ab WHERE v = 'later'");
}

static void
wrong_snapshot_ids_are_refused(void **state)
{
	struct fx *fx = *state;
	struct mv_pg_target target;
	struct mv_err err;

	need_server(fx);
	target = mv_test_pg_target(fx->conninfo);
	assert_ok(mv_pg_new(&target, &fx->place, &err), &err);
	assert_fails(mv_pg_source_open(fx->place, "'; DROP TABLE ab; --",
	    &fx->src, &err), MV_EUSAGE, &err);
	assert_fails(mv_pg_source_open(fx->place, "00000003-0000001B-1",
	    &fx->src, &err), MV_EUSAGE, &err);
	assert_says(&err, "snapshot");
}

static void
a_table_that_may_not_be_read_is_named(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *conninfo = NULL;
	struct mv_sink sink = sink_of(fx);
	struct mv_pg_target target;
	struct mv_err err;
	uint64_t rows;

	need_server(fx);
	mv_test_pg_sql(&fx->pg, "awkward", "CREATE ROLE weak LOGIN; "
	    "GRANT pg_read_all_data TO weak; ALTER TABLE big ENABLE ROW LEVEL "
	    "SECURITY");
	assert_true(asprintf(&conninfo, "%s user=weak", fx->conninfo) > 0);
	target = mv_test_pg_target(conninfo);
	open_source(fx, &target);
	assert_ok(mv_pg_worker_open(fx->src, &fx->worker, &err), &err);
	/* A policy would hide rows: that is no backup. */
	assert_fails(mv_pg_copy_out(fx->worker, find_table(fx, "big"), &sink,
	    &rows, &err), MV_EAUTH, &err);
	assert_says(&err, "big");
	close_all(state);
	mv_test_pg_sql(&fx->pg, "awkward", "ALTER TABLE big DISABLE ROW LEVEL "
	    "SECURITY; REVOKE pg_read_all_data FROM weak");
	assert_ok(mv_pg_new(&target, &fx->place, &err), &err);
	assert_fails(mv_pg_source_open(fx->place, NULL, &fx->src, &err),
	    MV_EAUTH, &err);
	assert_says(&err, "permission denied");
	mv_test_pg_sql(&fx->pg, "awkward", "DROP ROLE weak");
}

static void
the_backup_role_can_read_all(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *conninfo = NULL, *sql = NULL;
	struct mv_sink sink = sink_of(fx);
	struct mv_pg_target target;
	struct mv_err err;
	uint64_t rows;

	need_server(fx);
	assert_ok(mv_pg_backup_role_sql("back\"up", "awkward", &sql, &err),
	    &err);
	mv_test_pg_sql(&fx->pg, "awkward", sql);
	mv_test_pg_sql(&fx->pg, "awkward", "GRANT SELECT ON LARGE OBJECT "
	    "4711 TO \"back\"\"up\"");
	assert_true(asprintf(&conninfo, "%s user='back\"up'",
	    fx->conninfo) > 0);
	target = mv_test_pg_target(conninfo);
	open_source(fx, &target);
	assert_ok(mv_pg_worker_open(fx->src, &fx->worker, &err), &err);
	assert_ok(mv_pg_copy_out(fx->worker, find_table(fx, "big"), &sink,
	    &rows, &err), &err);
	mv_buf_reset(&fx->got);
	assert_ok(mv_pg_dump_archive(fx->src, NULL, 0, &sink, &err), &err);
	close_all(state);
	mv_test_pg_sql(&fx->pg, "awkward", "DROP OWNED BY \"back\"\"up\"; "
	    "DROP ROLE \"back\"\"up\"");
}

static int
crash_on_write(void *arg, const uint8_t *buf, size_t len, struct mv_err *err)
{
	struct fx *fx = arg;

	(void)buf;
	(void)len;
	(void)err;
	if (fx->got.len == 0) {
		mv_buf_put(&fx->got, "x", 1);
		mv_test_pg_crash(&fx->pg);
	}
	return 0;
}

static void
a_server_that_dies_fails_the_copy(void **state)
{
	struct fx *fx = *state;
	struct mv_sink sink = { .write = crash_on_write, .arg = fx };
	struct mv_pg_target target;
	struct mv_err err;
	uint64_t rows = 0;

	need_server(fx);
	mv_test_pg_sql(&fx->pg, "awkward", "CREATE TABLE wide AS SELECT "
	    "i, repeat('x', 2000) AS v FROM generate_series(1, 20000) i");
	target = mv_test_pg_target(fx->conninfo);
	open_source(fx, &target);
	assert_ok(mv_pg_worker_open(fx->src, &fx->worker, &err), &err);
	assert_fails(mv_pg_copy_out(fx->worker, find_table(fx, "wide"), &sink,
	    &rows, &err), MV_EIO, &err);
	assert_says(&err, "wide");
	close_all(state);
	mv_test_pg_again(&fx->pg);
	mv_test_pg_sql(&fx->pg, "awkward", "DROP TABLE wide");
}

static int
no_room(void *arg, const uint8_t *buf, size_t len, struct mv_err *err)
{
	(void)arg;
	(void)buf;
	(void)len;
	return mv_err_set(err, MV_ENOSPC, "no room in the test");
}

static void
a_sink_that_fails_ends_dump_and_copy(void **state)
{
	struct fx *fx = *state;
	struct mv_sink sink = { .write = no_room };
	struct mv_pg_target target;
	struct mv_err err;
	uint64_t rows;

	need_server(fx);
	target = mv_test_pg_target(fx->conninfo);
	open_source(fx, &target);
	assert_fails(mv_pg_dump_archive(fx->src, NULL, 0, &sink, &err),
	    MV_ENOSPC, &err);
	assert_ok(mv_pg_worker_open(fx->src, &fx->worker, &err), &err);
	assert_fails(mv_pg_copy_out(fx->worker, find_table(fx, "big"), &sink,
	    &rows, &err), MV_ENOSPC, &err);
}

/* A directory of programs in which pg_dump is another one. */
static void
fake_dump(struct fx *fx, const char *body)
{
	mv_auto(mv_freep) char *text = NULL;

	fx->script = mv_test_path(fx->pg.dir, "pg_dump");
	assert_true(asprintf(&text, "#!/bin/sh\n[ \"$1\" != --version ] || "
	    "exec %s/pg_dump --version\n%s\n", fx->pg.bin, body) > 0);
	mv_test_write(fx->script, text, strlen(text));
	assert_int_equal(chmod(fx->script, 0755), 0);
}

static void
a_failing_pg_dump_is_a_failure(void **state)
{
	static const char *const bodies[] = {
		"printf PGDMPetc; echo 'dump: went wrong' >&2; exit 1",
		"printf PGDMPetc; echo 'dump: went wrong' >&2; kill -9 $$",
	};
	struct fx *fx = *state;
	struct mv_sink sink = sink_of(fx);
	struct mv_pg_target target;
	struct mv_err err;
	size_t i;

	need_server(fx);
	for (i = 0; i < MV_ARRAY_LEN(bodies); i++) {
		fake_dump(fx, bodies[i]);
		target = mv_test_pg_target(fx->conninfo);
		target.pg_bin = fx->pg.dir;
		open_source(fx, &target);
		assert_fails(mv_pg_dump_archive(fx->src, NULL, 0, &sink,
		    &err), MV_EIO, &err);
		assert_says(&err, "went wrong");
		close_all(state);
	}
}

/* Where nothing of the network reaches, as root; else only a program. */
static void
make_prefix(struct fx *fx)
{
	mv_auto(mv_freep) char *text = NULL;

	fx->script = mv_test_path(fx->pg.dir, "prefix");
	assert_true(asprintf(&text, "#!/bin/sh\nPATH=%s:$PATH\nexec %s "
	    "\"$@\"\n", fx->pg.bin, geteuid() == 0 ?
	    "unshare -n" : "env") > 0);
	mv_test_write(fx->script, text, strlen(text));
	assert_int_equal(chmod(fx->script, 0755), 0);
}

/* The same bytes must come out through a prefix as without it. */
static void
a_prefix_gives_the_same(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_buf_clear) struct mv_buf direct = { 0 };
	const char *prefix[] = { NULL, NULL };
	struct mv_sink sink = sink_of(fx);
	struct mv_pg_target target;
	struct mv_err err;
	uint64_t rows, again;

	need_server(fx);
	target = mv_test_pg_target(fx->conninfo);
	open_source(fx, &target);
	assert_ok(mv_pg_worker_open(fx->src, &fx->worker, &err), &err);
	assert_ok(mv_pg_copy_out(fx->worker, find_table(fx, "big"), &sink,
	    &rows, &err), &err);
	mv_buf_put(&direct, fx->got.p, fx->got.len);
	close_all(state);

	make_prefix(fx);
	prefix[0] = fx->script;
	target.exec_prefix = prefix;
	open_source(fx, &target);
	assert_ok(mv_pg_worker_open(fx->src, &fx->worker, &err), &err);
	mv_test_pg_sql(&fx->pg, "awkward", "INSERT INTO ab VALUES ('later')");
	assert_ok(mv_pg_copy_out(fx->worker, find_table(fx, "big"), &sink,
	    &again, &err), &err);
	assert_int_equal(rows, again);
	assert_int_equal(direct.len, fx->got.len);
	assert_memory_equal(direct.p, fx->got.p, direct.len);
	mv_buf_reset(&fx->got);
	assert_ok(mv_pg_copy_out(fx->worker, find_table(fx, "a\nb"), &sink,
	    &again, &err), &err);
	assert_string_equal(mv_buf_cstr(&fx->got), "newline\n");
	mv_buf_reset(&fx->got);
	assert_ok(mv_pg_dump_archive(fx->src, NULL, 0, &sink, &err), &err);
	assert_memory_equal(fx->got.p, "PGDMP", 5);
	assert_true(got_has(fx, "plain\n"));
	assert_false(got_has(fx, "later"));
	assert_fails(mv_pg_exec(mv_pg_source_session(fx->src),
	    "SELECT 1/0", &err), MV_EIO, &err);
	assert_says(&err, "division by zero");
	mv_test_pg_sql(&fx->pg, "awkward", "DELETE FROM ab WHERE v = 'later'");
}

int
main(void)
{
#define T(f) cmocka_unit_test_teardown(f, close_all)
	const struct CMUnitTest tests[] = {
		T(facts_say_what_a_restore_needs),
		T(copies_are_of_the_snapshot_and_counted),
		T(an_excluded_name_matches_one_table),
		T(an_adopted_snapshot_outlives_its_giver),
		T(wrong_snapshot_ids_are_refused),
		T(a_table_that_may_not_be_read_is_named),
		T(the_backup_role_can_read_all),
		T(a_sink_that_fails_ends_dump_and_copy),
		T(a_failing_pg_dump_is_a_failure),
		T(a_prefix_gives_the_same),
		T(a_server_that_dies_fails_the_copy),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
