/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "postgres/copy.h"
#include "postgres/quote.h"
#include "postgres/source_internal.h"

static const char *
dump_encoding(const struct mv_pg_source *src)
{
	return json_string_value(json_object_get(src->facts, "dump_encoding"));
}

static int
add_exclusions(struct mv_pg_args *args,
    const struct mv_pg_table *const without[], size_t n, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf pattern = { 0 };
	size_t i;
	int rc;

	for (i = 0; i < n; i++) {
		mv_buf_reset(&pattern);
		mv_pg_put_pattern(&pattern, without[i]->schema,
		    without[i]->name);
		(void)mv_buf_cstr(&pattern);
		rc = mv_buf_failed(&pattern, err);
		if (rc < 0)
			return rc;
		mv_pg_args_addf(args, "--exclude-table-data=%s",
		    (char *)pattern.p);
	}
	return 0;
}

/* The kernel counts the strings, their pointers and the environment. */
static int
check_length(const struct mv_pg_args *args, size_t n, struct mv_err *err)
{
	long limit = sysconf(_SC_ARG_MAX);
	size_t need = args->bytes + args->n * sizeof(char *) + 64 * 1024;

	if (limit > 0 && need > (size_t)limit)
		return mv_err_set(err, MV_EUSAGE, "%zu tables are too many to "
		    "name to pg_dump: leave more of them in the archive", n);
	return 0;
}

static int
dump_args(struct mv_pg_source *src, const struct mv_pg_table *const without[],
    size_t n, struct mv_pg_args *args, struct mv_err *err)
{
	int rc;

	rc = mv_pg_child_program(src->pg, "pg_dump", src->pg->version / 10000,
	    args, err);
	if (rc < 0)
		return rc;
	/* Compressed dumps do not deduplicate: a row changes all after it. */
	mv_pg_args_add(args, "-Fc");
	mv_pg_args_add(args, "-Z0");
	mv_pg_args_add(args, "-w");
	mv_pg_args_addf(args, "--snapshot=%s", src->snapshot);
	mv_pg_args_addf(args, "--encoding=%s", dump_encoding(src));
	mv_pg_args_add(args, "--lock-wait-timeout=" MV_PG_LOCK_WAIT);
	rc = add_exclusions(args, without, n, err);
	if (rc == 0)
		rc = mv_pg_child_dbname(src->pg, NULL, args, err);
	return rc < 0 ? rc : check_length(args, n, err);
}

/* Give all that child says to sink, until its end. */
static int
drain(struct mv_process *child, const struct mv_sink *sink, uint8_t *buf,
    uint64_t *lines, struct mv_err *err)
{
	const uint8_t *p, *end;
	size_t len = 0, got;
	int rc;

	*lines = 0;
	do {
		rc = mv_pg_read_child(child, buf + len, MV_PG_BATCH - len,
		    false, &got, err);
		if (rc < 0)
			return rc;
		end = buf + len + got;
		for (p = buf + len; p < end && (p = memchr(p, '\n',
		    (size_t)(end - p))) != NULL; p++)
			(*lines)++;
		len += got;
		/* A pipe gives 64 KiB at a time at most. */
		if (len > 0 && (got == 0 || len > MV_PG_BATCH * 3 / 4)) {
			rc = sink->write(sink->arg, buf, len, err);
			len = 0;
		}
	} while (got > 0 && rc == 0);
	return rc;
}

int
mv_pg_dump_archive(struct mv_pg_source *src,
    const struct mv_pg_table *const without[], size_t n,
    const struct mv_sink *sink, struct mv_err *err)
{
	mv_auto(mv_pg_args_clear) struct mv_pg_args args = { 0 };
	mv_auto(mv_process_freep) struct mv_process *dump = NULL;
	mv_auto(mv_freep) uint8_t *buf = malloc(MV_PG_BATCH);
	struct mv_pg_child child = { .args = &args };
	uint64_t lines;
	int rc;

	if (buf == NULL)
		return mv_err_set(err, MV_ENOMEM, "run pg_dump");
	rc = dump_args(src, without, n, &args, err);
	if (rc == 0)
		rc = mv_pg_child_start(src->pg, &child, &dump, err);
	if (rc == 0)
		rc = drain(dump, sink, buf, &lines, err);
	if (rc < 0)
		return rc;
	/* Its output may look whole: only its own word for it counts. */
	rc = mv_process_wait(dump, NULL, err);
	return mv_err_ctx(err, rc, "pg_dump");
}

/*
 * Behind a prefix each table has a psql of its own: then its standard output
 * is the rows and nothing else, and its exit status says whether all came.
 */
static int
copy_out_psql(struct mv_pg_worker *w, const char *copy,
    const struct mv_sink *sink, uint64_t *rows, struct mv_err *err)
{
	mv_auto(mv_pg_args_clear) struct mv_pg_args args = { 0 };
	mv_auto(mv_process_freep) struct mv_process *psql = NULL;
	mv_auto(mv_buf_clear) struct mv_buf set = { 0 };
	struct mv_pg_child child = { .args = &args };
	int rc;

	mv_pg_put_settings(&set, w->src->pg->version);
	rc = mv_pg_child_psql(w->src->pg, NULL, &args, err);
	(void)mv_buf_cstr(&set);
	if (rc == 0)
		rc = mv_buf_failed(&set, err);
	if (rc < 0)
		return rc;
	mv_pg_args_add(&args, "-c");
	mv_pg_args_add(&args,
	    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
	mv_pg_args_add(&args, "-c");
	mv_pg_args_addf(&args, "SET TRANSACTION SNAPSHOT '%s'",
	    w->src->snapshot);
	mv_pg_args_add(&args, "-c");
	mv_pg_args_add(&args, "SET client_encoding = 'UTF8'");
	mv_pg_args_add(&args, "-c");
	mv_pg_args_add(&args, (char *)set.p);
	mv_pg_args_add(&args, "-c");
	mv_pg_args_add(&args, copy);
	rc = mv_pg_child_start(w->src->pg, &child, &psql, err);
	/* COPY's text has a line break at the end of each row only. */
	if (rc == 0)
		rc = drain(psql, sink, w->buf, rows, err);
	return rc < 0 ? rc : mv_process_wait(psql, NULL, err);
}

int
mv_pg_copy_out(struct mv_pg_worker *w, const struct mv_pg_table *t,
    const struct mv_sink *sink, uint64_t *rows, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf copy = { 0 };
	int rc;

	if (t->ncolumns == 0)
		return mv_err_set(err, MV_EUSAGE, "'%s.%s' has no columns to "
		    "copy", t->schema, t->name);
	mv_pg_put_copy(&copy, t, "TO STDOUT", dump_encoding(w->src));
	(void)mv_buf_cstr(&copy);
	rc = mv_buf_failed(&copy, err);
	if (rc == 0 && w->session != NULL)
		rc = mv_pg_session_copy_out(w->session, (char *)copy.p, sink,
		    rows, err);
	else if (rc == 0)
		rc = copy_out_psql(w, (char *)copy.p, sink, rows, err);
	return mv_err_ctx(err, rc, "table '%s.%s'", t->schema, t->name);
}
