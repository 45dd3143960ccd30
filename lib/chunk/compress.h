/* SPDX-License-Identifier: MIT */
#ifndef MV_CHUNK_COMPRESS_H
#define MV_CHUNK_COMPRESS_H

#include "base/buf.h"
#include "base/err.h"

/*
 * compress: a raw segment to what is sealed, and back (docs/format.md, 5.2):
 * codec, raw length, body.
 *
 * The contexts of zstd and the scratch memory are kept between calls; one
 * struct mv_zstd serves one thread at a time.
 */
struct mv_zstd;

/* level as in zstd, 0: 1. */
int mv_zstd_new(int level, struct mv_zstd **out, struct mv_err *err)
    MV_MUST_CHECK;
void mv_zstd_free(struct mv_zstd *z);
void mv_zstd_freep(struct mv_zstd **z);

/*
 * out is made to hold raw's plain segment, compressed where that pays.  What
 * was compressed has been decompressed and compared: MV_ECORRUPT would mean
 * that zstd or this machine's memory is broken.
 */
int mv_segment_pack(struct mv_zstd *z, const uint8_t *raw, size_t len,
    struct mv_buf *out, struct mv_err *err) MV_MUST_CHECK;

/* raw is made to hold the segment; MV_ECORRUPT for anything malformed. */
int mv_segment_unpack(struct mv_zstd *z, const uint8_t *plain, size_t len,
    struct mv_buf *raw, struct mv_err *err) MV_MUST_CHECK;

#endif
