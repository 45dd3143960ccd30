/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/stop.h"
#include "postgres/postgres_internal.h"

#define TEXT_MAX 512

static const struct {
	const char *state;	/* the whole, or its class of two */
	int code;
} codes[] = {
	{ "22023", MV_EUSAGE },		/* invalid parameter value */
	{ "28", MV_EAUTH },		/* invalid authorization */
	{ "42501", MV_EAUTH },		/* insufficient privilege */
	{ "3D", MV_ENOTFOUND },		/* no such database */
	{ "42P01", MV_ENOTFOUND },	/* no such table */
	{ "42704", MV_ENOTFOUND },	/* no such object */
	{ "42P04", MV_EEXIST },		/* database exists */
	{ "42710", MV_EEXIST },		/* role exists */
	{ "53100", MV_ENOSPC },		/* disk full */
	{ "53200", MV_ENOMEM },
	{ "55P03", MV_EAGAIN },		/* lock not available */
	{ "55006", MV_EAGAIN },		/* object in use */
	{ "40", MV_EAGAIN },		/* serialization failure */
};

static int
code_of_state(const char *state)
{
	size_t i;

	if (state == NULL)
		return MV_EIO;
	if (strcmp(state, "57014") == 0 && mv_stop_requested())
		return MV_EINTR;
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strncmp(state, codes[i].state, strlen(codes[i].state)) == 0)
			return codes[i].code;
	return MV_EIO;
}

/* The server's refusal is one of permission, not of a backup's key. */
static int
errno_of(int code)
{
	return code == MV_EAUTH ? EACCES : 0;
}

/* One line of it, without libpq's prefixes. */
static void
one_line(const char *message, char out[TEXT_MAX])
{
	size_t n = 0;

	while (*message != '\0' && n < TEXT_MAX - 1) {
		if (*message == '\n') {
			while (*message == '\n' || *message == '\t')
				message++;
			if (*message == '\0')
				break;
			if (n + 2 >= TEXT_MAX)
				break;
			out[n++] = ';';
			out[n++] = ' ';
			continue;
		}
		out[n++] = *message++;
	}
	out[n] = '\0';
}

int
mv_pg_err(struct mv_err *err, PGconn *conn, const PGresult *res,
    const char *fmt, ...)
{
	const char *state = NULL, *message = NULL;
	char what[TEXT_MAX], why[TEXT_MAX];
	int code;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	/*
	 * Only the primary message: details and context of a failed COPY
	 * quote rows, which are people's letters.
	 */
	if (res != NULL) {
		state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
		message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	}
	if (message == NULL && conn != NULL)
		message = PQerrorMessage(conn);
	one_line(message != NULL && *message != '\0' ? message :
	    "the connection was lost", why);
	code = code_of_state(state);
	return mv_err_set_at(err, code, errno_of(code), __FILE__, __LINE__,
	    "%s: %s", what, why);
}

static bool
says(const char *message, const char *word)
{
	return strstr(message, word) != NULL;
}

/*
 * libpq has no SQLSTATE for a failed connection; English words are all there
 * is, and a server that speaks otherwise gets the general code.
 */
static int
code_of_connect(const char *message)
{
	if (says(message, "authentication failed") ||
	    says(message, "no password supplied") ||
	    says(message, "pg_hba.conf") || says(message, "role \"") ||
	    says(message, "permission denied"))
		return MV_EAUTH;
	if (says(message, "database \"") && says(message, "does not exist"))
		return MV_ENOTFOUND;
	if (says(message, "starting up") || says(message, "too many clients"))
		return MV_EAGAIN;
	return MV_EIO;
}

static const char *
advice_for(const char *message, const struct mv_pg *pg)
{
	if (says(message, "Peer authentication") && !pg->as_uid)
		return " (run as that account or as root, or give a backup "
		    "role a password)";
	if (says(message, "no password supplied"))
		return " (no password was given)";
	if (says(message, "No such file or directory"))
		return " (is PostgreSQL running, and is this its socket's "
		    "directory and port?)";
	if (says(message, "Connection refused"))
		return " (is PostgreSQL running and listening there?)";
	return "";
}

int
mv_pg_err_connect(struct mv_err *err, const struct mv_pg *pg, PGconn *conn)
{
	const char *message = conn != NULL ? PQerrorMessage(conn) : "";
	const char *port = mv_pg_option(pg, "port");
	char why[TEXT_MAX];
	int code;

	one_line(*message != '\0' ? message : "out of memory", why);
	if (!pg->pooler_ok && port != NULL && strcmp(port, "6432") == 0)
		return mv_err_set(err, MV_EREFUSED, "port 6432 is that of "
		    "pgbouncer: give PostgreSQL's own port, mostly 5432 (%s)",
		    why);
	code = code_of_connect(message);
	return mv_err_set_at(err, code, errno_of(code), __FILE__, __LINE__,
	    "connect to PostgreSQL: %s%s", why, advice_for(message, pg));
}

void
mv_pg_clearp(PGresult **res)
{
	PQclear(*res);
}
