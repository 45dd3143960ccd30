/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTODON_VAPID_H
#define MV_MASTODON_VAPID_H

#include <stddef.h>

#include "base/err.h"
#include "secret/secret.h"

/*
 * vapid: the pair of keys with which Mastodon signs its push messages, on
 * the curve P-256, as VAPID_PRIVATE_KEY and VAPID_PUBLIC_KEY hold them.
 *
 * Both are base64url.  Written with padding, as the webpush gem does; read
 * with it or without.  The gem leaves out leading zero bytes of the private
 * number and this writes all 32 bytes: both are read here and there.
 */
#define MV_VAPID_PRIVATE_TEXT 44
#define MV_VAPID_PUBLIC_TEXT 88

/* A new pair; out_private is empty before. */
int mv_vapid_generate(struct mv_sbuf *out_private,
    char out_public[MV_VAPID_PUBLIC_TEXT + 1], struct mv_err *err)
    MV_MUST_CHECK;

/*
 * MV_EUSAGE, with the variable's name, when one half is malformed: not
 * base64url, not a number of the curve's, not a point on it; MV_EAUTH when
 * both are fine and belong to different pairs.
 */
int mv_vapid_check(const void *priv, size_t priv_len, const void *pub,
    size_t pub_len, struct mv_err *err) MV_MUST_CHECK;

/* The public half that belongs to a private one. */
int mv_vapid_public(const void *priv, size_t priv_len,
    char out_public[MV_VAPID_PUBLIC_TEXT + 1], struct mv_err *err)
    MV_MUST_CHECK;

#endif
