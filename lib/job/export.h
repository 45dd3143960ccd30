/* SPDX-License-Identifier: MIT */
#ifndef MV_JOB_EXPORT_H
#define MV_JOB_EXPORT_H

#include "job/restore.h"

/*
 * export: a snapshot as files that need no mastvault: for leaving it, or for
 * an archive that outlives it.
 *
 *	database.sql	for `psql -X`
 *	media.tar	for any tar
 *	env.production	the env-file
 *	dump.rdb	what Redis saved
 *	README.txt	how to load them
 *
 * They are in clear: mode 0600, in a directory of mode 0700.
 */
struct mv_export_opts {
	uint32_t parts;		/* of those that the snapshot holds */
	const char *pg_bin;	/* or NULL */
	struct mv_progress progress;
};

struct mv_export_report {
	uint32_t parts;
	uint64_t db_bytes, media_bytes, redis_bytes;	/* of the files */
	double seconds;
};

/*
 * Into dir, which must be absent or empty (MV_EEXIST).  README.txt is written
 * last: without it the export is not whole.
 */
int mv_job_export(struct mv_repo *r, const struct mv_snapshot *snap,
    const char *dir, const struct mv_export_opts *opts,
    struct mv_export_report *out, struct mv_err *err) MV_MUST_CHECK;

#endif
