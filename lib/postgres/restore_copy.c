/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/stop.h"
#include "postgres/copy.h"
#include "postgres/quote.h"
#include "postgres/restore_internal.h"

#define BATCH (256 * 1024)

struct mv_pg_loader {
	struct mv_pg_restore *r;
	struct mv_pg_session *session;	/* NULL behind a prefix */
	uint8_t *buf;			/* BATCH */
};

int
mv_pg_loader_open(struct mv_pg_restore *r, struct mv_pg_loader **out,
    struct mv_err *err)
{
	mv_auto(mv_pg_loader_freep) struct mv_pg_loader *l = NULL;
	int rc = 0;

	l = calloc(1, sizeof(*l));
	if (l != NULL)
		l->buf = malloc(BATCH);
	if (l == NULL || l->buf == NULL)
		return mv_err_set(err, MV_ENOMEM, "open database");
	l->r = r;
	if (r->opts.pg->prefix == NULL) {
		rc = mv_pg_session_open(r->opts.pg, r->beside, &l->session,
		    err);
		if (rc == 0)
			rc = mv_pg_exec(l->session,
			    "SET synchronous_commit = off", err);
	}
	if (rc < 0)
		return rc;
	*out = mv_take(&l);
	return 0;
}

void
mv_pg_loader_free(struct mv_pg_loader *l)
{
	if (l == NULL)
		return;
	mv_pg_session_free(l->session);
	free(l->buf);
	free(l);
}

void
mv_pg_loader_freep(struct mv_pg_loader **l)
{
	mv_pg_loader_free(*l);
}

/*
 * Rows that are there already came out of the archive, which must not have
 * had them.  Emptied in the same transaction a table can be filled frozen,
 * and need not be visited again by a later vacuum.
 */
static int
prepare_sql(const struct mv_pg_table *t, struct mv_buf *check,
    struct mv_buf *empty, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf body = { 0 };
	int rc;

	mv_buf_put_str(&body, "BEGIN IF EXISTS (SELECT FROM ONLY ");
	mv_pg_put_qualified(&body, t->schema, t->name);
	mv_buf_put_str(&body, ") THEN RAISE 'the table is not empty' "
	    "USING ERRCODE = 'object_not_in_prerequisite_state'; "
	    "END IF; END");
	(void)mv_buf_cstr(&body);
	rc = mv_buf_failed(&body, err);
	if (rc < 0)
		return rc;
	mv_buf_put_str(check, "DO ");
	mv_pg_put_literal(check, (char *)body.p);
	(void)mv_buf_cstr(check);
	mv_buf_put_str(empty, "TRUNCATE ONLY ");
	mv_pg_put_qualified(empty, t->schema, t->name);
	(void)mv_buf_cstr(empty);
	rc = mv_buf_failed(check, err);
	return rc < 0 ? rc : mv_buf_failed(empty, err);
}

static int
copy_sql(const struct mv_pg_loader *l, const struct mv_pg_table *t,
    struct mv_buf *copy, struct mv_err *err)
{
	const char *encoding = json_string_value(json_object_get(l->r->facts,
	    "dump_encoding"));

	mv_pg_put_copy(copy, t, "FROM STDIN",
	    encoding != NULL ? encoding : "UTF8");
	/* Within its closing bracket. */
	if (copy->len > 0)
		copy->len--;
	mv_buf_put_str(copy, ", FREEZE)");
	(void)mv_buf_cstr(copy);
	return mv_buf_failed(copy, err);
}

static int
pull(struct mv_pg_loader *l, const struct mv_source *source, size_t *len,
    struct mv_err *err)
{
	size_t got = 1;
	int rc;

	*len = 0;
	rc = mv_stop_check(err);
	while (rc == 0 && got > 0 && *len < BATCH) {
		rc = source->read(source->arg, l->buf + *len, BATCH - *len,
		    &got, err);
		*len += rc == 0 ? got : 0;
	}
	return rc;
}

static int
check_rows(uint64_t n, uint64_t rows, struct mv_err *err)
{
	if (n != rows)
		return mv_err_set(err, MV_ECORRUPT, "%llu rows were restored "
		    "where the backup had %llu", (unsigned long long)n,
		    (unsigned long long)rows);
	return 0;
}

static int
copy_in_conn(struct mv_pg_loader *l, const char *check, const char *empty,
    const char *copy, const struct mv_source *source, uint64_t rows,
    struct mv_err *err)
{
	uint64_t n = 0;
	int rc;

	rc = mv_pg_exec(l->session, "BEGIN", err);
	if (rc == 0)
		rc = mv_pg_exec(l->session, check, err);
	if (rc == 0)
		rc = mv_pg_exec(l->session, empty, err);
	if (rc == 0)
		rc = mv_pg_session_copy_in(l->session, copy, source, &n, err);
	if (rc == 0)
		rc = check_rows(n, rows, err);
	return rc < 0 ? rc : mv_pg_exec(l->session, "COMMIT", err);
}

static int
psql_feed(struct mv_pg_loader *l, struct mv_process *psql,
    const struct mv_source *source, struct mv_err *err)
{
	size_t len;
	int rc;

	for (;;) {
		rc = pull(l, source, &len, err);
		if (rc < 0 || len == 0)
			break;
		/* Why it stopped listening, psql says when it ends. */
		if (mv_fd_write(mv_process_in(psql), l->buf, len, "psql",
		    NULL) < 0)
			break;
	}
	return rc;
}

static int
psql_rows(struct mv_process *psql, uint64_t rows, struct mv_err *err)
{
	char text[64];
	size_t len = 0, got = 1;
	uint64_t n;
	char *end;
	int rc = 0;

	while (rc == 0 && got > 0 && len < sizeof(text) - 1) {
		rc = mv_pg_read_child(psql, (uint8_t *)text + len,
		    sizeof(text) - 1 - len, false, &got, err);
		len += rc == 0 ? got : 0;
	}
	text[len] = '\0';
	if (rc == 0)
		rc = mv_process_wait(psql, NULL, err);
	if (rc < 0)
		return rc;
	n = strtoull(text, &end, 10);
	if (end == text || (*end != '\0' && *end != '\n'))
		return mv_err_set(err, MV_EIO, "the database did not say how "
		    "many rows it took");
	return check_rows(n, rows, err);
}

/* Behind a prefix: a psql for each table, which reads rows as its input. */
static int
copy_in_psql(struct mv_pg_loader *l, const char *const sql[], size_t n,
    const struct mv_source *source, uint64_t rows, struct mv_err *err)
{
	mv_auto(mv_pg_args_clear) struct mv_pg_args args = { 0 };
	mv_auto(mv_process_freep) struct mv_process *psql = NULL;
	mv_auto(mv_buf_clear) struct mv_buf set = { 0 };
	struct mv_pg_child child = {
		.args = &args, .pipe_in = true,
	};
	size_t i;
	int rc;

	mv_buf_put_str(&set, "SET client_encoding = 'UTF8';\n"
	    "SET synchronous_commit = off;\n");
	mv_pg_put_settings(&set, l->r->opts.pg->version);
	(void)mv_buf_cstr(&set);
	rc = mv_pg_child_psql(l->r->opts.pg, l->r->beside, &args, err);
	if (rc == 0)
		rc = mv_buf_failed(&set, err);
	if (rc < 0)
		return rc;
	mv_pg_args_add(&args, "-c");
	mv_pg_args_add(&args, (char *)set.p);
	for (i = 0; i < n; i++) {
		mv_pg_args_add(&args, "-c");
		mv_pg_args_add(&args, sql[i]);
	}
	rc = mv_pg_child_start(l->r->opts.pg, &child, &psql, err);
	if (rc == 0)
		rc = psql_feed(l, psql, source, err);
	if (rc < 0)
		return rc;
	mv_process_close_in(psql);
	return psql_rows(psql, rows, err);
}

int
mv_pg_copy_in(struct mv_pg_loader *l, const struct mv_pg_table *t,
    const struct mv_source *source, uint64_t rows, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf check = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf empty = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf copy = { 0 };
	int rc;

	if (t->ncolumns == 0)
		return mv_err_set(err, MV_EUSAGE, "'%s.%s' has no columns to "
		    "copy", t->schema, t->name);
	rc = prepare_sql(t, &check, &empty, err);
	if (rc == 0)
		rc = copy_sql(l, t, &copy, err);
	if (rc == 0 && l->session != NULL) {
		rc = copy_in_conn(l, (char *)check.p, (char *)empty.p,
		    (char *)copy.p, source, rows, err);
	} else if (rc == 0) {
		const char *const sql[] = { "BEGIN", (char *)check.p,
		    (char *)empty.p, (char *)copy.p, "\\echo :ROW_COUNT",
		    "COMMIT" };

		rc = copy_in_psql(l, sql, MV_ARRAY_LEN(sql), source, rows,
		    err);
	}
	return mv_err_ctx(err, rc, "table '%s.%s'", t->schema, t->name);
}
