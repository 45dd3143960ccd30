/* SPDX-License-Identifier: MIT */
#ifndef MV_CHUNK_CHUNKER_H
#define MV_CHUNK_CHUNKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "secret/secret.h"

/*
 * chunker: where a stream of bytes is cut (docs/format.md, 4.1).
 *
 * Knows neither ids nor streams.  Cuts depend on the bytes, the class and
 * the repository's gear table only, never on how the bytes were handed over.
 */
#define MV_CLASS_BUSY 0
#define MV_CLASS_TABLE 1
#define MV_CLASS_CALM 2
#define MV_CLASS_MEDIA 3
#define MV_CLASSES 4
/* What every chunk of a file but the last one has at least. */
#define MV_MEDIA_CHUNK_MIN (128u << 10)

struct mv_gear {
	uint64_t g[256];
};

/* key is K_gear.  The table tells of the identity secret: wipe it. */
void mv_gear_init(struct mv_gear *gear, const struct mv_key *key);
void mv_gear_wipe(struct mv_gear *gear);

struct mv_cutter {
	const struct mv_gear *gear;	/* borrowed */
	size_t min, avg, max;
	uint64_t before, after;	/* h below it ends a chunk before, after avg */
	bool lines;
};

/* class is below MV_CLASSES; lines moves cuts behind newlines. */
void mv_cutter_init(struct mv_cutter *c, const struct mv_gear *gear,
    unsigned class, bool lines);
/*
 * The length of the first chunk of p.  len is at least c->max, or p ends the
 * stream; 0 only for len 0.
 */
size_t mv_cutter_cut(const struct mv_cutter *c, const uint8_t *p, size_t len);

/*
 * A chunker cuts what comes in pieces of any size.  Chunks that lie within
 * one piece are handed on in place; others are put together in its buffer.
 */
typedef int mv_chunk_fn(const uint8_t *p, size_t len, void *arg,
    struct mv_err *err);

struct mv_chunker;

int mv_chunker_new(const struct mv_gear *gear, unsigned class, bool lines,
    mv_chunk_fn *each, void *arg, struct mv_chunker **out,
    struct mv_err *err) MV_MUST_CHECK;
/* Calls each for every chunk that is complete; what it returns is passed on. */
int mv_chunker_feed(struct mv_chunker *c, const uint8_t *p, size_t len,
    struct mv_err *err) MV_MUST_CHECK;
/* The stream ends here; the next byte starts another. */
int mv_chunker_end(struct mv_chunker *c, struct mv_err *err) MV_MUST_CHECK;
/* Bytes fed but not yet handed on. */
size_t mv_chunker_held(const struct mv_chunker *c);
void mv_chunker_free(struct mv_chunker *c);
void mv_chunker_freep(struct mv_chunker **c);

#endif
