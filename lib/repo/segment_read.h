/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_SEGMENT_READ_H
#define MV_REPO_SEGMENT_READ_H

#include "format/segment.h"
#include "repo/index.h"
#include "repo/repo.h"

/*
 * opener: one segment from the stores, unsealed and taken apart.
 *
 * It keeps scratch memory and the key of the pack it last opened; one serves
 * one thread at a time.
 */
struct mv_opener;

int mv_opener_new(struct mv_repo *r, struct mv_opener **out,
    struct mv_err *err) MV_MUST_CHECK;
void mv_opener_free(struct mv_opener *o);
void mv_opener_freep(struct mv_opener **o);

/*
 * Open loc->len stored bytes, whose hash was compared already: unseal,
 * decompress, decode.  MV_EAUTH without the private key that data takes,
 * MV_ECORRUPT when the bytes are not authentic.  raw is replaced.
 */
int mv_opener_open(struct mv_opener *o, const struct mv_location *loc,
    const uint8_t *stored, struct mv_buf *raw, struct mv_segment *out,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * Fetch and open.  Every store is tried until one gives the bytes that the
 * footer promises; copies that were passed over are told by mv_warn().
 * MV_ECORRUPT names pack, segment and stores; MV_EIO where one could not be
 * asked.
 */
int mv_opener_fetch(struct mv_opener *o, const struct mv_location *loc,
    struct mv_buf *raw, struct mv_segment *out, struct mv_err *err)
    MV_MUST_CHECK;

#endif
