/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_INDEX_INTERNAL_H
#define MV_REPO_INDEX_INTERNAL_H

#include <pthread.h>

#include "repo/idset.h"
#include "repo/index.h"
#include "repo/listing.h"
#include "repo/run.h"

/* Runs are merged until there are at most this many. */
#define MV_INDEX_RUNS 8

struct mv_index {
	struct mv_repo *repo;
	unsigned flags;
	struct mv_hmac *hmac;
	struct mv_run_place place;	/* where new runs go */
	int dirfd;		/* of the local files, -1 without */
	int lock;		/* held by whoever may change them, or -1 */

	/*
	 * Lookups hold this for reading.  Whoever changes runs or takes ids
	 * out of claimed holds it for writing; there is one such thread.
	 */
	pthread_rwlock_t runs_lock;
	struct mv_run **runs;
	size_t nruns, cap_runs;

	pthread_mutex_t claims_lock;
	struct mv_idset claimed;	/* new in this run, in no run yet */
};

/* Local files: read what is there, as far as it is sound. */
int mv_index_load_runs(struct mv_index *ix, struct mv_err *err) MV_MUST_CHECK;
/*
 * Make a run of what b holds and use it.  Where the local files cannot be
 * written it lives in memory instead, with a warning.
 */
int mv_index_add_run(struct mv_index *ix, struct mv_run_builder *b,
    enum mv_run_mark mark, struct mv_err *err) MV_MUST_CHECK;
/* Merge small runs when there are too many; failing to costs only time. */
void mv_index_tidy(struct mv_index *ix);

/* Mark what the stores list; known says which listed packs runs cover. */
int mv_index_mark(struct mv_index *ix, const struct mv_listing *packs,
    uint8_t *known, struct mv_err *err) MV_MUST_CHECK;
/* Learn the packs that are not known, from index objects, then footers. */
int mv_index_learn(struct mv_index *ix, const struct mv_listing *packs,
    uint8_t *known, struct mv_err *err) MV_MUST_CHECK;

#endif
