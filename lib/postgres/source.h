/* SPDX-License-Identifier: MIT */
#ifndef MV_POSTGRES_SOURCE_H
#define MV_POSTGRES_SOURCE_H

#include <jansson.h>

#include "base/sink.h"
#include "postgres/conn.h"
#include "postgres/table.h"

/*
 * source: a database at one instant, read by several at once.
 *
 * Opening begins a REPEATABLE READ, READ ONLY transaction, exports its
 * snapshot and takes ACCESS SHARE locks on all tables, so that none is
 * dropped or rewritten before it was read.  The archive (pg_dump) and the
 * copied tables then all show that instant.  Nothing is stored here: what is
 * read goes into sinks.  Where a copied table goes and what belongs into the
 * archive is the caller's choice.
 *
 * A source is opened and freed by one thread; while it is open, the archive
 * and workers can run in threads of their own.
 */
struct mv_pg_source;
struct mv_pg_worker;

/*
 * snapshot: the id of one that the caller's own transaction exported, or
 * NULL.  MV_EUSAGE when it is not valid (any more); MV_EAGAIN when a lock
 * cannot be had within a minute (somebody migrates); MV_EAUTH when a table
 * may not be read; and what mv_pg_session_open() gives.
 */
int mv_pg_source_open(struct mv_pg *pg, const char *snapshot,
    struct mv_pg_source **out, struct mv_err *err) MV_MUST_CHECK;
/* Ends the transaction.  NULL is fine. */
void mv_pg_source_free(struct mv_pg_source *src);
void mv_pg_source_freep(struct mv_pg_source **src);

/*
 * What a restore or a drill must know of the database, taken in the
 * snapshot.  The source keeps it.  Keys: server_version (number), server
 * (text), database, owner, encoding, dump_encoding (of archive and copies),
 * collate, ctype, provider ("c", "i", "b"), locale, icu_rules, public (is
 * there a schema of that name), bytes, extensions, roles, tablespaces,
 * settings, schema_version (text or null), indexes, constraints, matviews,
 * sequences, dump_major (of pg_dump).
 */
const json_t *mv_pg_source_facts(const struct mv_pg_source *src);

/*
 * All tables that can be copied: ordinary ones and partitions that hold
 * rows, not those of extensions and no foreign ones.  The source keeps it.
 */
const struct mv_pg_tables *mv_pg_source_tables(const struct mv_pg_source *src);

/* For one's own questions in the snapshot, in the opening thread. */
struct mv_pg_session *mv_pg_source_session(struct mv_pg_source *src);

/*
 * Write pg_dump's archive (custom format, uncompressed) of everything but
 * the rows of the n tables in without.
 */
int mv_pg_dump_archive(struct mv_pg_source *src,
    const struct mv_pg_table *const without[], size_t n,
    const struct mv_sink *sink, struct mv_err *err) MV_MUST_CHECK;

/* A reader of tables in the snapshot; one thread at a time. */
int mv_pg_worker_open(struct mv_pg_source *src, struct mv_pg_worker **out,
    struct mv_err *err) MV_MUST_CHECK;
void mv_pg_worker_free(struct mv_pg_worker *w);
void mv_pg_worker_freep(struct mv_pg_worker **w);

/*
 * Write all rows of t, which has columns, as COPY's text format has them:
 * a line each.  *rows is their number.  The sink is called with about
 * 256 KiB each time, and may have been called when this fails.
 */
int mv_pg_copy_out(struct mv_pg_worker *w, const struct mv_pg_table *t,
    const struct mv_sink *sink, uint64_t *rows, struct mv_err *err)
    MV_MUST_CHECK;

/*
 * SQL that makes a role which may read everything and change nothing, for
 * database dbname (PostgreSQL 14 or newer).  The caller frees *out.  Large
 * objects, of which Mastodon has none, are beyond such a role.
 */
int mv_pg_backup_role_sql(const char *role, const char *dbname, char **out,
    struct mv_err *err) MV_MUST_CHECK;

#endif
