/* SPDX-License-Identifier: MIT */
#ifndef MV_TESTS_SUPPORT_PG_H
#define MV_TESTS_SUPPORT_PG_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "postgres/conn.h"

/*
 * pg: a throw-away PostgreSQL for one test program.
 *
 * Lives in a directory of its own, listens on a Unix socket there and never
 * touches a cluster of the system.  As root it runs as the account
 * `postgres`.  It is stopped, and its directory removed, by mv_test_pg_stop()
 * or at exit, whatever the tests did.
 */
struct mv_test_pg {
	char *dir;
	char *bin;		/* of initdb, pg_dump, ... */
	char *conninfo;		/* host, port and superuser, no database */
	pid_t pid;
	uid_t uid;		/* the server's */
	gid_t gid;
	int port;
	bool tcp;		/* on 127.0.0.1, too */
};

/* False when there is no PostgreSQL server program here: skip. */
bool mv_test_pg_start(struct mv_test_pg *pg);
/* Listens on a free port of 127.0.0.1, too. */
bool mv_test_pg_start_tcp(struct mv_test_pg *pg);
void mv_test_pg_stop(struct mv_test_pg *pg);
/* kill -9 of the server and all its processes, and starting it again. */
void mv_test_pg_crash(struct mv_test_pg *pg);
void mv_test_pg_again(struct mv_test_pg *pg);
/* Replace pg_hba.conf and have the server read it. */
void mv_test_pg_hba(struct mv_test_pg *pg, const char *text);

/* conninfo with this database; free() it. */
char *mv_test_pg_db(const struct mv_test_pg *pg, const char *dbname);
/* A target for it, with nothing else. */
struct mv_pg_target mv_test_pg_target(const char *conninfo);

/* Run SQL, which must succeed. */
void mv_test_pg_sql(const struct mv_test_pg *pg, const char *dbname,
    const char *sql);
/* Its first value as text, free() it. */
char *mv_test_pg_value(const struct mv_test_pg *pg, const char *dbname,
    const char *sql);

/*
 * Run a program of PostgreSQL's (argv[0] without a path) with the server as
 * default, standard input from the file in (or NULL); its output is appended
 * to out.  The exit status.
 */
int mv_test_pg_run(const struct mv_test_pg *pg, const char *const argv[],
    const char *in, struct mv_buf *out);

/* pg_dump of a database as comparable text, appended to out. */
void mv_test_pg_dump(const struct mv_test_pg *pg, const char *dbname,
    struct mv_buf *out);

#endif
