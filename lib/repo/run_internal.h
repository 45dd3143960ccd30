/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_RUN_INTERNAL_H
#define MV_REPO_RUN_INTERNAL_H

#include "repo/run.h"

/*
 * The file: header, packs, origins, by_origin, segs, entries, sources, and
 * the keyed hash of all before it.
 */
/* "mav_run1", which also tells of another byte order. */
#define MV_RUN_MAGIC 0x316e75725f76616dull

struct mv_run_header {
	uint64_t magic;
	struct mv_id16 repo;
	uint64_t nentries;
	uint32_t npacks, norigins, nsegs, nsources;
};

_Static_assert(sizeof(struct mv_run_header) == 48, "run header");
_Static_assert(sizeof(struct mv_run_pack) == 64, "run pack");
_Static_assert(sizeof(struct mv_run_origin) == 168, "run origin");
_Static_assert(sizeof(struct mv_run_seg) == 48, "run segment");
_Static_assert(sizeof(struct mv_run_entry) == 24, "run entry");

/* A mapping that is being filled in, at its final size. */
struct mv_run_draft {
	struct mv_run *run;
	struct mv_run_pack *packs;
	struct mv_run_origin *origins;
	uint32_t *by_origin;
	struct mv_run_seg *segs;
	struct mv_run_entry *entries;
	struct mv_id32 *sources;
	int fd;
};

#define MV_RUN_DRAFT_INIT { .fd = -1 }

/* Room for what h counts, in a file without a name. */
int mv_run_draft_begin(struct mv_run_draft *d, const struct mv_run_header *h,
    const struct mv_run_place *at, struct mv_err *err) MV_MUST_CHECK;
/* Sort by_origin, hash all of it, give the file its name. */
int mv_run_draft_finish(struct mv_run_draft *d, const struct mv_run_place *at,
    struct mv_run **out, struct mv_err *err) MV_MUST_CHECK;
void mv_run_draft_clear(struct mv_run_draft *d);

#endif
