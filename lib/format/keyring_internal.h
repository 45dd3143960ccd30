/* SPDX-License-Identifier: MIT */
#ifndef MV_FORMAT_KEYRING_INTERNAL_H
#define MV_FORMAT_KEYRING_INTERNAL_H

#include "format/keyring.h"

/* The payload: a keyring without header, signature and padding. */
int mv_keyring_payload_encode(const struct mv_keyring *k, struct mv_buf *out,
    struct mv_err *err) MV_MUST_CHECK;
/* *out is filled in place, and to be cleared also after a failure. */
int mv_keyring_payload_decode(const uint8_t *p, size_t len,
    struct mv_keyring *out, struct mv_err *err) MV_MUST_CHECK;
/* What no keyring may break: numbers, order, references. */
int mv_keyring_check(const struct mv_keyring *k, struct mv_err *err)
    MV_MUST_CHECK;

#endif
