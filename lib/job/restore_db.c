/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>

#include "base/cleanup.h"
#include "base/stop.h"
#include "base/tasks.h"
#include "job/detail.h"
#include "job/restore_internal.h"
#include "postgres/restore.h"
#include "repo/reader.h"

/*
 * restore_db: the database beside the one that is wanted, and in its place
 * when it is whole.
 */
struct db_restore {
	struct mv_restore_run *run;
	struct mv_pg *pg;
	struct mv_pg_restore *restore;
	struct mv_reader *reader;
	const json_t *part;		/* the detail's database */
	struct mv_tasks jobs;

	pthread_mutex_t lock;		/* guards what follows */
	uint64_t done, total, rows;
};

static void
db_restore_clear(struct db_restore *db)
{
	mv_pg_restore_freep(&db->restore);
	mv_pg_freep(&db->pg);
	mv_reader_freep(&db->reader);
	pthread_mutex_destroy(&db->lock);
}

/* in: one stream on its way into the server. */
struct in {
	struct db_restore *db;
	struct mv_stream_in *stream;
};

static int
in_read(void *arg, uint8_t *buf, size_t len, size_t *got, struct mv_err *err)
{
	const struct in *in = arg;
	struct db_restore *db = in->db;
	const struct mv_progress *p = &db->run->opts->progress;
	int rc;

	*got = 0;
	rc = mv_tasks_failed(&db->jobs);
	if (rc < 0)
		return mv_err_set(err, rc, "another table failed");
	rc = mv_stop_check(err);
	if (rc == 0)
		rc = mv_stream_in_read(in->stream, buf, len, got, err);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&db->lock);
	db->done += *got;
	if (p->bytes != NULL)
		p->bytes(db->done, db->total, p->arg);
	pthread_mutex_unlock(&db->lock);
	return 0;
}

static int
open_stream(struct db_restore *db, const json_t *object,
    struct mv_stream_in **out, struct mv_err *err)
{
	const struct mv_root *root = NULL;
	int rc;

	rc = mv_detail_stream(db->run->snap, object, "stream", &root, err);
	if (rc == 0)
		rc = mv_stream_in_open(db->reader, root, out, err);
	return rc;
}

static int
fetch_archive(struct db_restore *db, struct mv_err *err)
{
	mv_auto(mv_stream_in_freep) struct mv_stream_in *stream = NULL;
	const struct mv_sink sink = mv_pg_restore_archive(db->restore);
	struct in in = { .db = db };
	uint8_t buf[65536];
	size_t got;
	int rc;

	rc = open_stream(db, json_object_get(db->part, "archive"), &stream,
	    err);
	in.stream = stream;
	while (rc == 0) {
		rc = in_read(&in, buf, sizeof(buf), &got, err);
		if (rc < 0 || got == 0)
			break;
		rc = sink.write(sink.arg, buf, got, err);
	}
	return mv_err_ctx(err, rc, "the archive");
}

static int
copy_rows(struct db_restore *db, const json_t *json,
    const struct mv_pg_table *table, void **local, struct mv_err *err)
{
	mv_auto(mv_stream_in_freep) struct mv_stream_in *stream = NULL;
	struct mv_pg_loader *loader = *local;
	struct in in = { .db = db };
	const struct mv_source source = { in_read, &in };
	json_int_t rows = json_integer_value(json_object_get(json, "rows"));
	int rc;

	rc = open_stream(db, json, &stream, err);
	in.stream = stream;
	if (rc == 0 && loader == NULL)
		rc = mv_pg_loader_open(db->restore, &loader, err);
	*local = loader;
	if (rc < 0)
		return mv_err_ctx(err, rc, "table '%s.%s'", table->schema,
		    table->name);
	rc = mv_pg_copy_in(loader, table, &source, (uint64_t)rows, err);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&db->lock);
	db->rows += (uint64_t)rows;
	pthread_mutex_unlock(&db->lock);
	return 0;
}

static int
run_task(size_t i, void **local, void *arg, struct mv_err *err)
{
	mv_auto(mv_pg_table_clear) struct mv_pg_table table = { 0 };
	struct db_restore *db = arg;
	const json_t *json = json_array_get(json_object_get(db->part,
	    "tables"), i);
	int rc;

	rc = mv_pg_table_decode(json, &table, err);
	if (rc == 0)
		rc = copy_rows(db, json, &table, local, err);
	return rc;
}

static void
end_thread(void *local, void *arg)
{
	(void)arg;
	mv_pg_loader_free(local);
}

static uint64_t
bytes_of(const json_t *object)
{
	return (uint64_t)json_integer_value(json_object_get(object, "bytes"));
}

static int
begin(struct db_restore *db, struct mv_err *err)
{
	const struct mv_restore_opts *opts = db->run->opts;
	const struct mv_pg_target target = {
		.conninfo = opts->conninfo,
		.password = opts->db_password,
		.exec_prefix = opts->exec_prefix,
		.uid = opts->uid,
		.gid = opts->gid,
		.pg_bin = opts->pg_bin,
	};
	struct mv_pg_restore_opts ropts = {
		.replace = opts->replace,
		.no_owner = opts->no_owner,
		.create_roles = opts->create_roles,
		.no_statistics = opts->defused,
		.jobs = (int)(opts->jobs > 0 ? opts->jobs : mv_cores()),
	};
	const json_t *tables = json_object_get(db->part, "tables"), *t;
	size_t i;
	int rc;

	db->total = bytes_of(json_object_get(db->part, "archive"));
	json_array_foreach(tables, i, t)
		db->total += bytes_of(t);
	db->jobs = (struct mv_tasks){ .n = json_array_size(tables),
	    .run = run_task, .end = end_thread, .arg = db };
	rc = mv_pg_new(&target, &db->pg, err);
	ropts.pg = db->pg;
	if (rc == 0 && opts->replace && !opts->defused)
		rc = mv_restore_refuse_defused(db->pg, err);
	if (rc == 0)
		rc = mv_reader_open(db->run->repo, db->run->snap, &db->reader,
		    err);
	if (rc == 0)
		rc = mv_pg_restore_begin(&ropts, json_object_get(db->part,
		    "facts"), &db->restore, err);
	return rc;
}

/* Roles that are missing here, or were: a person will want to know. */
static int
note_roles(struct db_restore *db, struct mv_err *err)
{
	const json_t *missing = mv_pg_restore_missing_roles(db->restore), *r;
	const char *owner = mv_pg_restore_missing_owner(db->restore);
	char text[256];
	size_t i;
	int rc = 0;

	if (owner != NULL) {
		db->run->report->missing_owner = strdup(owner);
		if (db->run->report->missing_owner == NULL)
			return mv_err_set(err, MV_ENOMEM, "note a role");
	}
	json_array_foreach(mv_pg_restore_made_roles(db->restore), i, r) {
		(void)snprintf(text, sizeof(text), "role '%s' was made and "
		    "cannot log in: ALTER ROLE ... LOGIN, with the password "
		    "that it had", json_string_value(r));
		rc = mv_named_add(&db->run->report->notes, text, strlen(text),
		    err);
		if (rc < 0)
			return rc;
	}
	if (db->run->opts->no_owner)
		return 0;
	json_array_foreach(missing, i, r) {
		(void)snprintf(text, sizeof(text), "role '%s' is missing here: "
		    "restored without owners and privileges (--create-roles)",
		    json_string_value(r));
		rc = mv_named_add(&db->run->report->notes, text, strlen(text),
		    err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

/* They take up space, and only a person can say that they may go. */
static int
note_left(struct db_restore *db, struct mv_err *err)
{
	const json_t *left = mv_pg_restore_left(db->restore), *row;
	char text[256];
	size_t i;
	int rc = 0;

	json_array_foreach(left, i, row) {
		(void)snprintf(text, sizeof(text), "database '%s' is left of a "
		    "restore that was killed: drop it",
		    json_string_value(json_object_get(row, "name")));
		rc = mv_named_add(&db->run->report->notes, text, strlen(text),
		    err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int
fill(struct db_restore *db, struct mv_err *err)
{
	const struct mv_restore_opts *opts = db->run->opts;
	unsigned jobs = opts->jobs > 0 ? opts->jobs : mv_cores();
	int rc;

	rc = fetch_archive(db, err);
	if (rc == 0)
		rc = mv_pg_restore_pre(db->restore, err);
	if (rc == 0 && opts->defused)
		rc = mv_restore_hold(db->pg, mv_pg_restore_name(db->restore),
		    err);
	if (rc == 0)
		rc = mv_pg_restore_data(db->restore, err);
	if (rc == 0)
		rc = mv_tasks_run(&db->jobs, jobs, err);
	if (rc == 0 && opts->progress.phase != NULL)
		opts->progress.phase("indexes", opts->progress.arg);
	if (rc == 0)
		rc = mv_pg_restore_post(db->restore, err);
	return rc;
}

int
mv_restore_db(struct mv_restore_run *run, struct mv_err *err)
{
	mv_auto(db_restore_clear) struct db_restore db = {
		.run = run,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	int rc;

	if (run->opts->progress.phase != NULL)
		run->opts->progress.phase("database", run->opts->progress.arg);
	rc = mv_detail_part(run->snap, run->detail, MV_PART_DB, &db.part, err);
	if (rc == 0)
		rc = begin(&db, err);
	if (rc == 0)
		rc = note_roles(&db, err);
	if (rc == 0)
		rc = note_left(&db, err);
	if (rc == 0)
		rc = fill(&db, err);
	if (rc == 0 && run->opts->reencrypt)
		rc = mv_restore_reencrypt(run, db.pg,
		    mv_pg_restore_name(db.restore), err);
	/* Before the rename: under the name there is never another one. */
	if (rc == 0 && run->opts->defused)
		rc = mv_restore_defuse(run, db.pg,
		    mv_pg_restore_name(db.restore), err);
	if (rc == 0)
		rc = mv_stop_check(err);
	if (rc == 0)
		rc = mv_pg_restore_commit(db.restore,
		    &run->report->old_database, err);
	/* Rows are counted of those that have a stream of their own. */
	run->report->tables = db.jobs.n + json_array_size(json_object_get(
	    json_object_get(db.part, "archive"), "tables"));
	run->report->rows = db.rows;
	run->report->db_bytes = db.done;
	return mv_err_ctx(err, rc, "restore the database");
}
