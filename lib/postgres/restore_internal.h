/* SPDX-License-Identifier: MIT */
#ifndef MV_POSTGRES_RESTORE_INTERNAL_H
#define MV_POSTGRES_RESTORE_INTERNAL_H

#include "postgres/postgres_internal.h"
#include "postgres/restore.h"

struct mv_pg_restore {
	struct mv_pg_restore_opts opts;
	json_t *facts;
	struct mv_pg_session *admin;	/* to another database, for DDL */
	const char *name;		/* wanted */
	char *beside;			/* what it is called until commit */
	char *owner;			/* of the database that was there */
	bool exists;			/* one of that name is there */
	bool was_empty;
	bool created;
	bool committed;
	bool skip_owner;
	bool skip_tablespaces;
	json_t *missing;		/* roles */
	json_t *made;			/* roles that we created */
	json_t *left;			/* databases of restores that were killed */
	int archive;			/* memory file */
	int major;			/* of pg_restore, at least */
};

/* restore_target.c: the server's side. */
int mv_pg_target_admin(struct mv_pg_restore *r, struct mv_err *err)
    MV_MUST_CHECK;
/* Look at what is there under the name; refuse what must not be touched. */
int mv_pg_target_look(struct mv_pg_restore *r, struct mv_err *err)
    MV_MUST_CHECK;
/* Fill left. */
int mv_pg_target_left(struct mv_pg_restore *r, struct mv_err *err)
    MV_MUST_CHECK;
int mv_pg_target_roles(struct mv_pg_restore *r, struct mv_err *err)
    MV_MUST_CHECK;
int mv_pg_target_create(struct mv_pg_restore *r, struct mv_err *err)
    MV_MUST_CHECK;
void mv_pg_target_drop(struct mv_pg_restore *r);
/* name cut so that suffix fits into PostgreSQL's 63 bytes; to be freed. */
char *mv_pg_suffixed(const char *name, const char *suffix);

/* restore_archive.c */
int mv_pg_archive_open(struct mv_pg_restore *r, struct mv_err *err)
    MV_MUST_CHECK;
/* Run pg_restore for a section, or for what is in the memory file list too. */
int mv_pg_archive_restore(struct mv_pg_restore *r, const char *section,
    int jobs, int list, struct mv_err *err) MV_MUST_CHECK;
/*
 * Make two lists of what section post-data has: what fills materialized views,
 * and all others.  *views and *others stay as they are where there is nothing
 * to be filled, and behind a prefix.
 */
int mv_pg_archive_split(struct mv_pg_restore *r, int *views, int *others,
    struct mv_err *err) MV_MUST_CHECK;

#endif
