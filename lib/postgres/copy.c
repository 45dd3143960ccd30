/* SPDX-License-Identifier: MIT */
#include "postgres/copy.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/stop.h"
#include "postgres/postgres_internal.h"

/* What a sink or the server gets at once. */
#define BATCH (256 * 1024)

/* PQcmdTuples(), or what psql answered. */
static int
read_count(const char *text, uint64_t *out, struct mv_err *err)
{
	char *end;

	*out = strtoull(text, &end, 10);
	if (end == text || *end != '\0')
		return mv_err_set(err, MV_EIO, "the database did not say how "
		    "many rows it copied");
	return 0;
}

/* The next piece of COPY's output; *len 0 at its end. */
static int
next_row(struct mv_pg_session *s, char **row, size_t *len,
    struct mv_err *err)
{
	int n, rc;

	for (;;) {
		n = PQgetCopyData(s->conn, row, 1);
		if (n != 0)
			break;
		rc = mv_pg_wait(s, err);
		if (rc < 0)
			return rc;
		if (!PQconsumeInput(s->conn))
			return mv_pg_err(err, s->conn, NULL, "read rows");
	}
	if (n == -2)
		return mv_pg_err(err, s->conn, NULL, "read rows");
	*len = n > 0 ? (size_t)n : 0;
	return 0;
}

static int
flush(const struct mv_sink *sink, const uint8_t *buf, size_t *len,
    struct mv_err *err)
{
	size_t n = *len;

	*len = 0;
	return n > 0 ? sink->write(sink->arg, buf, n, err) : 0;
}

static int
pump_rows(struct mv_pg_session *s, const struct mv_sink *sink,
    struct mv_err *err)
{
	mv_auto(mv_freep) uint8_t *buf = malloc(BATCH);
	size_t len = 0, have = 0;
	char *row = NULL;
	int rc;

	if (buf == NULL)
		return mv_err_set(err, MV_ENOMEM, "read rows");
	for (;;) {
		rc = next_row(s, &row, &len, err);
		if (rc < 0 || len == 0)
			break;
		if (have + len > BATCH)
			rc = flush(sink, buf, &have, err);
		if (rc == 0 && len > BATCH) {
			rc = sink->write(sink->arg, (uint8_t *)row, len, err);
		} else if (rc == 0) {
			memcpy(buf + have, row, len);
			have += len;
		}
		PQfreemem(row);
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? rc : flush(sink, buf, &have, err);
}

/* What COPY itself says: all rows, or why not. */
static int
end_copy(struct mv_pg_session *s, const char *what, uint64_t *rows,
    struct mv_err *err)
{
	mv_auto(mv_pg_clearp) PGresult *res = NULL;
	mv_auto(mv_pg_clearp) PGresult *rest = NULL;
	int rc = 0;

	while (rc == 0 && PQisBusy(s->conn)) {
		rc = mv_pg_wait(s, err);
		(void)PQconsumeInput(s->conn);
	}
	if (rc < 0)
		return rc;
	res = PQgetResult(s->conn);
	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		return mv_pg_err(err, s->conn, res, "%s", what);
	rc = read_count(PQcmdTuples(res), rows, err);
	rest = PQgetResult(s->conn);
	return rc;
}

static int
begin_copy(struct mv_pg_session *s, const char *sql, ExecStatusType want,
    const char *what, struct mv_err *err)
{
	mv_auto(mv_pg_clearp) PGresult *res = NULL;
	int rc;

	if (!PQsendQuery(s->conn, sql))
		return mv_pg_err(err, s->conn, NULL, "%s", what);
	while (PQisBusy(s->conn)) {
		rc = mv_pg_wait(s, err);
		if (rc < 0)
			return rc;
		(void)PQconsumeInput(s->conn);
	}
	res = PQgetResult(s->conn);
	if (PQresultStatus(res) == want)
		return 0;
	/* What follows the error must not be taken for the next answer. */
	while (PQstatus(s->conn) == CONNECTION_OK) {
		mv_auto(mv_pg_clearp) PGresult *more = PQgetResult(s->conn);

		if (more == NULL)
			break;
	}
	return mv_pg_err(err, s->conn, res, "%s", what);
}

static int
copy_out_conn(struct mv_pg_session *s, const char *sql,
    const struct mv_sink *sink, uint64_t *rows, struct mv_err *err)
{
	int rc;

	rc = begin_copy(s, sql, PGRES_COPY_OUT, "ask for rows", err);
	if (rc == 0)
		rc = pump_rows(s, sink, err);
	return rc < 0 ? rc : end_copy(s, "read rows", rows, err);
}

/* As many bytes as source has, at most BATCH. */
static int
pull(const struct mv_source *source, uint8_t *buf, size_t *len,
    struct mv_err *err)
{
	size_t got = 1;
	int rc;

	*len = 0;
	rc = mv_stop_check(err);
	while (rc == 0 && got > 0 && *len < BATCH) {
		rc = source->read(source->arg, buf + *len, BATCH - *len, &got,
		    err);
		*len += rc == 0 ? got : 0;
	}
	return rc;
}

static int
push_rows(PGconn *conn, const struct mv_source *source, struct mv_err *err)
{
	mv_auto(mv_freep) uint8_t *buf = malloc(BATCH);
	size_t len;
	int rc;

	if (buf == NULL)
		return mv_err_set(err, MV_ENOMEM, "write rows");
	for (;;) {
		rc = pull(source, buf, &len, err);
		if (rc < 0) {
			(void)PQputCopyEnd(conn, "the rows cannot be read");
			return rc;
		}
		if (len == 0)
			break;
		if (PQputCopyData(conn, (char *)buf, (int)len) != 1)
			return mv_pg_err(err, conn, NULL, "write rows");
	}
	if (PQputCopyEnd(conn, NULL) != 1)
		return mv_pg_err(err, conn, NULL, "write rows");
	return 0;
}

static int
copy_in_conn(struct mv_pg_session *s, const char *sql,
    const struct mv_source *source, uint64_t *rows, struct mv_err *err)
{
	int rc;

	rc = begin_copy(s, sql, PGRES_COPY_IN, "write rows", err);
	if (rc == 0)
		rc = push_rows(s->conn, source, err);
	return rc < 0 ? rc : end_copy(s, "write rows", rows, err);
}

/*
 * Behind a prefix rows come on the same pipe as answers.  COPY doubles every
 * backslash that is data, so a line of one and a dot can only be ours.
 */
#define END_MARK "\\."

static int
copy_out_psql(struct mv_pg_session *s, const char *sql,
    const struct mv_sink *sink, uint64_t *rows, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf ask = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf some = { 0 };
	char *line;
	int rc;

	*rows = 0;
	mv_buf_printf(&ask, "%s;\nSELECT '" END_MARK "';\n", sql);
	rc = mv_buf_failed(&ask, err);
	if (rc == 0)
		rc = mv_pg_psql_say(s, ask.p, ask.len, err);
	while (rc == 0) {
		rc = mv_pg_psql_line(s, &line, err);
		if (rc < 0 || strcmp(line, END_MARK) == 0)
			break;
		(*rows)++;
		mv_buf_printf(&some, "%s\n", line);
		rc = mv_buf_failed(&some, err);
		if (rc == 0 && some.len >= BATCH)
			rc = flush(sink, some.p, &some.len, err);
	}
	return rc < 0 ? rc : flush(sink, some.p, &some.len, err);
}

static int
copy_in_psql(struct mv_pg_session *s, const char *sql,
    const struct mv_source *source, uint64_t *rows, struct mv_err *err)
{
	static const char end[] = END_MARK "\nSELECT :ROW_COUNT;\n";
	mv_auto(mv_freep) uint8_t *buf = malloc(BATCH);
	size_t len = 1;
	char *line;
	int rc;

	if (buf == NULL)
		return mv_err_set(err, MV_ENOMEM, "write rows");
	rc = mv_pg_psql_say(s, sql, strlen(sql), err);
	if (rc == 0)
		rc = mv_pg_psql_say(s, ";\n", 2, err);
	while (rc == 0 && len > 0) {
		rc = pull(source, buf, &len, err);
		if (rc == 0)
			rc = mv_pg_psql_say(s, buf, len, err);
	}
	if (rc == 0)
		rc = mv_pg_psql_say(s, end, strlen(end), err);
	if (rc == 0)
		rc = mv_pg_psql_line(s, &line, err);
	return rc < 0 ? rc : read_count(line, rows, err);
}

int
mv_pg_session_copy_out(struct mv_pg_session *s, const char *sql,
    const struct mv_sink *sink, uint64_t *rows, struct mv_err *err)
{
	if (s->conn == NULL)
		return copy_out_psql(s, sql, sink, rows, err);
	return copy_out_conn(s, sql, sink, rows, err);
}

int
mv_pg_session_copy_in(struct mv_pg_session *s, const char *sql,
    const struct mv_source *source, uint64_t *rows, struct mv_err *err)
{
	if (s->conn == NULL)
		return copy_in_psql(s, sql, source, rows, err);
	return copy_in_conn(s, sql, source, rows, err);
}
