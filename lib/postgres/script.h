/* SPDX-License-Identifier: MIT */
#ifndef MV_POSTGRES_SCRIPT_H
#define MV_POSTGRES_SCRIPT_H

#include "base/sink.h"
#include "postgres/table.h"

/*
 * script: a backup as one SQL script that `psql -X` loads into an empty
 * database, written without any server at hand.
 *
 * Order: mv_pg_script_pre(), mv_pg_script_data(); for each copied table
 * mv_pg_script_copy_begin(), its rows as they were copied, and
 * mv_pg_script_copy_end(); mv_pg_script_post().  The archive lies in memory
 * and pg_restore, at least as new as the pg_dump that wrote it, makes text
 * of it.
 */
struct mv_pg_script;

/*
 * pg_bin: where to look for pg_restore, or NULL; facts: of the backup.
 * sink must outlive the script.
 */
int mv_pg_script_new(const char *pg_bin, const json_t *facts,
    const struct mv_sink *sink, struct mv_pg_script **out,
    struct mv_err *err) MV_MUST_CHECK;
void mv_pg_script_free(struct mv_pg_script *s);
void mv_pg_script_freep(struct mv_pg_script **s);

/* Write the archive here first. */
struct mv_sink mv_pg_script_archive(struct mv_pg_script *s);

int mv_pg_script_pre(struct mv_pg_script *s, struct mv_err *err)
    MV_MUST_CHECK;
int mv_pg_script_data(struct mv_pg_script *s, struct mv_err *err)
    MV_MUST_CHECK;
int mv_pg_script_copy_begin(struct mv_pg_script *s,
    const struct mv_pg_table *t, struct mv_err *err) MV_MUST_CHECK;
int mv_pg_script_copy_end(struct mv_pg_script *s, struct mv_err *err)
    MV_MUST_CHECK;
int mv_pg_script_post(struct mv_pg_script *s, struct mv_err *err)
    MV_MUST_CHECK;

#endif
