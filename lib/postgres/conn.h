/* SPDX-License-Identifier: MIT */
#ifndef MV_POSTGRES_CONN_H
#define MV_POSTGRES_CONN_H

#include <stdbool.h>
#include <sys/types.h>

#include <jansson.h>

#include "base/err.h"
#include "secret/secret.h"

/*
 * conn: how a PostgreSQL is reached, and sessions with it.
 *
 * A struct mv_pg is a server as the user named it: a libpq connection string
 * without its password, which moves into a memory file (0600) that libpq and
 * the client programs read as their password file.  It is never in an
 * argument, an environment or an error text.
 *
 * Where a Unix socket refuses us and uid names another account, sessions and
 * client programs are started as that account (peer authentication).  Root
 * without a uid tries the account of the role's name, without a role
 * `postgres`: on a machine that is being set up anew there is no other.
 *
 * With exec_prefix nothing here connects: `psql` and all other programs run
 * behind the prefix and find the server from there.  A password cannot be
 * handed through it and is left out.
 *
 * Sessions speak UTF-8, with settings that make what they read complete and
 * repeatable: no time limits, no row security, an empty search_path, UTC.
 * A session is used by one thread at a time; different sessions of one
 * struct mv_pg by as many as there are, once the first has been opened.
 */
struct mv_pg_target {
	const char *conninfo;		/* "key=value ..." or postgresql:// */
	const char *dbname;		/* instead of conninfo's, or NULL */
	struct mv_secret *password;	/* or NULL; not taken over; conninfo's wins */
	const char *const *exec_prefix;	/* argv, NULL-terminated, or NULL */
	uid_t uid;			/* (uid_t)-1: only as we are */
	gid_t gid;
	const char *pg_bin;		/* where client programs are, or NULL */
};

struct mv_pg;
struct mv_pg_session;

/*
 * Read the target and keep what is needed of it.  Connects nowhere.
 * MV_EUSAGE for a connection string that is none.
 */
int mv_pg_new(const struct mv_pg_target *target, struct mv_pg **out,
    struct mv_err *err) MV_MUST_CHECK;
void mv_pg_free(struct mv_pg *pg);
void mv_pg_freep(struct mv_pg **pg);

/* Do both connection strings name a user, and the same one? */
bool mv_pg_same_user(const char *a, const char *b);
/*
 * Do both lead to one database, as far as their text can tell: the same name
 * and port, and the same host, or ways to this one (a socket, localhost)?
 */
bool mv_pg_same_database(const char *a, const char *b);
/* Does it bring a password, or a password file, of its own? */
bool mv_pg_has_password(const char *conninfo);

/* The database's name as it was given; NULL when it was not. */
const char *mv_pg_dbname(const struct mv_pg *pg);
/* The role's name, likewise. */
const char *mv_pg_user(const struct mv_pg *pg);
/* Of the server, as 150020; 0 before the first session was opened. */
int mv_pg_version(const struct mv_pg *pg);

/*
 * Connect, to dbname when it is not NULL.  MV_EAUTH: not let in;
 * MV_ENOTFOUND: no such database; MV_EREFUSED: a connection pooler answered,
 * behind which neither snapshots nor sessions can be relied upon.
 * pg must outlive the session.
 */
int mv_pg_session_open(struct mv_pg *pg, const char *dbname,
    struct mv_pg_session **out, struct mv_err *err) MV_MUST_CHECK;
void mv_pg_session_free(struct mv_pg_session *s);
void mv_pg_session_freep(struct mv_pg_session **s);

/*
 * Connect, have one question answered, and leave: does it work?  *used says
 * whether the server wanted our password, which it does not under peer, trust
 * or ident.  A pooler is as welcome as a server.  Errors as above; MV_EUSAGE
 * with an exec_prefix, through which no password goes.
 */
int mv_pg_try(struct mv_pg *pg, bool *used, struct mv_err *err) MV_MUST_CHECK;

/*
 * Run sql, which must be one statement without a result (or several, for a
 * session that is no psql).  Ends with MV_EINTR when a stop was requested,
 * and the session is of no use afterwards.
 */
int mv_pg_exec(struct mv_pg_session *s, const char *sql, struct mv_err *err)
    MV_MUST_CHECK;
/* The same with printf's formatting: for names that were quoted before. */
int mv_pg_execf(struct mv_pg_session *s, struct mv_err *err, const char *fmt,
    ...) MV_MUST_CHECK MV_PRINTF(3, 4);

/*
 * Run the SELECT sql and give its rows as an array of objects; the caller
 * owns *out.
 */
int mv_pg_query(struct mv_pg_session *s, const char *sql, json_t **out,
    struct mv_err *err) MV_MUST_CHECK;
/* The first row only: MV_ENOTFOUND when there is none. */
int mv_pg_query_row(struct mv_pg_session *s, const char *sql, json_t **out,
    struct mv_err *err) MV_MUST_CHECK;

/* For mv_auto(). */
void mv_json_decrefp(json_t **json);

#endif
