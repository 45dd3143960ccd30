/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_PREFETCH_H
#define MV_REPO_PREFETCH_H

#include "repo/segment_cache.h"

/*
 * prefetch: threads that bring segments into a cache before they are needed.
 *
 * It only ever saves time: failures are left for whoever needs the segment,
 * and questions beyond a small number are forgotten.
 */
struct mv_prefetch;

/* No thread is started before the first question. */
int mv_prefetch_new(struct mv_segment_cache *cache, struct mv_prefetch **out,
    struct mv_err *err) MV_MUST_CHECK;
/* Waits for the threads. */
void mv_prefetch_free(struct mv_prefetch *p);
void mv_prefetch_ask(struct mv_prefetch *p, const struct mv_location *loc);

#endif
