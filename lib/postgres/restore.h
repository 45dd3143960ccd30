/* SPDX-License-Identifier: MIT */
#ifndef MV_POSTGRES_RESTORE_H
#define MV_POSTGRES_RESTORE_H

#include <stdbool.h>

#include <jansson.h>

#include "base/sink.h"
#include "postgres/conn.h"
#include "postgres/table.h"

/*
 * restore: a database made anew beside the one that is wanted, and put in its
 * place when it is whole.
 *
 * begin makes an empty database of a random name ("NAME_mv1a2b3c4d") on the
 * same server, with the source's encoding and locale.  The steps fill it, in
 * this order:
 *
 *	write the archive into the sink
 *	mv_pg_restore_pre	schema
 *	mv_pg_restore_data	rows, sequences and large objects in the archive
 *	mv_pg_copy_in		the other tables, in parallel
 *	mv_pg_restore_post	indexes, constraints, triggers; views and statistics
 *	mv_pg_restore_commit	rename
 *
 * Until commit the database that was there is untouched; freeing without it
 * drops what was made.  So there is never half a database under the name.
 * The archive is kept in memory, never in a file.
 */
struct mv_pg_restore_opts {
	struct mv_pg *pg;	/* its dbname is the name that is wanted */
	bool replace;		/* one with tables may be there already */
	bool no_owner;		/* all belongs to who restores */
	bool create_roles;	/* make missing ones, NOLOGIN */
	bool no_statistics;	/* the caller gathers them after post */
	int jobs;		/* for post-data and statistics; at least 1 */
};

struct mv_pg_restore;
struct mv_pg_loader;

/*
 * facts: what mv_pg_source_facts() gave at backup.  MV_EREFUSED: the
 * database is there and not empty (without replace), is in use, or this
 * server lacks a locale or an extension.  opts->pg must outlive *out.
 */
int mv_pg_restore_begin(const struct mv_pg_restore_opts *opts,
    const json_t *facts, struct mv_pg_restore **out, struct mv_err *err)
    MV_MUST_CHECK;
/*
 * Drops the new database unless it was committed, and roles that were made
 * for it.  Loaders must be gone.  NULL is fine.
 */
void mv_pg_restore_free(struct mv_pg_restore *r);
void mv_pg_restore_freep(struct mv_pg_restore **r);

/* The name that the new database has for now. */
const char *mv_pg_restore_name(const struct mv_pg_restore *r);
/*
 * The names of roles that are missing here, or that we may not act for: when
 * there are any, owners and privileges are left out.
 */
const json_t *mv_pg_restore_missing_roles(const struct mv_pg_restore *r);
/* The names of roles that create_roles made; they cannot log in. */
const json_t *mv_pg_restore_made_roles(const struct mv_pg_restore *r);
/*
 * The owner at the source, where that is missing here and nobody else was
 * said to own the new database, so that it will be ours; else NULL.
 */
const char *mv_pg_restore_missing_owner(const struct mv_pg_restore *r);
/*
 * The names of databases that restores into this one began and, being killed,
 * left; nobody is connected to them.
 */
const json_t *mv_pg_restore_left(const struct mv_pg_restore *r);

struct mv_sink mv_pg_restore_archive(struct mv_pg_restore *r);
int mv_pg_restore_pre(struct mv_pg_restore *r, struct mv_err *err)
    MV_MUST_CHECK;
int mv_pg_restore_data(struct mv_pg_restore *r, struct mv_err *err)
    MV_MUST_CHECK;

/* A connection to copy tables in; one thread at a time, after pre and data. */
int mv_pg_loader_open(struct mv_pg_restore *r, struct mv_pg_loader **out,
    struct mv_err *err) MV_MUST_CHECK;
void mv_pg_loader_free(struct mv_pg_loader *l);
void mv_pg_loader_freep(struct mv_pg_loader **l);

/*
 * Fill t, which must be empty, from source.  MV_ECORRUPT unless that made
 * exactly rows rows.  After an error the loader is of no use.
 */
int mv_pg_copy_in(struct mv_pg_loader *l, const struct mv_pg_table *t,
    const struct mv_source *source, uint64_t rows, struct mv_err *err)
    MV_MUST_CHECK;

int mv_pg_restore_post(struct mv_pg_restore *r, struct mv_err *err)
    MV_MUST_CHECK;

/*
 * Give the new database its name, in one transaction with taking it from the
 * old one, which is called "NAME_old_20261123T133000Z" then (dropped, when it
 * was empty).  *old is that name or NULL; the caller frees it.  MV_EREFUSED
 * while somebody is connected; it can be called again then.  Loaders must be
 * gone.
 */
int mv_pg_restore_commit(struct mv_pg_restore *r, char **old,
    struct mv_err *err) MV_MUST_CHECK;

#endif
