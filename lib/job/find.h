/* SPDX-License-Identifier: MIT */
#ifndef MV_JOB_FIND_H
#define MV_JOB_FIND_H

#include "format/manifest.h"
#include "repo/snapshots.h"

/*
 * find: the entries of a snapshot's media tree that fit one of some globs.
 *
 * A glob with a slash fits the whole path, others the last component; '*'
 * fits a slash too.  Case counts unless fold is set.
 */
struct mv_find {
	const char *const *globs;	/* NULL-terminated */
	bool fold;
};

/* Does e's path fit? */
bool mv_find_fits(const struct mv_find *f, struct mv_span path);

/* Every entry that fits, in order; a non-zero result of each ends it. */
int mv_job_find(struct mv_repo *r, const struct mv_snapshot *snap,
    const struct mv_find *f,
    int (*each)(const struct mv_entry *e, void *arg, struct mv_err *err),
    void *arg, struct mv_err *err) MV_MUST_CHECK;

#endif
