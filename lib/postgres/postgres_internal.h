/* SPDX-License-Identifier: MIT */
#ifndef MV_POSTGRES_INTERNAL_H
#define MV_POSTGRES_INTERNAL_H

#include <stdbool.h>

#include <libpq-fe.h>

#include "base/buf.h"
#include "base/process.h"
#include "postgres/conn.h"

/* postgres_internal: what the files of this module share. */

#define MV_PG_OLDEST 120000	/* generated columns came with 12 */

struct mv_pg_option {
	char *key;
	char *value;
};

struct mv_pg {
	struct mv_pg_option *options;	/* never a password */
	size_t noptions;
	int passfd;			/* password file in memory, or -1 */
	char **prefix;			/* NULL-terminated, or NULL */
	char *pg_bin;
	uid_t uid;
	gid_t gid;
	bool as_uid;			/* peer authentication needed uid */
	int version;
	bool unstoppable;		/* clean-up goes on after a stop */
	bool pooler_ok;			/* who answers does not matter */
};

struct mv_pg_session {
	struct mv_pg *pg;
	PGconn *conn;			/* one of these two */
	struct mv_process *psql;
	struct mv_buf line;		/* what psql has said */
	size_t taken;			/* and how much of it we have read */
};

/* conninfo.c */
int mv_pg_read_target(struct mv_pg *pg, const struct mv_pg_target *target,
    struct mv_err *err) MV_MUST_CHECK;
const char *mv_pg_option(const struct mv_pg *pg, const char *key);
/* The connection string for a client program, to dbname if not NULL. */
int mv_pg_conninfo(const struct mv_pg *pg, const char *dbname,
    struct mv_buf *out, struct mv_err *err) MV_MUST_CHECK;
bool mv_pg_is_local(const struct mv_pg *pg);

/* connect.c */
int mv_pg_connect(struct mv_pg *pg, const char *dbname, PGconn **out,
    struct mv_err *err) MV_MUST_CHECK;
void mv_pg_finishp(PGconn **conn);

/* pg_err.c: libpq's failures as ours.  res may be NULL. */
int mv_pg_err(struct mv_err *err, PGconn *conn, const PGresult *res,
    const char *fmt, ...) MV_PRINTF(4, 5);
int mv_pg_err_connect(struct mv_err *err, const struct mv_pg *pg,
    PGconn *conn);
void mv_pg_clearp(PGresult **res);

/* session.c */
/* The settings as statements without results, for a server of version. */
void mv_pg_put_settings(struct mv_buf *b, int version);
/* Wait until conn has something to read; MV_EINTR on a stop. */
int mv_pg_wait(struct mv_pg_session *s, struct mv_err *err) MV_MUST_CHECK;
/* Read what a child says, at most len bytes; *got 0 at its end. */
int mv_pg_read_child(struct mv_process *child, uint8_t *buf, size_t len,
    bool unstoppable, size_t *got, struct mv_err *err) MV_MUST_CHECK;
/* Of a session behind a prefix: what it reads, and a line of its answer. */
int mv_pg_psql_say(struct mv_pg_session *s, const void *text, size_t len,
    struct mv_err *err) MV_MUST_CHECK;
/* NUL-terminated, without its end; valid until the next call. */
int mv_pg_psql_line(struct mv_pg_session *s, char **line, struct mv_err *err)
    MV_MUST_CHECK;

/* child.c: argument lists, and client programs. */
struct mv_pg_args {
	char **v;		/* NULL-terminated */
	size_t n;
	size_t cap;
	size_t bytes;		/* of all strings with their NULs */
	bool failed;
};

void mv_pg_args_add(struct mv_pg_args *a, const char *text);
void mv_pg_args_addf(struct mv_pg_args *a, const char *fmt, ...)
    MV_PRINTF(2, 3);
void mv_pg_args_clear(struct mv_pg_args *a);

struct mv_pg_child {
	const struct mv_pg_args *args;	/* args->v[0] is the whole path */
	const char *pgoptions;		/* server settings, or NULL */
	int keep_fds[2];		/* inherited too, the first nkeep_fds */
	size_t nkeep_fds;
	bool pipe_in;
};

/*
 * Start a client program with its standard output piped: as the right
 * account, with the password file and an environment of its own.
 */
int mv_pg_child_start(struct mv_pg *pg, const struct mv_pg_child *child,
    struct mv_process **out, struct mv_err *err) MV_MUST_CHECK;
/* Begin args with program, found for a server and archives of major. */
int mv_pg_child_program(struct mv_pg *pg, const char *program, int major,
    struct mv_pg_args *args, struct mv_err *err) MV_MUST_CHECK;
/* What `program --version` says is its major; it runs where it would. */
int mv_pg_child_major(struct mv_pg *pg, const char *program, int major,
    int *out, struct mv_err *err) MV_MUST_CHECK;
/* psql without any start file or prompt, connected to dbname (or NULL). */
int mv_pg_child_psql(struct mv_pg *pg, const char *dbname,
    struct mv_pg_args *args, struct mv_err *err) MV_MUST_CHECK;
/* Append "-d CONNINFO". */
int mv_pg_child_dbname(struct mv_pg *pg, const char *dbname,
    struct mv_pg_args *args, struct mv_err *err) MV_MUST_CHECK;

#endif
