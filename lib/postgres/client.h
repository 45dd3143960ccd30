/* SPDX-License-Identifier: MIT */
#ifndef MV_POSTGRES_CLIENT_H
#define MV_POSTGRES_CLIENT_H

#include <stddef.h>

#include "base/err.h"

/*
 * client: which pg_dump, pg_restore and psql to run.
 *
 * A client program handles servers and archives up to its own major version.
 * The server's own major is taken, else the next newer one; older ones are
 * refused.  Several majors live beside each other under one root on Debian.
 */
#define MV_PG_CLIENT_ROOT "/usr/lib/postgresql"

/*
 * Of n majors the one for a server (or archive) of major: its own, else the
 * lowest above it, else -1.
 */
int mv_pg_client_choose(const int *majors, size_t n, int major);

/* "pg_dump (PostgreSQL) 15.20 (Debian ...)" is 15; -1 for anything else. */
int mv_pg_client_parse_version(const char *text);

/*
 * The path of program for major.  Looked for in bin alone when it is given,
 * else under root/N/bin, else in PATH.  The caller frees *out.  MV_EUSAGE
 * names the package that is missing.
 */
int mv_pg_client_find(const char *root, const char *bin, const char *program,
    int major, char **out, struct mv_err *err) MV_MUST_CHECK;

#endif
