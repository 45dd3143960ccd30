/* SPDX-License-Identifier: MIT */
#ifndef MV_JOB_INTERNAL_H
#define MV_JOB_INTERNAL_H

#include <jansson.h>
#include <pthread.h>

#include "job/backup.h"
#include "job/state.h"
#include "postgres/conn.h"

/* job_internal: what the files of one backup share. */

/*
 * The streams of the snapshot under construction.  A position in it is what
 * the detail calls a stream.
 */
struct mv_roots {
	struct mv_root *list;
	size_t n;
};
void mv_roots_clear(struct mv_roots *roots);
/* Returns the position, or a negative code. */
int mv_roots_add(struct mv_roots *roots, const struct mv_root *root,
    struct mv_err *err) MV_MUST_CHECK;

struct mv_backup_run {
	struct mv_repo *repo;
	struct mv_writer *writer;
	const struct mv_backup_source *src;
	const struct mv_backup_opts *opts;
	struct mv_state state;
	struct mv_roots roots;
	json_t *detail;			/* parts are added to it */
	struct mv_backup_report *report;
};

void mv_progress_phase(const struct mv_progress *p, const char *name);
void mv_progress_bytes(const struct mv_progress *p, uint64_t done,
    uint64_t total);

/* Each adds its part to roots, detail and report. */
int mv_backup_db(struct mv_backup_run *run, struct mv_err *err) MV_MUST_CHECK;
/*
 * Decrypt the encrypted rows that s shows with the vault's versions, and put
 * the answer into database, report and, where it is a bad one, the problems.
 */
int mv_backup_prove_rows(struct mv_backup_run *run, struct mv_pg_session *s,
    json_t *database, struct mv_err *err) MV_MUST_CHECK;

/*
 * Media leaves its cache open until the snapshot is durable; commit makes it
 * the one that the next run compares with.
 */
struct mv_media_out;
int mv_backup_media(struct mv_backup_run *run, struct mv_media_out **out,
    struct mv_err *err) MV_MUST_CHECK;
int mv_media_out_commit(struct mv_media_out *m, struct mv_err *err)
    MV_MUST_CHECK;
void mv_media_out_free(struct mv_media_out *m);
void mv_media_out_freep(struct mv_media_out **m);

int mv_backup_redis(struct mv_backup_run *run, struct mv_err *err)
    MV_MUST_CHECK;

/* Add a json value under key; takes over value, NULL is MV_ENOMEM. */
int mv_json_set(json_t *object, const char *key, json_t *value,
    struct mv_err *err) MV_MUST_CHECK;

#endif
