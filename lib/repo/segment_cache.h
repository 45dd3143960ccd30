/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_SEGMENT_CACHE_H
#define MV_REPO_SEGMENT_CACHE_H

#include "format/object.h"
#include "repo/segment_read.h"

/*
 * segment_cache: opened segments, shared by threads, in bounded memory.
 *
 * Whoever asks for a segment that another thread is fetching waits for it.
 * The bound holds for segments that nobody uses; those in use stay.
 *
 * Whoever fetches a segment of data also computes the ids of its chunks, since
 * that can be done beside others, ahead of the one who needs them in order.
 */
struct mv_segment_cache;

struct mv_cached {
	struct mv_location loc;	/* one of those where it lies */
	struct mv_buf raw;
	struct mv_segment seg;
	/*
	 * The ids that the chunks' bytes have, with F as the segment has it;
	 * NULL for nodes, and where they could not be computed.
	 */
	struct mv_id16 *ids;
	/* The cache's own, under its lock. */
	struct mv_cached *prev, *next;	/* most recently used first */
	struct mv_cached *chain;
	unsigned users;
	bool loading;
};

int mv_segment_cache_new(struct mv_repo *r, size_t max_bytes,
    struct mv_segment_cache **out, struct mv_err *err) MV_MUST_CHECK;
/* Nobody may use anything of it any more. */
void mv_segment_cache_free(struct mv_segment_cache *c);

/* *out stays valid until it is given back. */
int mv_segment_cache_get(struct mv_segment_cache *c,
    const struct mv_location *loc, struct mv_cached **out,
    struct mv_err *err) MV_MUST_CHECK;
/* NULL is fine; *seg is NULL afterwards. */
void mv_segment_cache_put(struct mv_segment_cache *c, struct mv_cached **seg);
/* How often a segment was fetched, for tests and figures. */
uint64_t mv_segment_cache_fetches(struct mv_segment_cache *c);

#endif
