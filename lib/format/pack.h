/* SPDX-License-Identifier: MIT */
#ifndef MV_FORMAT_PACK_H
#define MV_FORMAT_PACK_H

#include <stdbool.h>

#include "base/buf.h"
#include "format/object.h"

/* pack: wraps, footers, trailers (docs/format.md, section 5). */
#define MV_PACK_MAX (16u << 20)
#define MV_PACK_START (MV_HEADER_BYTES + MV_PACK_ID_BYTES)
#define MV_WRAP_DATA_BYTES 120
#define MV_WRAP_NODE_BYTES 72
#define MV_TRAILER_BYTES 48
#define MV_PACK_SEGMENTS_MAX 65536

struct mv_footer_segment {
	bool present;
	uint8_t digest[32];	/* always set by encode and decode */
	uint32_t offset;	/* the rest only when present */
	uint32_t len;
	uint8_t hash[32];	/* SHA-256 of the stored segment */
	struct mv_id16 *ids;	/* owned */
	size_t nids;
};

struct mv_footer_origin {
	struct mv_id16 id;
	uint32_t epoch;
	uint32_t writer;
	uint64_t seq;
	uint8_t wrap[MV_WRAP_DATA_BYTES];	/* first 72 for node packs */
	uint8_t sig[MV_SIGN_BYTES];
	struct mv_footer_segment *segs;	/* owned */
	size_t nsegs;
};

struct mv_footer {
	enum mv_kind kind;
	struct mv_footer_origin *origins;	/* owned */
	size_t norigins;
	uint8_t fill_hash[32];
};

void mv_footer_clear(struct mv_footer *f);
/* Footer payload, unsealed.  Digests are computed from the rest. */
int mv_footer_encode(struct mv_footer *f, struct mv_buf *out,
    struct mv_err *err) MV_MUST_CHECK;
/* pack_size bounds the offsets.  Signatures are not checked here. */
int mv_footer_decode(enum mv_kind kind, uint64_t pack_size, const uint8_t *p,
    size_t len, struct mv_footer *out, struct mv_err *err) MV_MUST_CHECK;

/* How long a wrap is in packs of this kind. */
size_t mv_wrap_bytes(enum mv_kind kind);

/* Computes the digests of what is present, then signs. */
int mv_origin_sign(const struct mv_id16 *repo, enum mv_kind kind,
    const struct mv_key *seed, struct mv_footer_origin *o, struct mv_err *err)
    MV_MUST_CHECK;
int mv_origin_verify(const struct mv_id16 *repo, enum mv_kind kind,
    const uint8_t pub[MV_PUBLIC_BYTES], const struct mv_footer_origin *o,
    struct mv_err *err) MV_MUST_CHECK;

/* Pack keys.  structure is S of the epoch. */
int mv_wrap_seal(const struct mv_id16 *repo, enum mv_kind kind,
    const struct mv_id16 *origin, uint32_t epoch,
    const struct mv_key *structure, const uint8_t epoch_pub[MV_PUBLIC_BYTES],
    const struct mv_key *pack_key, uint8_t out[MV_WRAP_DATA_BYTES],
    struct mv_err *err) MV_MUST_CHECK;
/* epoch_priv may be NULL for node packs; MV_EAUTH when it is needed. */
int mv_wrap_open(const struct mv_id16 *repo, enum mv_kind kind,
    const struct mv_footer_origin *o, const struct mv_key *structure,
    const struct mv_key *epoch_priv, struct mv_key *pack_key,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * The end of a pack: appends fill, footer box and trailer to pack, which
 * holds header, id and segments, and pads to mv_pad().
 */
int mv_pack_finish(const struct mv_key *structure, struct mv_footer *f,
    struct mv_buf *pack, struct mv_err *err) MV_MUST_CHECK;
/* Where the footer box is, from the last 48 bytes. */
int mv_trailer_open(const struct mv_key *structure,
    const uint8_t head[MV_PACK_START], const uint8_t tail[MV_TRAILER_BYTES],
    uint64_t pack_size, uint32_t *offset, uint32_t *len, struct mv_err *err)
    MV_MUST_CHECK;
int mv_footer_open(const struct mv_key *structure,
    const uint8_t head[MV_PACK_START], const uint8_t *box, size_t len,
    struct mv_buf *payload, struct mv_err *err) MV_MUST_CHECK;

#endif
