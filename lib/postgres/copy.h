/* SPDX-License-Identifier: MIT */
#ifndef MV_POSTGRES_COPY_H
#define MV_POSTGRES_COPY_H

#include <stdint.h>

#include "base/buf.h"
#include "base/sink.h"
#include "postgres/conn.h"

/*
 * copy: many rows at once over a session, as COPY's text format has them: a
 * line each, fields apart by tabs, within the session's own transaction.
 */

/*
 * Run sql, a `COPY ... TO STDOUT`.  The sink is called with whole lines,
 * about 256 KiB each time, and may have been called when this fails.  *rows
 * is their number.
 */
int mv_pg_session_copy_out(struct mv_pg_session *s, const char *sql,
    const struct mv_sink *sink, uint64_t *rows, struct mv_err *err)
    MV_MUST_CHECK;

/*
 * Run sql, a `COPY ... FROM STDIN`, with all that source gives; *rows is what
 * the server says it took.  After an error the session is of no use.
 */
int mv_pg_session_copy_in(struct mv_pg_session *s, const char *sql,
    const struct mv_source *source, uint64_t *rows, struct mv_err *err)
    MV_MUST_CHECK;

/* A field of a line, as its bytes were; p is NULL for SQL's NULL. */
struct mv_pg_field {
	char *p;
	size_t len;
};

/*
 * Take the first line of text apart, in place, into exactly n fields; *used
 * is its length with its end.  MV_ECORRUPT for what COPY never writes.
 */
int mv_pg_copy_line(char *text, size_t len, struct mv_pg_field fields[],
    size_t n, size_t *used, struct mv_err *err) MV_MUST_CHECK;
/* Append the bytes of a field, escaped; p NULL is SQL's NULL. */
void mv_pg_put_field(struct mv_buf *b, const void *p, size_t len);

#endif
