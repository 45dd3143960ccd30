/* SPDX-License-Identifier: MIT */
#ifndef MV_JOB_STATS_H
#define MV_JOB_STATS_H

#include "repo/sizes.h"

/*
 * stats: how large snapshots are, and what they take.
 */
struct mv_stats_part {
	const char *part;		/* "database", "media", "redis" */
	const char *schema, *name;	/* of a table, else NULL */
	const char *what;		/* "archive", "files", "list of files" */
	uint64_t logical;		/* bytes before anything was saved */
	struct mv_size size;
};

struct mv_stats {
	uint64_t logical;
	struct mv_size size;
};

/*
 * One snapshot, which sizes knows: its sum, and each part.  A non-zero result
 * of each ends it.  MV_EAUTH without a reader's key.
 */
int mv_job_stats(struct mv_repo *r, struct mv_sizes *sizes,
    const struct mv_snapshot *snap,
    int (*each)(const struct mv_stats_part *p, void *arg, struct mv_err *err),
    void *arg, struct mv_stats *out, struct mv_err *err) MV_MUST_CHECK;

/* The bytes that a restore of snap would write. */
int mv_job_logical(struct mv_repo *r, const struct mv_snapshot *snap,
    uint64_t *out, struct mv_err *err) MV_MUST_CHECK;

#endif
