/* SPDX-License-Identifier: MIT */
#include "postgres/source.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "postgres/quote.h"
#include "postgres/source_internal.h"

#define LOCKS_AT_ONCE 100

/* "00000003-0000001B-1", so that it can stand in an argument as it is. */
static bool
is_snapshot_id(const char *id)
{
	size_t n = strspn(id, "0123456789ABCDEFabcdef-");

	return n > 0 && n < 64 && id[n] == '\0';
}

static int
adopt_snapshot(struct mv_pg_session *s, const char *id, struct mv_err *err)
{
	int rc;

	if (!is_snapshot_id(id))
		return mv_err_set(err, MV_EUSAGE,
		    "'%s' is no snapshot id of pg_export_snapshot()", id);
	rc = mv_pg_execf(s, err, "SET TRANSACTION SNAPSHOT '%s'", id);
	if (rc == MV_EUSAGE || rc == MV_ENOTFOUND) {
		/* Servers differ in what they say. */
		mv_err_clear(err);
		return mv_err_set(err, MV_EUSAGE, "snapshot '%s' is not held "
		    "by a transaction of this database", id);
	}
	return mv_err_ctx(err, rc, "use snapshot '%s'", id);
}

static int
begin_snapshot(struct mv_pg_session *s, const char *id, struct mv_err *err)
{
	int rc;

	rc = mv_pg_exec(s,
	    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err);
	if (rc == 0 && id != NULL)
		rc = adopt_snapshot(s, id, err);
	return rc;
}

static int
export_snapshot(struct mv_pg_source *src, struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *row = NULL;
	const char *id;
	int rc;

	/*
	 * An adopted one too: from here on it is ours, and whoever gave it
	 * to us can go.
	 */
	rc = mv_pg_query_row(src->session,
	    "SELECT pg_catalog.pg_export_snapshot() AS id", &row, err);
	if (rc < 0)
		return rc;
	id = json_string_value(json_object_get(row, "id"));
	if (id == NULL || !is_snapshot_id(id))
		return mv_err_set(err, MV_EIO,
		    "the database gave no snapshot id");
	src->snapshot = strdup(id);
	if (src->snapshot == NULL)
		return mv_err_set(err, MV_ENOMEM, "open database");
	return 0;
}

static int
lock_some(struct mv_pg_source *src, size_t from, size_t to,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf sql = { 0 };
	size_t i;
	int rc;

	mv_buf_put_str(&sql, "LOCK TABLE ");
	for (i = from; i < to; i++) {
		mv_buf_put_str(&sql, i == from ? "ONLY " : ", ONLY ");
		mv_pg_put_qualified(&sql, src->tables.v[i].schema,
		    src->tables.v[i].name);
	}
	mv_buf_put_str(&sql, " IN ACCESS SHARE MODE");
	(void)mv_buf_cstr(&sql);
	rc = mv_buf_failed(&sql, err);
	if (rc == 0)
		rc = mv_pg_exec(src->session, (char *)sql.p, err);
	if (rc == MV_ENOTFOUND) {
		/* It was there when the snapshot was taken. */
		mv_err_clear(err);
		return mv_err_set(err, MV_ECHANGED, "a table was dropped or "
		    "renamed just now: try again");
	}
	return mv_err_ctx(err, rc, "lock tables for reading");
}

static int
lock_tables(struct mv_pg_source *src, struct mv_err *err)
{
	size_t i, end;
	int rc;

	rc = mv_pg_exec(src->session,
	    "SET LOCAL lock_timeout = '" MV_PG_LOCK_WAIT "'", err);
	for (i = 0; i < src->tables.n && rc == 0; i = end) {
		end = i + LOCKS_AT_ONCE;
		if (end > src->tables.n)
			end = src->tables.n;
		rc = lock_some(src, i, end, err);
	}
	if (rc == 0)
		rc = mv_pg_exec(src->session, "SET LOCAL lock_timeout = 0",
		    err);
	return rc;
}

/* An archive can only be restored by a pg_restore that is no older. */
static int
note_dump_major(struct mv_pg_source *src, struct mv_err *err)
{
	int rc, major;

	rc = mv_pg_child_major(src->pg, "pg_dump", src->pg->version / 10000,
	    &major, err);
	if (rc < 0)
		return rc;
	if (json_object_set_new(src->facts, "dump_major",
	    json_integer(major)) < 0)
		return mv_err_set(err, MV_ENOMEM, "open database");
	return 0;
}

int
mv_pg_source_open(struct mv_pg *pg, const char *snapshot,
    struct mv_pg_source **out, struct mv_err *err)
{
	mv_auto(mv_pg_source_freep) struct mv_pg_source *src = NULL;
	int rc;

	src = calloc(1, sizeof(*src));
	if (src == NULL)
		return mv_err_set(err, MV_ENOMEM, "open database");
	src->pg = pg;
	rc = mv_pg_session_open(pg, NULL, &src->session, err);
	if (rc == 0)
		rc = begin_snapshot(src->session, snapshot, err);
	if (rc == 0)
		rc = export_snapshot(src, err);
	if (rc == 0)
		rc = mv_pg_tables_read(src->session, &src->tables, err);
	/* As early as can be: what is not locked can still be dropped. */
	if (rc == 0)
		rc = lock_tables(src, err);
	if (rc == 0)
		rc = mv_pg_facts_read(src->session, &src->facts, err);
	if (rc == 0)
		rc = note_dump_major(src, err);
	if (rc < 0)
		return rc;
	*out = mv_take(&src);
	return 0;
}

void
mv_pg_source_free(struct mv_pg_source *src)
{
	if (src == NULL)
		return;
	mv_pg_session_free(src->session);
	mv_pg_tables_clear(&src->tables);
	json_decref(src->facts);
	free(src->snapshot);
	free(src);
}

void
mv_pg_source_freep(struct mv_pg_source **src)
{
	mv_pg_source_free(*src);
}

const json_t *
mv_pg_source_facts(const struct mv_pg_source *src)
{
	return src->facts;
}

const struct mv_pg_tables *
mv_pg_source_tables(const struct mv_pg_source *src)
{
	return &src->tables;
}

struct mv_pg_session *
mv_pg_source_session(struct mv_pg_source *src)
{
	return src->session;
}

int
mv_pg_worker_open(struct mv_pg_source *src, struct mv_pg_worker **out,
    struct mv_err *err)
{
	mv_auto(mv_pg_worker_freep) struct mv_pg_worker *w = NULL;
	int rc = 0;

	w = calloc(1, sizeof(*w));
	if (w != NULL)
		w->buf = malloc(MV_PG_BATCH);
	if (w == NULL || w->buf == NULL)
		return mv_err_set(err, MV_ENOMEM, "open database");
	w->src = src;
	if (src->pg->prefix == NULL) {
		rc = mv_pg_session_open(src->pg, NULL, &w->session, err);
		if (rc == 0)
			rc = begin_snapshot(w->session, src->snapshot, err);
	}
	if (rc < 0)
		return rc;
	*out = mv_take(&w);
	return 0;
}

void
mv_pg_worker_free(struct mv_pg_worker *w)
{
	if (w == NULL)
		return;
	mv_pg_session_free(w->session);
	free(w->buf);
	free(w);
}

void
mv_pg_worker_freep(struct mv_pg_worker **w)
{
	mv_pg_worker_free(*w);
}
