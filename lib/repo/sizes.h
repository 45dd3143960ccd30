/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_SIZES_H
#define MV_REPO_SIZES_H

#include "format/node.h"
#include "repo/snapshots.h"

/*
 * sizes: what snapshots and streams take in a store, from the index alone.
 *
 * The unit is the segment, compressed and sealed: how long a chunk is stands
 * only inside.  A segment counts wherever one of its chunks is used.
 */
struct mv_sizes;

/* Needs S.  r must outlive it. */
int mv_sizes_new(struct mv_repo *r, struct mv_sizes **out,
    struct mv_err *err) MV_MUST_CHECK;
void mv_sizes_free(struct mv_sizes *s);
void mv_sizes_freep(struct mv_sizes **s);

struct mv_size {
	uint64_t chunks;	/* of a stream; 0 for a snapshot */
	uint64_t segments;
	uint64_t stored;	/* their bytes */
	uint64_t unique;	/* of a snapshot: those no other one pins */
	uint64_t missing;	/* segments or chunks that no pack holds */
};

/* Make the segments that snap pins known, each snapshot once. */
int mv_sizes_add(struct mv_sizes *s, const struct mv_snapshot *snap,
    struct mv_err *err) MV_MUST_CHECK;
/* Of one that was added; unique is as of all added so far. */
int mv_sizes_snapshot(struct mv_sizes *s, const struct mv_snapshot *snap,
    struct mv_size *out, struct mv_err *err) MV_MUST_CHECK;
/* All segments that were added, each once. */
void mv_sizes_all(const struct mv_sizes *s, struct mv_size *out);
/* One stream of snap: data only, without the nodes above. */
int mv_sizes_stream(struct mv_sizes *s, const struct mv_snapshot *snap,
    const struct mv_root *root, struct mv_size *out, struct mv_err *err)
    MV_MUST_CHECK;

/* The packs in the first store, used or not. */
int mv_sizes_packs(struct mv_sizes *s, uint64_t *packs, uint64_t *bytes,
    struct mv_err *err) MV_MUST_CHECK;

#endif
