/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_INDEX_WRITE_H
#define MV_REPO_INDEX_WRITE_H

#include "repo/index.h"
#include "repo/run.h"

/*
 * index_write: what a writer does with an index besides looking.
 *
 * Of all threads that meet a new chunk, exactly one is told to store it: it
 * claims the id.  Claims end when the pack that the chunk went to is in a
 * run, so what they take is bounded by what is on its way.
 */
enum mv_claim {
	MV_CLAIM_NEW,		/* the caller has to store it */
	MV_CLAIM_PENDING,	/* somebody in this run does */
	MV_CLAIM_FOUND,		/* it is in a pack */
};

/* Where a segment lies, as far as pinning it takes. */
struct mv_index_hit {
	struct mv_id16 pack;
	struct mv_id32 pack_hash;
	uint64_t pack_size;
	struct mv_id16 origin;
	uint32_t origin_segs;
	uint32_t ordinal;
	uint32_t writer;
	uint64_t seq;
	bool own;		/* this very run made the pack */
};

/* With claim false nothing is claimed: MV_CLAIM_NEW says that it is absent. */
int mv_index_claim(struct mv_index *ix, enum mv_kind kind,
    const struct mv_id16 *id, bool claim, enum mv_claim *out,
    struct mv_index_hit *hit, struct mv_err *err) MV_MUST_CHECK;

/* Packs that all stores have now.  Empties b; its claims end. */
int mv_index_publish(struct mv_index *ix, struct mv_run_builder *b,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * Seal count packs that lie in list (format/index.h) as an index object of
 * this epoch and put it into the stores; hash names it.
 */
int mv_index_object_put(struct mv_repo *r, uint32_t epoch,
    const struct mv_buf *list, size_t count, struct mv_id32 *hash,
    struct mv_err *err) MV_MUST_CHECK;

#endif
