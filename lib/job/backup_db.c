/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/tasks.h"
#include "base/time.h"
#include "job/job_internal.h"
#include "mastodon/tables.h"
#include "mastodon/version.h"
#include "postgres/source.h"

/*
 * backup_db: the database, as an archive of everything small and a stream
 * for each large table, read side by side in one snapshot.
 */

/* Tables above this are copied by us: pg_dump reads one after the other. */
#define COPY_FROM_BYTES (1u << 20)
#define ARCHIVE_CLASS 1
#define DEFAULT_JOBS 2

/* One stream to be made: a table's rows, or the archive. */
struct task {
	struct db_run *db;
	const struct mv_pg_table *table;	/* NULL: the archive */
	int class;
	struct mv_stream *stream;
	struct mv_root root;
	uint64_t bytes, rows;
};

struct db_run {
	struct mv_backup_run *run;
	struct mv_pg_source *source;
	struct task *tasks;
	size_t ntasks;
	const struct mv_pg_table **copied;	/* those with a task */
	size_t ncopied;
	uint64_t expected;		/* bytes, for the progress */

	struct mv_tasks jobs;
	pthread_mutex_t lock;		/* guards what follows */
	uint64_t done;
};

static int
task_write(void *arg, const uint8_t *buf, size_t len, struct mv_err *err)
{
	struct task *t = arg;
	struct db_run *db = t->db;
	int rc;

	/* Another stream failed: what this one would add is of no use. */
	rc = mv_tasks_failed(&db->jobs);
	if (rc < 0)
		return mv_err_set(err, rc, "another table failed");
	rc = mv_rate_take(db->run->opts->limit_read, len, err);
	if (rc == 0)
		rc = mv_stream_write(t->stream, buf, len, err);
	if (rc < 0)
		return rc;
	t->bytes += len;
	pthread_mutex_lock(&db->lock);
	db->done += len;
	mv_progress_bytes(&db->run->opts->progress, db->done, db->expected);
	pthread_mutex_unlock(&db->lock);
	return 0;
}

/* Copies t's table by the thread's own connection. */
static int
copy_table(struct task *t, const struct mv_sink *sink, void **local,
    struct mv_err *err)
{
	struct mv_pg_worker *worker = *local;
	int rc = 0;

	if (worker == NULL)
		rc = mv_pg_worker_open(t->db->source, &worker, err);
	*local = worker;
	if (rc < 0)
		return mv_err_ctx(err, rc, "table '%s.%s'", t->table->schema,
		    t->table->name);
	return mv_pg_copy_out(worker, t->table, sink, &t->rows, err);
}

static int
run_task(size_t i, void **local, void *arg, struct mv_err *err)
{
	struct db_run *db = arg;
	struct task *t = &db->tasks[i];
	const struct mv_sink sink = { task_write, t };
	int rc;

	rc = mv_stream_open(db->run->writer, (unsigned)t->class,
	    t->table != NULL, &t->stream, err);
	if (rc == 0 && t->table == NULL) {
		rc = mv_pg_dump_archive(db->source, db->copied, db->ncopied,
		    &sink, err);
	} else if (rc == 0) {
		rc = copy_table(t, &sink, local, err);
	}
	if (rc == 0)
		rc = mv_stream_finish(t->stream, &t->root, err);
	mv_stream_freep(&t->stream);
	return rc;
}

static void
end_thread(void *local, void *arg)
{
	(void)arg;
	mv_pg_worker_free(local);
}

/* Sticky, else Mastodon's known tables, else the server's statistics. */
static int
class_of(struct mv_backup_run *run, const struct mv_pg_table *t,
    struct mv_err *err)
{
	const struct mv_table_stats stats = {
		.live = t->live,
		.changed = t->updated + t->deleted,
	};
	int class = mv_state_class(&run->state, t->schema, t->name), rc;

	if (class < 0)
		class = (int)mv_table_class(t->name, &stats);
	rc = mv_state_set_class(&run->state, t->schema, t->name, class, err);
	return rc < 0 ? rc : class;
}

static int
larger_first(const void *a, const void *b)
{
	const struct mv_pg_table *const *x = a, *const *y = b;

	return (*x)->bytes < (*y)->bytes ? 1 : (*x)->bytes > (*y)->bytes ? -1 :
	    0;
}

/* The archive first, for pg_dump starts slowly; then the largest tables. */
static int
plan_tasks(struct db_run *db, struct mv_err *err)
{
	const struct mv_pg_tables *tables = mv_pg_source_tables(db->source);
	struct task *t;
	size_t i;

	db->copied = calloc(tables->n + 1, sizeof(db->copied[0]));
	db->tasks = calloc(tables->n + 1, sizeof(db->tasks[0]));
	if (db->copied == NULL || db->tasks == NULL)
		return mv_err_set(err, MV_ENOMEM, "plan the database");
	for (i = 0; i < tables->n; i++) {
		db->expected += tables->v[i].bytes;
		if (tables->v[i].bytes >= COPY_FROM_BYTES &&
		    tables->v[i].ncolumns > 0)
			db->copied[db->ncopied++] = &tables->v[i];
	}
	if (db->ncopied > 0)
		qsort(db->copied, db->ncopied, sizeof(db->copied[0]),
		    larger_first);
	db->tasks[0] = (struct task){ .db = db, .class = ARCHIVE_CLASS };
	for (i = 0; i < db->ncopied; i++) {
		t = &db->tasks[i + 1];
		*t = (struct task){ .db = db, .table = db->copied[i] };
		t->class = class_of(db->run, t->table, err);
		if (t->class < 0)
			return t->class;
	}
	db->ntasks = db->ncopied + 1;
	db->jobs = (struct mv_tasks){ .n = db->ntasks, .run = run_task,
	    .end = end_thread, .arg = db };
	db->run->report->tables = tables->n;
	return 0;
}

static int
table_json(struct db_run *db, const struct task *t, json_t *list,
    struct mv_err *err)
{
	json_t *o = mv_pg_table_encode(t->table);
	int stream = mv_roots_add(&db->run->roots, &t->root, err);
	int rc = stream < 0 ? stream : 0;

	if (rc == 0)
		rc = mv_json_set(o, "stream", json_integer(stream), err);
	if (rc == 0)
		rc = mv_json_set(o, "class", json_integer(t->class), err);
	if (rc == 0)
		rc = mv_json_set(o, "rows",
		    json_integer((json_int_t)t->rows), err);
	if (rc == 0)
		rc = mv_json_set(o, "bytes",
		    json_integer((json_int_t)t->bytes), err);
	if (rc < 0) {
		json_decref(o);
		return rc;
	}
	if (json_array_append_new(list, o) < 0)
		return mv_err_set(err, MV_ENOMEM, "describe the database");
	return 0;
}

/* "4.6", or null for a database that is no Mastodon's. */
static json_t *
release_json(const json_t *facts)
{
	const char *text = json_string_value(json_object_get(facts,
	    "schema_version"));
	char label[MV_VERSION_TEXT];
	uint64_t schema;

	if (text == NULL || mv_schema_parse(text, &schema, NULL) < 0)
		return json_null();
	mv_schema_label(schema, label);
	return json_string(label);
}

static bool
is_copied(const struct db_run *db, const struct mv_pg_table *t)
{
	size_t i;

	for (i = 0; i < db->ncopied; i++)
		if (db->copied[i] == t)
			return true;
	return false;
}

/* The tables whose rows are in the archive: names, and sizes on the server. */
static json_t *
archived_json(const struct db_run *db)
{
	const struct mv_pg_tables *tables = mv_pg_source_tables(db->source);
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < tables->n; i++)
		if (!is_copied(db, &tables->v[i]) &&
		    json_array_append_new(list, json_pack("{s:s, s:s, s:I}",
		    "schema", tables->v[i].schema, "name", tables->v[i].name,
		    "size", (json_int_t)tables->v[i].bytes)) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static int
describe(struct db_run *db, struct mv_err *err)
{
	struct mv_backup_report *rep = db->run->report;
	const json_t *facts = mv_pg_source_facts(db->source);
	json_t *o = json_object(), *archive = json_object();
	json_t *tables = json_array();
	size_t i;
	int rc, stream;

	/* One owner from here on, so that a failure releases all. */
	rc = mv_json_set(db->run->detail, "database", o, err);
	if (rc == 0)
		rc = mv_json_set(o, "tables", tables, err);
	if (rc == 0)
		rc = mv_json_set(o, "archive", archive, err);
	if (rc == 0)
		rc = mv_json_set(o, "facts", json_deep_copy(facts), err);
	if (rc == 0)
		rc = mv_json_set(o, "mastodon", release_json(facts), err);
	stream = rc == 0 ? mv_roots_add(&db->run->roots, &db->tasks[0].root,
	    err) : rc;
	rc = stream < 0 ? stream : 0;
	if (rc == 0)
		rc = mv_json_set(archive, "stream", json_integer(stream), err);
	if (rc == 0)
		rc = mv_json_set(archive, "bytes",
		    json_integer((json_int_t)db->tasks[0].bytes), err);
	if (rc == 0)
		rc = mv_json_set(archive, "tables", archived_json(db), err);
	for (i = 1; rc == 0 && i < db->ntasks; i++) {
		rc = table_json(db, &db->tasks[i], tables, err);
		rep->rows += db->tasks[i].rows;
	}
	rep->copied_tables = db->ncopied;
	rep->db_bytes = db->done;
	return rc;
}

static void
db_run_clear(struct db_run *db)
{
	mv_pg_source_freep(&db->source);
	free(db->copied);
	free(db->tasks);
	pthread_mutex_destroy(&db->lock);
}

static int
open_source(struct mv_backup_run *run, struct mv_pg **pg,
    struct mv_pg_source **source, struct mv_err *err)
{
	const struct mv_backup_source *src = run->src;
	const struct mv_pg_target target = {
		.conninfo = src->conninfo,
		.password = src->db_password,
		.exec_prefix = src->exec_prefix,
		.uid = src->uid,
		.gid = src->gid,
		.pg_bin = src->pg_bin,
	};
	int rc;

	if (src->pgbouncer_suspected)
		return mv_err_set(err, MV_EREFUSED, "Mastodon reaches its "
		    "database through pgbouncer (port 6432 or "
		    "PREPARED_STATEMENTS=false), behind which a dump would "
		    "disturb it: give PostgreSQL's own address as 'database'");
	rc = mv_pg_new(&target, pg, err);
	if (rc == 0)
		rc = mv_pg_source_open(*pg, src->pg_snapshot, source, err);
	return rc;
}

int
mv_backup_db(struct mv_backup_run *run, struct mv_err *err)
{
	mv_auto(mv_pg_freep) struct mv_pg *pg = NULL;
	mv_auto(db_run_clear) struct db_run db = {
		.run = run,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	double start = mv_time_monotonic();
	int rc;

	mv_progress_phase(&run->opts->progress, "database");
	rc = open_source(run, &pg, &db.source, err);
	if (rc == 0)
		rc = plan_tasks(&db, err);
	if (rc == 0)
		rc = mv_tasks_run(&db.jobs, run->opts->jobs > 0 ?
		    run->opts->jobs : DEFAULT_JOBS, err);
	if (rc == 0)
		rc = describe(&db, err);
	if (rc == 0)
		rc = mv_backup_prove_rows(run, mv_pg_source_session(db.source),
		    json_object_get(run->detail, "database"), err);
	run->report->db_seconds = mv_time_monotonic() - start;
	return mv_err_ctx(err, rc, "back up the database");
}
