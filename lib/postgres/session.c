/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/stop.h"
#include "postgres/postgres_internal.h"

#define POLL_MS 250
#define CHUNK (64 * 1024)
#define LINE_MAX_BYTES (256 * 1024 * 1024)

static const struct {
	int since;
	const char *sql;
} settings[] = {
	{ 0, "SET search_path = ''" },
	{ 0, "SET standard_conforming_strings = on" },
	{ 0, "SET datestyle = ISO" },
	{ 0, "SET intervalstyle = postgres" },
	/* A server that moves to another zone must not change every row. */
	{ 0, "SET timezone = 'UTC'" },
	{ 0, "SET bytea_output = hex" },
	{ 0, "SET extra_float_digits = 3" },
	{ 0, "SET xmloption = content" },
	{ 0, "SET client_min_messages = warning" },
	/* Rows in the order they lie in, or nothing would deduplicate. */
	{ 0, "SET synchronize_seqscans = off" },
	/* Rows that a policy would hide are an error instead. */
	{ 0, "SET row_security = off" },
	{ 0, "SET statement_timeout = 0" },
	{ 0, "SET lock_timeout = 0" },
	{ 0, "SET idle_in_transaction_session_timeout = 0" },
	{ 140000, "SET idle_session_timeout = 0" },
	{ 170000, "SET transaction_timeout = 0" },
};

void
mv_pg_put_settings(struct mv_buf *b, int version)
{
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(settings); i++)
		if (version >= settings[i].since) {
			mv_buf_put_str(b, settings[i].sql);
			mv_buf_put_str(b, ";\n");
		}
}

static void
cancel_query(PGconn *conn)
{
	PGcancel *cancel = PQgetCancel(conn);
	char why[256];

	if (cancel == NULL)
		return;
	(void)PQcancel(cancel, why, sizeof(why));
	PQfreeCancel(cancel);
}

/* 1 when fd can be read, 0 after a moment without. */
static int
poll_readable(int fd, struct mv_err *err)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n = poll(&p, 1, POLL_MS);

	if (n < 0 && errno != EINTR)
		return mv_err_sys(err, "wait for the database");
	return n > 0;
}

int
mv_pg_wait(struct mv_pg_session *s, struct mv_err *err)
{
	int rc = 0;

	while (rc == 0) {
		if (!s->pg->unstoppable && mv_stop_check(err) < 0) {
			cancel_query(s->conn);
			return MV_EINTR;
		}
		rc = poll_readable(PQsocket(s->conn), err);
	}
	return rc < 0 ? rc : 0;
}

int
mv_pg_read_child(struct mv_process *child, uint8_t *buf, size_t len,
    bool unstoppable, size_t *got, struct mv_err *err)
{
	int fd = mv_process_out(child), rc = 0;
	ssize_t n;

	for (;;) {
		while (rc == 0) {
			if (!unstoppable && mv_stop_check(err) < 0)
				return MV_EINTR;
			rc = poll_readable(fd, err);
		}
		if (rc < 0)
			return rc;
		n = read(fd, buf, len);
		if (n >= 0)
			break;
		if (errno != EINTR && errno != EAGAIN)
			return mv_err_sys(err, "read from a client program");
		rc = 0;
	}
	*got = (size_t)n;
	return 0;
}

/* The last result of what was sent, or the first that is an error. */
static int
take_result(struct mv_pg_session *s, PGresult **out, struct mv_err *err)
{
	mv_auto(mv_pg_clearp) PGresult *kept = NULL;
	PGresult *res;
	int rc;

	for (;;) {
		while (PQisBusy(s->conn)) {
			rc = mv_pg_wait(s, err);
			if (rc < 0)
				return rc;
			/* A lost connection makes a result that says so. */
			(void)PQconsumeInput(s->conn);
		}
		res = PQgetResult(s->conn);
		if (res == NULL)
			break;
		if (kept != NULL &&
		    PQresultStatus(kept) == PGRES_FATAL_ERROR) {
			PQclear(res);
			continue;
		}
		PQclear(kept);
		kept = res;
		if (PQstatus(s->conn) != CONNECTION_OK)
			break;
	}
	*out = mv_take(&kept);
	return 0;
}

static int
conn_run(struct mv_pg_session *s, const char *sql, PGresult **out,
    struct mv_err *err)
{
	mv_auto(mv_pg_clearp) PGresult *res = NULL;
	ExecStatusType status;
	int rc;

	if (!PQsendQuery(s->conn, sql))
		return mv_pg_err(err, s->conn, NULL, "ask the database");
	rc = take_result(s, &res, err);
	if (rc < 0)
		return rc;
	status = PQresultStatus(res);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		return mv_pg_err(err, s->conn, res, "the database says");
	*out = mv_take(&res);
	return 0;
}

static int
psql_gone(struct mv_pg_session *s, struct mv_err *err)
{
	int rc = mv_process_wait(s->psql, NULL, err);

	mv_process_freep(&s->psql);
	if (rc == 0)
		return mv_err_set(err, MV_EIO, "psql ended unexpectedly");
	return rc;
}

/* Read more of what psql says, behind what was not taken yet. */
static int
psql_more(struct mv_pg_session *s, struct mv_err *err)
{
	size_t got;
	int rc;

	s->line.len -= s->taken;
	if (s->line.len > 0)
		memmove(s->line.p, s->line.p + s->taken, s->line.len);
	s->taken = 0;
	if (s->line.len > LINE_MAX_BYTES ||
	    mv_buf_reserve(&s->line, CHUNK) < 0)
		return mv_err_set(err, MV_ENOMEM, "read from psql");
	rc = mv_pg_read_child(s->psql, s->line.p + s->line.len, CHUNK,
	    s->pg->unstoppable, &got, err);
	if (rc < 0)
		return rc;
	if (got == 0)
		return psql_gone(s, err);
	s->line.len += got;
	return 0;
}

int
mv_pg_psql_line(struct mv_pg_session *s, char **line, struct mv_err *err)
{
	size_t scanned = 0, left;
	uint8_t *end;
	int rc;

	for (;;) {
		left = s->line.len - s->taken;
		end = left == scanned ? NULL : memchr(s->line.p + s->taken +
		    scanned, '\n', left - scanned);
		if (end != NULL)
			break;
		scanned = left;
		rc = psql_more(s, err);
		if (rc < 0)
			return rc;
	}
	*end = '\0';
	*line = (char *)s->line.p + s->taken;
	s->taken = (size_t)(end + 1 - s->line.p);
	return 0;
}

int
mv_pg_psql_say(struct mv_pg_session *s, const void *text, size_t len,
    struct mv_err *err)
{
	struct mv_err ignored = { 0 };

	if (s->psql == NULL)
		return mv_err_set(err, MV_EIO, "psql has ended");
	/* A broken pipe says less than what psql said when it ended. */
	if (mv_fd_write(mv_process_in(s->psql), text, len, "psql",
	    &ignored) < 0)
		return psql_gone(s, err);
	return 0;
}

/* One statement that answers with one line. */
static int
psql_ask(struct mv_pg_session *s, const char *sql, char **line,
    struct mv_err *err)
{
	int rc;

	mv_buf_reset(&s->line);
	s->taken = 0;
	rc = mv_pg_psql_say(s, sql, strlen(sql), err);
	if (rc == 0)
		rc = mv_pg_psql_say(s, ";\n", 2, err);
	return rc < 0 ? rc : mv_pg_psql_line(s, line, err);
}

static int
psql_exec(struct mv_pg_session *s, const char *sql, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf both = { 0 };
	char *line;
	int rc;

	/* psql stops at an error, so the answer means that sql went well. */
	mv_buf_printf(&both, "%s;\nSELECT 'done'", sql);
	(void)mv_buf_cstr(&both);
	rc = mv_buf_failed(&both, err);
	if (rc == 0)
		rc = psql_ask(s, (char *)both.p, &line, err);
	if (rc == 0 && strcmp(line, "done") != 0)
		return mv_err_set(err, MV_EIO, "psql answered what was not "
		    "asked: does the database command print something?");
	return rc;
}

int
mv_pg_exec(struct mv_pg_session *s, const char *sql, struct mv_err *err)
{
	mv_auto(mv_pg_clearp) PGresult *res = NULL;

	if (s->conn == NULL)
		return psql_exec(s, sql, err);
	return conn_run(s, sql, &res, err);
}

int
mv_pg_execf(struct mv_pg_session *s, struct mv_err *err, const char *fmt, ...)
{
	mv_auto(mv_freep) char *sql = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&sql, fmt, ap);
	va_end(ap);
	if (n < 0) {
		sql = NULL;
		return mv_err_set(err, MV_ENOMEM, "ask the database");
	}
	return mv_pg_exec(s, sql, err);
}

static int
json_decode(const char *text, json_t **out, struct mv_err *err)
{
	char what[MV_ERR_TEXT_MAX];
	struct mv_err why = { 0 };
	int rc;

	rc = mv_json_decode(text, strlen(text),
	    JSON_DECODE_ANY | JSON_ALLOW_NUL, out, &why);
	if (rc == 0)
		return 0;
	/* What the server answers is no damage of a backup. */
	(void)mv_err_text(&why, what, sizeof(what));
	return mv_err_set(err, rc == MV_ECORRUPT ? MV_EIO : rc,
	    "read the database's answer: %s", what);
}

int
mv_pg_query(struct mv_pg_session *s, const char *sql, json_t **out,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf wrapped = { 0 };
	mv_auto(mv_pg_clearp) PGresult *res = NULL;
	char *text;
	int rc;

	/* As text jsonb is one line, which frames it for psql. */
	mv_buf_printf(&wrapped, "SELECT coalesce(jsonb_agg(to_jsonb(q)), "
	    "'[]')::text FROM (%s) q", sql);
	text = mv_buf_cstr(&wrapped);
	rc = mv_buf_failed(&wrapped, err);
	if (rc < 0)
		return rc;
	if (s->conn == NULL) {
		rc = psql_ask(s, text, &text, err);
		if (rc < 0)
			return rc;
	} else {
		rc = conn_run(s, text, &res, err);
		if (rc < 0)
			return rc;
		if (PQntuples(res) != 1 || PQnfields(res) != 1)
			return mv_err_set(err, MV_EIO,
			    "the database's answer is not one value");
		text = PQgetvalue(res, 0, 0);
	}
	return json_decode(text, out, err);
}

int
mv_pg_query_row(struct mv_pg_session *s, const char *sql, json_t **out,
    struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *rows = NULL;
	json_t *row;
	int rc;

	rc = mv_pg_query(s, sql, &rows, err);
	if (rc < 0)
		return rc;
	row = json_array_get(rows, 0);
	if (!json_is_object(row))
		return mv_err_set(err, MV_ENOTFOUND, "the database has none");
	*out = json_incref(row);
	return 0;
}

/*
 * A pooler answers with a process id of its own making; behind it neither
 * this session nor its snapshot is sure to live in one server process.
 */
static int
refuse_pooler(struct mv_pg_session *s, struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *row = NULL;
	int rc;

	if (s->conn == NULL)
		return 0;
	rc = mv_pg_query_row(s, "SELECT pg_catalog.pg_backend_pid() AS pid",
	    &row, err);
	if (rc < 0)
		return rc;
	if (json_integer_value(json_object_get(row, "pid")) ==
	    PQbackendPID(s->conn))
		return 0;
	return mv_err_set(err, MV_EREFUSED, "a connection pooler (as "
	    "pgbouncer) answers at port %s, behind which a snapshot cannot be "
	    "held: give PostgreSQL's own host and port, mostly 5432",
	    PQport(s->conn));
}

static int
read_version(struct mv_pg_session *s, struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *row = NULL;
	int rc, version;

	rc = mv_pg_query_row(s, "SELECT pg_catalog.current_setting("
	    "'server_version_num')::int AS version", &row, err);
	if (rc < 0)
		return rc;
	version = (int)json_integer_value(json_object_get(row, "version"));
	if (version < MV_PG_OLDEST)
		return mv_err_set(err, MV_EUSAGE, "PostgreSQL %d is too old: "
		    "%d is the oldest that is supported", version / 10000,
		    MV_PG_OLDEST / 10000);
	/* The first session finds it; later ones run in other threads. */
	if (s->pg->version == 0)
		s->pg->version = version;
	return 0;
}

static int
start_psql(struct mv_pg_session *s, const char *dbname, struct mv_err *err)
{
	mv_auto(mv_pg_args_clear) struct mv_pg_args args = { 0 };
	struct mv_pg_child child = {
		.args = &args, .pipe_in = true,
	};
	const char *port = mv_pg_option(s->pg, "port");
	int rc;

	if (port != NULL && strcmp(port, "6432") == 0)
		return mv_err_set(err, MV_EREFUSED, "port 6432 is that of "
		    "pgbouncer: give PostgreSQL's own port, mostly 5432");
	rc = mv_pg_child_psql(s->pg, dbname, &args, err);
	if (rc < 0)
		return rc;
	return mv_pg_child_start(s->pg, &child, &s->psql, err);
}

static int
apply_settings(struct mv_pg_session *s, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf sql = { 0 };
	int rc;

	if (s->conn == NULL)
		mv_buf_put_str(&sql, "SET client_encoding = 'UTF8';\n");
	mv_pg_put_settings(&sql, s->pg->version);
	(void)mv_buf_cstr(&sql);
	rc = mv_buf_failed(&sql, err);
	return rc < 0 ? rc : mv_pg_exec(s, (char *)sql.p, err);
}

int
mv_pg_session_open(struct mv_pg *pg, const char *dbname,
    struct mv_pg_session **out, struct mv_err *err)
{
	mv_auto(mv_pg_session_freep) struct mv_pg_session *s = NULL;
	int rc;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return mv_err_set(err, MV_ENOMEM, "connect to PostgreSQL");
	s->pg = pg;
	if (pg->prefix != NULL)
		rc = start_psql(s, dbname, err);
	else
		rc = mv_pg_connect(pg, dbname, &s->conn, err);
	if (rc == 0)
		rc = refuse_pooler(s, err);
	if (rc == 0)
		rc = read_version(s, err);
	if (rc == 0)
		rc = apply_settings(s, err);
	if (rc < 0)
		return rc;
	*out = mv_take(&s);
	return 0;
}

void
mv_pg_session_free(struct mv_pg_session *s)
{
	if (s == NULL)
		return;
	mv_pg_finishp(&s->conn);
	mv_process_free(s->psql);
	mv_buf_clear(&s->line);
	free(s);
}

void
mv_pg_session_freep(struct mv_pg_session **s)
{
	mv_pg_session_free(*s);
	*s = NULL;
}
