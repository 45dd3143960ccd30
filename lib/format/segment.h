/* SPDX-License-Identifier: MIT */
#ifndef MV_FORMAT_SEGMENT_H
#define MV_FORMAT_SEGMENT_H

#include <stdbool.h>

#include "base/buf.h"
#include "format/object.h"

/* segment: the raw layout inside a seal (docs/format.md, 5.2). */
#define MV_CHUNK_MAX (1u << 20)
#define MV_SEGMENT_DATA_MAX (1u << 20)
#define MV_SEGMENT_CHUNKS_MAX 4096
#define MV_SEGMENT_RAW_MAX (2u << 20)
enum mv_codec { MV_CODEC_STORED = 0, MV_CODEC_ZSTD = 1 };
#define MV_SEGMENT_PREFIX 5	/* codec u8, raw length u32 */

struct mv_segment_chunk {
	uint32_t offset;	/* into the raw bytes */
	uint32_t len;
	bool media;		/* id by file_key, else by K_db (or a blob) */
	uint8_t file_key[32];	/* F */
};

struct mv_segment {
	struct mv_segment_chunk *chunks;
	size_t n;
};

/* chunks[].offset are set; data is the chunks' bytes back to back. */
int mv_segment_encode(const struct mv_segment_chunk *chunks, size_t n,
    const uint8_t *data, size_t len, struct mv_buf *raw, struct mv_err *err)
    MV_MUST_CHECK;
int mv_segment_decode(const uint8_t *raw, size_t len, struct mv_segment *out,
    struct mv_err *err) MV_MUST_CHECK;
void mv_segment_clear(struct mv_segment *s);

/* Nonce and associated data of an origin's segment. */
#define MV_SEGMENT_AD_BYTES (7 + 16 + 1 + 16 + 4)
void mv_segment_nonce(uint32_t ordinal, uint8_t out[MV_NONCE_BYTES]);
void mv_segment_ad(const struct mv_id16 *repo, enum mv_kind kind,
    const struct mv_id16 *origin, uint32_t ordinal,
    uint8_t out[MV_SEGMENT_AD_BYTES]);

#endif
