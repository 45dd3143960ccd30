/* SPDX-License-Identifier: MIT */
#ifndef MV_FORMAT_SNAPSHOT_INTERNAL_H
#define MV_FORMAT_SNAPSHOT_INTERNAL_H

#include "format/snapshot.h"

/* The body: a snapshot's payload without its signature. */
int mv_snapshot_body_encode(const struct mv_snapshot *s, struct mv_buf *out,
    struct mv_err *err) MV_MUST_CHECK;
int mv_snapshot_body_decode(const uint8_t *p, size_t len,
    struct mv_snapshot *out, struct mv_err *err) MV_MUST_CHECK;

#endif
