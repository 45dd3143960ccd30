/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/stop.h"
#include "postgres/restore.h"
#include "postgres/script.h"
#include "postgres/source.h"
#include "support/mv_test.h"
#include "support/pg.h"
#include "unit/postgres/awkward.h"

/* A backup as the job layer keeps it, in memory. */
struct backup {
	json_t *facts;
	json_t *tables;
	struct mv_buf archive;
	struct mv_buf *streams;
	uint64_t *rows;
	size_t n;
};

struct fx {
	struct mv_test_pg pg;
	struct backup backup;
	struct mv_buf before;		/* pg_dump of what was backed up */
	struct mv_pg *place;
	struct mv_pg_restore *restore;
	struct mv_pg_loader *loader;
	char *conninfo;
	char *prefix;
	const char *user;		/* who restores, if not superuser */
	struct mv_pg_script *script;
	struct mv_buf text;
};

static int
keep(void *arg, const uint8_t *buf, size_t len, struct mv_err *err)
{
	struct mv_buf *out = arg;

	mv_buf_put(out, buf, len);
	return mv_buf_failed(out, err);
}

/* Every third table that can be copied stays in the archive. */
static void
back_up_tables(struct mv_pg_source *src, struct backup *b)
{
	const struct mv_pg_tables *tables = mv_pg_source_tables(src);
	const struct mv_pg_table *copied[256];
	struct mv_pg_worker *worker;
	struct mv_sink sink = { .write = keep };
	struct mv_err err;
	size_t i;

	assert_ok(mv_pg_worker_open(src, &worker, &err), &err);
	b->tables = json_array();
	b->streams = calloc(tables->n, sizeof(*b->streams));
	b->rows = calloc(tables->n, sizeof(*b->rows));
	for (i = 0; i < tables->n; i++) {
		if (tables->v[i].ncolumns == 0 || i % 3 == 2)
			continue;
		sink.arg = &b->streams[b->n];
		assert_ok(mv_pg_copy_out(worker, &tables->v[i], &sink,
		    &b->rows[b->n], &err), &err);
		copied[b->n++] = &tables->v[i];
		json_array_append_new(b->tables,
		    mv_pg_table_encode(&tables->v[i]));
	}
	mv_pg_worker_free(worker);
	sink.arg = &b->archive;
	assert_ok(mv_pg_dump_archive(src, copied, b->n, &sink, &err), &err);
}

static void
back_up(struct mv_test_pg *pg, const char *dbname, struct backup *b)
{
	mv_auto(mv_freep) char *conninfo = mv_test_pg_db(pg, dbname);
	struct mv_pg_target target = mv_test_pg_target(conninfo);
	struct mv_pg_source *src;
	struct mv_pg *place;
	struct mv_err err;

	assert_ok(mv_pg_new(&target, &place, &err), &err);
	assert_ok(mv_pg_source_open(place, NULL, &src, &err), &err);
	back_up_tables(src, b);
	b->facts = json_deep_copy(mv_pg_source_facts(src));
	mv_pg_source_free(src);
	mv_pg_free(place);
}

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	*state = fx;
	signal(SIGPIPE, SIG_IGN);
	if (!mv_test_pg_start(&fx->pg))
		return 0;
	mv_test_pg_sql(&fx->pg, "postgres", "CREATE ROLE owner LOGIN");
	mv_test_pg_sql(&fx->pg, "postgres", "CREATE DATABASE awkward");
	mv_test_pg_sql(&fx->pg, "awkward", awkward_sql);
	mv_test_pg_sql(&fx->pg, "awkward", "ALTER TABLE ab OWNER TO owner; "
	    "GRANT SELECT ON big TO owner");
	mv_test_pg_sql(&fx->pg, "awkward", "ALTER DATABASE awkward SET "
	    "search_path = \"Odd.Schema\", public; ALTER DATABASE awkward "
	    "SET default_transaction_read_only = on");
	mv_test_pg_dump(&fx->pg, "awkward", &fx->before);
	back_up(&fx->pg, "awkward", &fx->backup);
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;
	size_t i;

	for (i = 0; i < fx->backup.n; i++)
		mv_buf_clear(&fx->backup.streams[i]);
	free(fx->backup.streams);
	free(fx->backup.rows);
	mv_buf_clear(&fx->backup.archive);
	json_decref(fx->backup.facts);
	json_decref(fx->backup.tables);
	mv_buf_clear(&fx->before);
	mv_test_pg_stop(&fx->pg);
	free(fx);
	return 0;
}

static int
close_all(void **state)
{
	struct fx *fx = *state;

	mv_pg_loader_free(fx->loader);
	mv_pg_restore_free(fx->restore);
	mv_pg_free(fx->place);
	mv_pg_script_free(fx->script);
	fx->script = NULL;
	mv_buf_clear(&fx->text);
	free(fx->conninfo);
	if (fx->prefix != NULL)
		(void)unlink(fx->prefix);
	free(fx->prefix);
	fx->loader = NULL;
	fx->restore = NULL;
	fx->place = NULL;
	fx->conninfo = NULL;
	fx->prefix = NULL;
	fx->user = NULL;
	return 0;
}

static void
need_server(struct fx *fx)
{
	if (fx->pg.pid == 0)
		skip();
}

static int
begin(struct fx *fx, const char *dbname, struct mv_pg_restore_opts opts,
    struct mv_err *err)
{
	struct mv_pg_target target;
	const char *prefix[] = { fx->prefix, NULL };

	free(fx->conninfo);
	mv_pg_free(fx->place);
	fx->place = NULL;
	if (fx->user != NULL)
		assert_true(asprintf(&fx->conninfo, "%s dbname='%s' user=%s",
		    fx->pg.conninfo, dbname, fx->user) > 0);
	else
		fx->conninfo = mv_test_pg_db(&fx->pg, dbname);
	target = mv_test_pg_target(fx->conninfo);
	if (fx->prefix != NULL)
		target.exec_prefix = prefix;
	*err = (struct mv_err){ 0 };
	if (mv_pg_new(&target, &fx->place, err) < 0)
		return err->code;
	opts.pg = fx->place;
	opts.jobs = 2;
	return mv_pg_restore_begin(&opts, fx->backup.facts, &fx->restore, err);
}

static int
take(void *arg, uint8_t *buf, size_t len, size_t *got, struct mv_err *err)
{
	struct mv_cur *cur = arg;

	(void)err;
	*got = len < cur->left ? len : cur->left;
	mv_cur_copy(cur, buf, *got);
	return 0;
}

static int
copy_one(struct fx *fx, size_t i, size_t cut, uint64_t rows,
    struct mv_err *err)
{
	mv_auto(mv_pg_table_clear) struct mv_pg_table t = { 0 };
	struct mv_cur cur = mv_cur_of(fx->backup.streams[i].p,
	    fx->backup.streams[i].len - cut);
	struct mv_source source = { .read = take, .arg = &cur };
	int rc;

	*err = (struct mv_err){ 0 };
	rc = mv_pg_table_decode(json_array_get(fx->backup.tables, i), &t, err);
	if (rc < 0)
		return rc;
	return mv_pg_copy_in(fx->loader, &t, &source, rows, err);
}

static void
fill(struct fx *fx)
{
	struct mv_sink sink = mv_pg_restore_archive(fx->restore);
	struct mv_err err;
	size_t i;

	assert_ok(sink.write(sink.arg, fx->backup.archive.p,
	    fx->backup.archive.len, &err), &err);
	assert_ok(mv_pg_restore_pre(fx->restore, &err), &err);
	assert_ok(mv_pg_restore_data(fx->restore, &err), &err);
	assert_ok(mv_pg_loader_open(fx->restore, &fx->loader, &err), &err);
	for (i = 0; i < fx->backup.n; i++)
		assert_ok(copy_one(fx, i, 0, fx->backup.rows[i], &err), &err);
	mv_pg_loader_free(fx->loader);
	fx->loader = NULL;
	assert_ok(mv_pg_restore_post(fx->restore, &err), &err);
}

/* Every database that a restore may have left. */
static void
assert_databases(struct fx *fx, const char *want)
{
	mv_auto(mv_freep) char *have = mv_test_pg_value(&fx->pg, "postgres",
	    "SELECT coalesce(string_agg(datname, ' ' ORDER BY datname), '') "
	    "FROM pg_database WHERE datname ~ '^(new|full|vacant)'");

	assert_string_equal(have, want);
}

static void
assert_same_dump(struct fx *fx, const char *dbname)
{
	mv_auto(mv_buf_clear) struct mv_buf after = { 0 };
	size_t i;

	mv_test_pg_dump(&fx->pg, dbname, &after);
	for (i = 0; i < after.len && i < fx->before.len; i++)
		if (after.p[i] != fx->before.p[i])
			break;
	if (i < after.len || i < fx->before.len)
		print_error("differs at %zu: '%.*s'\n", i, 400,
		    mv_buf_cstr(&after) + (i > 100 ? i - 100 : 0));
	assert_int_equal(after.len, fx->before.len);
	assert_int_equal(i, after.len);
}

static void
a_restored_database_dumps_the_same(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *total = NULL, *settings = NULL;
	struct mv_err err;
	char *old = NULL;

	need_server(fx);
	assert_ok(begin(fx, "new", (struct mv_pg_restore_opts){ 0 }, &err),
	    &err);
	assert_int_equal(json_array_size(mv_pg_restore_missing_roles(
	    fx->restore)), 0);
	fill(fx);
	assert_ok(mv_pg_restore_commit(fx->restore, &old, &err), &err);
	assert_null(old);
	close_all(state);
	assert_databases(fx, "new");
	assert_same_dump(fx, "new");
	total = mv_test_pg_value(&fx->pg, "new", "SELECT total FROM mv_of_mv");
	assert_string_equal(total, "5000");
	settings = mv_test_pg_value(&fx->pg, "new", "SELECT count(DISTINCT "
	    "s.setconfig) || ':' || count(*) FROM pg_db_role_setting s JOIN "
	    "pg_database d ON d.oid = s.setdatabase "
	    "WHERE d.datname IN ('new', 'awkward')");
	assert_string_equal(settings, "1:2");
	mv_test_pg_sql(&fx->pg, "postgres", "DROP DATABASE new");
}

/* Which columns the server knows something about. */
static char *
statistics(struct fx *fx, const char *dbname)
{
	return mv_test_pg_value(&fx->pg, dbname, "SELECT string_agg("
	    "starelid::regclass || ':' || staattnum || ':' || stainherit, "
	    "' ' ORDER BY starelid, staattnum, stainherit) FROM pg_statistic "
	    "WHERE starelid >= 16384");
}

static void
a_restored_database_has_all_statistics(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *ours = NULL, *whole = NULL;
	struct mv_err err;
	char *old = NULL;

	need_server(fx);
	assert_ok(begin(fx, "new", (struct mv_pg_restore_opts){ 0 }, &err),
	    &err);
	fill(fx);
	assert_ok(mv_pg_restore_commit(fx->restore, &old, &err), &err);
	close_all(state);
	ours = statistics(fx, "new");
	mv_test_pg_sql(&fx->pg, "new", "ANALYZE");
	whole = statistics(fx, "new");
	assert_non_null(strstr(ours, "mv_of_mv:1"));
	assert_string_equal(ours, whole);
	mv_test_pg_sql(&fx->pg, "postgres", "DROP DATABASE new");
}

static void
giving_up_leaves_nothing(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	need_server(fx);
	assert_ok(begin(fx, "new", (struct mv_pg_restore_opts){ 0 }, &err),
	    &err);
	fill(fx);
	close_all(state);
	assert_databases(fx, "");
}

static void
a_database_with_tables_is_refused(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	need_server(fx);
	mv_test_pg_sql(&fx->pg, "postgres", "CREATE DATABASE \"full\"");
	mv_test_pg_sql(&fx->pg, "full", "CREATE TABLE mine ()");
	assert_fails(begin(fx, "full", (struct mv_pg_restore_opts){ 0 },
	    &err), MV_EREFUSED, &err);
	assert_says(&err, "not empty");
	assert_databases(fx, "full");
	assert_fails(begin(fx, "postgres", (struct mv_pg_restore_opts){ 0 },
	    &err), MV_EUSAGE, &err);
	mv_test_pg_sql(&fx->pg, "postgres", "DROP DATABASE \"full\"");
}

static void
replace_keeps_the_old_one_aside(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *old = NULL, *n = NULL;
	struct mv_err err;

	need_server(fx);
	mv_test_pg_sql(&fx->pg, "postgres", "CREATE DATABASE \"full\"");
	mv_test_pg_sql(&fx->pg, "full", "CREATE TABLE mine AS SELECT 7 AS x");
	assert_ok(begin(fx, "full", (struct mv_pg_restore_opts){
	    .replace = true }, &err), &err);
	fill(fx);
	assert_ok(mv_pg_restore_commit(fx->restore, &old, &err), &err);
	close_all(state);
	assert_non_null(old);
	assert_same_dump(fx, "full");
	n = mv_test_pg_value(&fx->pg, old, "SELECT x FROM mine");
	assert_string_equal(n, "7");
	mv_test_pg_sql(&fx->pg, "postgres", "DROP DATABASE \"full\"");
	{
		mv_auto(mv_freep) char *sql = NULL;

		assert_true(asprintf(&sql, "DROP DATABASE \"%s\"", old) > 0);
		mv_test_pg_sql(&fx->pg, "postgres", sql);
	}
	assert_databases(fx, "");
}

static void
a_database_in_use_is_not_taken_away(void **state)
{
	struct fx *fx = *state;
	struct mv_pg_session *user;
	mv_auto(mv_freep) char *conninfo = NULL;
	struct mv_pg_target target;
	struct mv_pg *place;
	struct mv_err err;
	char *old = NULL;

	need_server(fx);
	mv_test_pg_sql(&fx->pg, "postgres", "CREATE DATABASE vacant");
	assert_ok(begin(fx, "vacant", (struct mv_pg_restore_opts){ 0 }, &err),
	    &err);
	fill(fx);
	conninfo = mv_test_pg_db(&fx->pg, "vacant");
	target = mv_test_pg_target(conninfo);
	assert_ok(mv_pg_new(&target, &place, &err), &err);
	assert_ok(mv_pg_session_open(place, NULL, &user, &err), &err);
	assert_fails(mv_pg_restore_commit(fx->restore, &old, &err),
	    MV_EREFUSED, &err);
	assert_says(&err, "in use");
	mv_pg_session_free(user);
	mv_pg_free(place);
	/* And when it has gone, the same restore can be put in place. */
	assert_ok(mv_pg_restore_commit(fx->restore, &old, &err), &err);
	assert_null(old);
	close_all(state);
	assert_databases(fx, "vacant");
	assert_same_dump(fx, "vacant");
	mv_test_pg_sql(&fx->pg, "postgres", "DROP DATABASE vacant");
}

static void
wrong_row_counts_and_double_rows_are_found(void **state)
{
	struct fx *fx = *state;
	struct mv_sink sink;
	struct mv_err err;
	size_t i = 0;

	need_server(fx);
	while (fx->backup.rows[i] < 100)
		i++;
	assert_ok(begin(fx, "new", (struct mv_pg_restore_opts){ 0 }, &err),
	    &err);
	sink = mv_pg_restore_archive(fx->restore);
	assert_ok(sink.write(sink.arg, fx->backup.archive.p,
	    fx->backup.archive.len, &err), &err);
	assert_ok(mv_pg_restore_pre(fx->restore, &err), &err);
	assert_ok(mv_pg_loader_open(fx->restore, &fx->loader, &err), &err);
	assert_fails(copy_one(fx, i, 0, fx->backup.rows[i] + 1, &err),
	    MV_ECORRUPT, &err);
	mv_pg_loader_free(fx->loader);
	fx->loader = NULL;
	assert_ok(mv_pg_loader_open(fx->restore, &fx->loader, &err), &err);
	assert_ok(copy_one(fx, i, 0, fx->backup.rows[i], &err), &err);
	assert_fails(copy_one(fx, i, 0, fx->backup.rows[i], &err), MV_EIO,
	    &err);
	assert_says(&err, "not empty");
	close_all(state);
	assert_databases(fx, "");
}

static void
a_damaged_archive_is_refused(void **state)
{
	struct fx *fx = *state;
	struct mv_sink sink;
	struct mv_err err;

	need_server(fx);
	assert_ok(begin(fx, "new", (struct mv_pg_restore_opts){ 0 }, &err),
	    &err);
	sink = mv_pg_restore_archive(fx->restore);
	assert_ok(sink.write(sink.arg, fx->backup.archive.p,
	    fx->backup.archive.len / 8, &err), &err);
	assert_fails(mv_pg_restore_pre(fx->restore, &err), MV_EIO, &err);
	assert_says(&err, "pre-data");
	close_all(state);
	assert_databases(fx, "");
}

static void
missing_roles_are_left_out_or_made(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *owner = NULL, *made = NULL;
	struct mv_err err;
	char *old = NULL;

	need_server(fx);
	mv_test_pg_sql(&fx->pg, "postgres", "ALTER ROLE owner RENAME TO gone");
	mv_test_pg_sql(&fx->pg, "postgres", "CREATE ROLE keeper");
	mv_test_pg_sql(&fx->pg, "postgres",
	    "CREATE DATABASE vacant OWNER keeper");
	assert_ok(begin(fx, "vacant", (struct mv_pg_restore_opts){ 0 }, &err),
	    &err);
	assert_int_equal(json_array_size(mv_pg_restore_missing_roles(
	    fx->restore)), 1);
	fill(fx);
	assert_ok(mv_pg_restore_commit(fx->restore, &old, &err), &err);
	close_all(state);
	/* All belongs to whom the database belonged to. */
	owner = mv_test_pg_value(&fx->pg, "vacant", "SELECT string_agg("
	    "DISTINCT pg_get_userbyid(relowner), ',') FROM pg_class "
	    "WHERE oid >= 16384 AND relnamespace <> 'pg_toast'::regnamespace");
	assert_string_equal(owner, "keeper");
	mv_test_pg_sql(&fx->pg, "postgres", "DROP DATABASE vacant");
	mv_test_pg_sql(&fx->pg, "postgres", "DROP ROLE keeper");

	assert_ok(begin(fx, "new", (struct mv_pg_restore_opts){
	    .create_roles = true }, &err), &err);
	assert_int_equal(json_array_size(mv_pg_restore_missing_roles(
	    fx->restore)), 0);
	close_all(state);
	made = mv_test_pg_value(&fx->pg, "postgres",
	    "SELECT count(*) FROM pg_roles WHERE rolname = 'owner'");
	assert_string_equal(made, "0");
	assert_ok(begin(fx, "new", (struct mv_pg_restore_opts){
	    .create_roles = true }, &err), &err);
	fill(fx);
	assert_ok(mv_pg_restore_commit(fx->restore, &old, &err), &err);
	close_all(state);
	assert_same_dump(fx, "new");
	mv_test_pg_sql(&fx->pg, "postgres", "DROP DATABASE new");
	mv_test_pg_sql(&fx->pg, "postgres", "DROP ROLE owner");
	mv_test_pg_sql(&fx->pg, "postgres", "ALTER ROLE gone RENAME TO owner");
}

/* As Mastodon's own role mostly is: it may create databases, and no more. */
static void
an_ordinary_role_can_restore(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *total = NULL, *owner = NULL;
	struct mv_err err;
	char *old = NULL;

	need_server(fx);
	mv_test_pg_sql(&fx->pg, "postgres", "CREATE ROLE plain LOGIN CREATEDB");
	fx->user = "plain";
	assert_ok(begin(fx, "new", (struct mv_pg_restore_opts){ 0 }, &err),
	    &err);
	assert_true(json_array_size(mv_pg_restore_missing_roles(
	    fx->restore)) > 0);
	fill(fx);
	assert_ok(mv_pg_restore_commit(fx->restore, &old, &err), &err);
	close_all(state);
	total = mv_test_pg_value(&fx->pg, "new", "SELECT total FROM mv_of_mv");
	assert_string_equal(total, "5000");
	owner = mv_test_pg_value(&fx->pg, "new", "SELECT tableowner FROM "
	    "pg_tables WHERE tablename = 'ab'");
	assert_string_equal(owner, "plain");
	mv_test_pg_sql(&fx->pg, "postgres", "DROP DATABASE new");
	mv_test_pg_sql(&fx->pg, "postgres", "DROP ROLE plain");
}

static void
a_locale_that_is_not_there_is_refused(void **state)
{
	struct fx *fx = *state;
	json_t *real;
	struct mv_err err;
	int rc;

	need_server(fx);
	real = json_incref(json_object_get(fx->backup.facts, "collate"));
	json_object_set_new(fx->backup.facts, "collate",
	    json_string("xx_XX.UTF-8"));
	rc = begin(fx, "new", (struct mv_pg_restore_opts){ 0 }, &err);
	json_object_set_new(fx->backup.facts, "collate", real);
	assert_true(rc < 0);
	assert_says(&err, "xx_XX.UTF-8");
	assert_databases(fx, "");
}

static void
a_stop_still_drops_what_was_made(void **state)
{
	struct fx *fx = *state;
	pid_t child;
	int status;

	need_server(fx);
	/* In a child: a stop cannot be taken back. */
	child = fork();
	if (child == 0) {
		struct mv_err err;
		int rc;

		rc = begin(fx, "new", (struct mv_pg_restore_opts){ 0 }, &err);
		if (rc < 0)
			_exit(1);
		mv_stop_request();
		rc = mv_pg_restore_pre(fx->restore, NULL);
		mv_pg_restore_free(fx->restore);
		_exit(rc == MV_EINTR ? 0 : 2);
	}
	assert_true(waitpid(child, &status, 0) == child);
	assert_int_equal(status, 0);
	assert_databases(fx, "");
}

static void
a_prefix_restores_the_same(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *text = NULL;
	struct mv_err err;
	char *old = NULL;

	need_server(fx);
	fx->prefix = mv_test_path(fx->pg.dir, "prefix");
	assert_true(asprintf(&text, "#!/bin/sh\nPATH=%s:$PATH\nexec %s "
	    "\"$@\"\n", fx->pg.bin, geteuid() == 0 ?
	    "unshare -n" : "env") > 0);
	mv_test_write(fx->prefix, text, strlen(text));
	assert_int_equal(chmod(fx->prefix, 0755), 0);
	assert_ok(begin(fx, "new", (struct mv_pg_restore_opts){ 0 }, &err),
	    &err);
	fill(fx);
	assert_ok(mv_pg_restore_commit(fx->restore, &old, &err), &err);
	close_all(state);
	assert_same_dump(fx, "new");
	mv_test_pg_sql(&fx->pg, "postgres", "DROP DATABASE new");
}

static void
write_script(struct fx *fx)
{
	struct mv_sink sink = { .write = keep, .arg = &fx->text }, archive;
	struct mv_err err;
	size_t i;

	assert_ok(mv_pg_script_new(NULL, fx->backup.facts, &sink, &fx->script,
	    &err), &err);
	archive = mv_pg_script_archive(fx->script);
	assert_ok(archive.write(archive.arg, fx->backup.archive.p,
	    fx->backup.archive.len, &err), &err);
	assert_ok(mv_pg_script_pre(fx->script, &err), &err);
	assert_ok(mv_pg_script_data(fx->script, &err), &err);
	for (i = 0; i < fx->backup.n; i++) {
		mv_auto(mv_pg_table_clear) struct mv_pg_table t = { 0 };

		assert_ok(mv_pg_table_decode(json_array_get(fx->backup.tables,
		    i), &t, &err), &err);
		assert_ok(mv_pg_script_copy_begin(fx->script, &t, &err), &err);
		assert_ok(keep(&fx->text, fx->backup.streams[i].p,
		    fx->backup.streams[i].len, &err), &err);
		assert_ok(mv_pg_script_copy_end(fx->script, &err), &err);
	}
	assert_ok(mv_pg_script_post(fx->script, &err), &err);
}

static void
a_script_loads_with_psql(void **state)
{
	static const char *const psql[] = { "psql", "-X", "-q", "-v",
	    "ON_ERROR_STOP=1", "-d", "new", NULL };
	struct fx *fx = *state;
	mv_auto(mv_buf_clear) struct mv_buf said = { 0 };

	need_server(fx);
	write_script(fx);
	fx->prefix = mv_test_path(fx->pg.dir, "script.sql");
	mv_test_write(fx->prefix, fx->text.p, fx->text.len);
	mv_test_pg_sql(&fx->pg, "postgres", "CREATE DATABASE new");
	assert_int_equal(mv_test_pg_run(&fx->pg, psql, fx->prefix, &said), 0);
	assert_same_dump(fx, "new");
	mv_test_pg_sql(&fx->pg, "postgres", "DROP DATABASE new");
}

int
main(void)
{
#define T(f) cmocka_unit_test_teardown(f, close_all)
	const struct CMUnitTest tests[] = {
		T(a_restored_database_dumps_the_same),
		T(a_restored_database_has_all_statistics),
		T(giving_up_leaves_nothing),
		T(a_database_with_tables_is_refused),
		T(replace_keeps_the_old_one_aside),
		T(a_database_in_use_is_not_taken_away),
		T(wrong_row_counts_and_double_rows_are_found),
		T(a_damaged_archive_is_refused),
		T(missing_roles_are_left_out_or_made),
		T(an_ordinary_role_can_restore),
		T(a_locale_that_is_not_there_is_refused),
		T(a_stop_still_drops_what_was_made),
		T(a_prefix_restores_the_same),
		T(a_script_loads_with_psql),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
