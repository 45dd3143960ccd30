/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_LISTING_H
#define MV_REPO_LISTING_H

#include "format/object.h"
#include "repo/repo.h"

/*
 * listing: which objects are in which stores, as the stores say.
 *
 * Nothing is read: an object may still turn out to be half written.
 */
#define MV_ABSENT UINT64_MAX

struct mv_listed {
	char *name;		/* owned */
	struct mv_name what;
	uint64_t *sizes;	/* owned; per store, MV_ABSENT where it is not */
};

struct mv_listing {
	struct mv_listed *p;	/* by name, ascending */
	size_t n, cap;
	char **foreign;		/* names that are no object's; owned */
	size_t nforeign;
	char **failed;		/* per store: why it has no list, or NULL; owned */
	size_t nstores;
};

void mv_listing_clear(struct mv_listing *l);
/*
 * List prefix ("" for all) in every store.  A store that cannot be listed, or
 * is left out, is noted in failed; when none can, its error is returned.
 */
int mv_listing_load(struct mv_repo *r, const char *prefix,
    struct mv_listing *out, struct mv_err *err) MV_MUST_CHECK;
/* NULL when no store has it. */
const struct mv_listed *mv_listing_find(const struct mv_listing *l,
    const char *name);
/* The size that the first store which has it gives. */
uint64_t mv_listed_size(const struct mv_listed *o, size_t nstores);

#endif
