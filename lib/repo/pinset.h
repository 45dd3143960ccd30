/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_PINSET_H
#define MV_REPO_PINSET_H

#include <pthread.h>

#include "format/node.h"
#include "format/object.h"

/*
 * pinset: the segments that a run uses, and the packs in which it found them.
 *
 * Takes a bit a segment and about a hundred bytes a pack.  Several threads
 * may add; the rest is for when they are done.
 */
struct mv_pack_ref {
	struct mv_id16 id;
	struct mv_id32 hash;
	uint64_t size;
};

struct mv_pinset {
	pthread_mutex_t lock;
	struct mv_pin *pins;	/* open addressing by origin; bits owned */
	size_t npins, cap_pins;
	struct mv_pack_ref *packs;	/* open addressing by hash */
	size_t npacks, cap_packs;
};

void mv_pinset_init(struct mv_pinset *s);
void mv_pinset_clear(struct mv_pinset *s);

/* Pin one segment of an origin that has nsegs, found in this pack. */
int mv_pinset_add(struct mv_pinset *s, const struct mv_id16 *origin,
    uint32_t nsegs, uint32_t ordinal, const struct mv_pack_ref *pack,
    struct mv_err *err) MV_MUST_CHECK;
/* Pin all of them: a pack that the run has just made. */
int mv_pinset_add_all(struct mv_pinset *s, const struct mv_id16 *origin,
    uint32_t nsegs, const struct mv_pack_ref *pack, struct mv_err *err)
    MV_MUST_CHECK;

/* The pins ascending by origin; the array is the caller's, the bits are not. */
int mv_pinset_sorted(const struct mv_pinset *s, struct mv_pin **out, size_t *n,
    struct mv_err *err) MV_MUST_CHECK;
/* Each pack that is used, in no order; a non-zero result ends it. */
int mv_pinset_each_pack(const struct mv_pinset *s,
    int (*each)(const struct mv_pack_ref *pack, void *arg, struct mv_err *err),
    void *arg, struct mv_err *err) MV_MUST_CHECK;

#endif
