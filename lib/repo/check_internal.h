/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_CHECK_INTERNAL_H
#define MV_REPO_CHECK_INTERNAL_H

#include <pthread.h>

#include "repo/check.h"
#include "repo/idhash.h"
#include "repo/listing.h"
#include "repo/reader_internal.h"
#include "repo/segment_read.h"

/* What the parts of check share. */

/*
 * segset: segments by origin, one bit each.
 */
struct mv_segset {
	struct mv_pin *p;	/* open addressing; bits NULL: free */
	size_t n, cap;
};
void mv_segset_clear(struct mv_segset *s);
int mv_segset_add(struct mv_segset *s, const struct mv_id16 *origin,
    uint32_t nsegs, uint32_t ordinal, struct mv_err *err) MV_MUST_CHECK;
bool mv_segset_has(const struct mv_segset *s, const struct mv_id16 *origin,
    uint32_t ordinal);
/* The set's own entry, borrowed, or false. */
bool mv_segset_find(const struct mv_segset *s, const struct mv_id16 *origin,
    struct mv_pin *out);
/* How many of the bits of pin are missing in s. */
size_t mv_segset_lacks(const struct mv_segset *s, const struct mv_pin *pin);

/* A chunk, or a run of them, that no healthy pack holds. */
struct mv_loss {
	size_t snapshot;	/* in snaps.list */
	size_t stream;		/* in its streams; SIZE_MAX: its pins */
	uint64_t first, n;	/* leaves */
	struct mv_id16 origin;	/* where it should be; zeros: unknown */
	char *label;		/* what it is to a reader, or NULL; owned */
};

/* Pins of one snapshot in one origin of which some are not there. */
struct mv_unpinned {
	struct mv_id16 origin;
	size_t snapshot;
	size_t lacks;
};

struct mv_check {
	struct mv_repo *repo;
	const struct mv_check_opts *opts;
	bool contents;		/* our keys open data */
	struct mv_listing all;
	struct mv_snapshots snaps;
	struct mv_index *index;
	/*
	 * Of all: index objects that are right or not known to be wrong, and
	 * the packs that right ones cover.
	 */
	bool *indexed;

	pthread_mutex_t lock;	/* over what follows, while threads run */
	struct mv_check_report report;
	struct mv_id16 *about;	/* for each damage: its pack, or zeros */
	struct mv_segset good;	/* segments with a healthy copy */
	struct mv_segset pinned;
	/* Per store, the origins that the snapshots in it pin; owned. */
	struct mv_segset *held;
	uint64_t done, total;	/* bytes, for progress */

	struct mv_loss *losses;
	size_t nlosses;
	struct mv_unpinned *unpinned;
	size_t nunpinned;
};

/*
 * Note damage of an object; store is NULL where all stores are meant.  pack
 * is the origin whose loss it may be, for what it affects, or NULL.
 */
int mv_check_damage(struct mv_check *c, const char *object,
    const char *store, const struct mv_id16 *pack, struct mv_err *err,
    const char *fmt, ...) MV_PRINTF(6, 7) MV_MUST_CHECK;
int mv_check_warning(struct mv_check *c, struct mv_err *err,
    const char *fmt, ...) MV_PRINTF(3, 4) MV_MUST_CHECK;

int mv_check_say_behind(struct mv_check *c, struct mv_err *err,
    const char *fmt, ...) MV_PRINTF(3, 4) MV_MUST_CHECK;

/* "; store 'b' has a whole copy", or "". */
void mv_check_elsewhere(const struct mv_check *c, const bool *healthy,
    size_t except, char *out, size_t len);
/* False for a size that no whole object has: half written. */
bool mv_check_plausible(uint64_t size);

/* The parts, in this order. */
int mv_check_objects(struct mv_check *c, struct mv_err *err) MV_MUST_CHECK;
int mv_check_packs(struct mv_check *c, struct mv_err *err) MV_MUST_CHECK;
int mv_check_indexes(struct mv_check *c, struct mv_err *err) MV_MUST_CHECK;
int mv_check_repair(struct mv_check *c, struct mv_err *err) MV_MUST_CHECK;
int mv_check_trees(struct mv_check *c, struct mv_err *err) MV_MUST_CHECK;
int mv_check_behind(struct mv_check *c, struct mv_err *err) MV_MUST_CHECK;
int mv_check_affects(struct mv_check *c, struct mv_err *err) MV_MUST_CHECK;

/*
 * Everything that can be said of a whole pack.  say is called for each thing
 * that is wrong, with the origin and ordinal of the segment that it makes
 * useless, or NULL when it is the whole pack.  footer is filled when it
 * could be read and is signed as it must be.
 */
struct mv_pack_check {
	struct mv_repo *repo;
	struct mv_opener *opener;
	struct mv_idhash *h;
	bool contents;
	int (*say)(void *arg, const struct mv_id16 *origin, uint32_t ordinal,
	    const char *what, struct mv_err *err);
	void *arg;
};
int mv_pack_check(const struct mv_pack_check *pc, const struct mv_name *name,
    const uint8_t *p, size_t len, struct mv_footer *footer,
    struct mv_err *err) MV_MUST_CHECK;

#endif
