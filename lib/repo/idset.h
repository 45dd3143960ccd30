/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_IDSET_H
#define MV_REPO_IDSET_H

#include <stdbool.h>

#include "format/object.h"

/*
 * idset: a set of ids in memory, at most 43 bytes each.  Ids are keyed
 * hashes, so their own bytes place them.  Not for several threads.
 */
struct mv_idset {
	struct mv_id16 *slots;	/* owned; all zeros: empty */
	size_t n;
	size_t cap;		/* a power of two, or 0 */
	bool has_zero;		/* the id of zeros itself */
};

void mv_idset_clear(struct mv_idset *s);
bool mv_idset_has(const struct mv_idset *s, const struct mv_id16 *id);
/* *added is false when it was there. */
int mv_idset_add(struct mv_idset *s, const struct mv_id16 *id, bool *added,
    struct mv_err *err) MV_MUST_CHECK;
void mv_idset_remove(struct mv_idset *s, const struct mv_id16 *id);

#endif
