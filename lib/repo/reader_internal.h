/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_READER_INTERNAL_H
#define MV_REPO_READER_INTERNAL_H

#include "repo/idhash.h"
#include "repo/index.h"
#include "repo/reader.h"
#include "repo/segment_cache.h"

/*
 * What reader, streams and check share: pieces (chunks and nodes) by id, and
 * the walk over a tree of nodes.
 */

/* As mv_reader_open(), over an index that the caller keeps. */
int mv_reader_open_over(struct mv_repo *r, struct mv_index *ix,
    const struct mv_snapshot *snap, struct mv_reader **out,
    struct mv_err *err) MV_MUST_CHECK;
struct mv_repo *mv_reader_repo(struct mv_reader *rd);
struct mv_segment_cache *mv_reader_cache(struct mv_reader *rd);
uint32_t mv_reader_epoch(const struct mv_reader *rd);
/* The chunker's table of an epoch; MV_EAUTH without its I. */
struct mv_gear;
int mv_reader_gear(struct mv_reader *rd, uint32_t epoch,
    const struct mv_gear **out, struct mv_err *err) MV_MUST_CHECK;

/* The place to read id from: a pinned one before any other. */
bool mv_reader_locate(struct mv_reader *rd, enum mv_kind kind,
    const struct mv_id16 *id, struct mv_location *out);

/*
 * piece: what an id stands for, in a segment that is held meanwhile.  Zero
 * it first; each get gives back what was held before.
 */
struct mv_piece {
	struct mv_cached *seg;
	size_t position;
	const uint8_t *data;
	size_t len;
};

struct mv_wanted {
	enum mv_kind kind;
	const struct mv_id16 *id;
	const uint8_t *path;	/* of a media chunk, or NULL */
	size_t path_len;
	const struct mv_location *hint;	/* where to look first, or NULL */
};

/*
 * Verified bytes of the wanted id.  All places and stores are tried; those
 * that failed are told by mv_warn().
 */
int mv_piece_get(struct mv_reader *rd, struct mv_idhash *h,
    const struct mv_wanted *w, struct mv_piece *p, struct mv_err *err)
    MV_MUST_CHECK;
void mv_piece_drop(struct mv_reader *rd, struct mv_piece *p);

/* Ask for a segment before it is needed; never fails, may do nothing. */
void mv_reader_prefetch(struct mv_reader *rd, const struct mv_location *loc);

/*
 * walk: the ids of a root's leaves in order.  Levels and numbers of leaves
 * must agree with what the parent says, so a hostile tree ends.
 */
struct mv_descent;
int mv_descent_open(struct mv_reader *rd, struct mv_idhash *h,
    const struct mv_root *root, struct mv_descent **out, struct mv_err *err)
    MV_MUST_CHECK;
void mv_descent_free(struct mv_descent *w);
void mv_descent_freep(struct mv_descent **w);
/* The next run of ids, valid until the next call; *n 0 at the end. */
int mv_descent_next(struct mv_descent *w, const struct mv_id16 **ids, size_t *n,
    struct mv_err *err) MV_MUST_CHECK;
/* Pass over n leaves; the caller knows that there are as many. */
int mv_descent_skip(struct mv_descent *w, uint64_t n, struct mv_err *err)
    MV_MUST_CHECK;
/*
 * For check.  enter is called for every node before it is read; when it
 * returns true all below the node is left out, and does not appear in the
 * walk.  leave is called for a node that was entered and is done.  After a
 * failure the next call goes on behind the node that failed.
 */
struct mv_descent_ops {
	bool (*enter)(void *arg, const struct mv_id16 *id, unsigned level,
	    uint64_t leaves);
	void (*leave)(void *arg, const struct mv_id16 *id, unsigned level,
	    uint64_t leaves);
	void *arg;
};
void mv_descent_watch(struct mv_descent *w, const struct mv_descent_ops *ops);

/*
 * pins: which segments a snapshot names, in memory: some 30 bytes and a bit
 * per segment for every pack.
 */
struct mv_pins;
int mv_pins_load(struct mv_reader *rd, struct mv_idhash *h,
    const struct mv_snapshot *snap, struct mv_pins **out, struct mv_err *err)
    MV_MUST_CHECK;
void mv_pins_free(struct mv_pins *p);
bool mv_pins_have(const struct mv_pins *p, const struct mv_id16 *origin,
    uint32_t ordinal);
/* Every origin's pins; node segments that hold the pin tree come first. */
size_t mv_pins_count(const struct mv_pins *p);
const struct mv_pin *mv_pins_at(const struct mv_pins *p, size_t i);

#endif
