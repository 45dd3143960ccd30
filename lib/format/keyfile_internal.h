/* SPDX-License-Identifier: MIT */
#ifndef MV_FORMAT_KEYFILE_INTERNAL_H
#define MV_FORMAT_KEYFILE_INTERNAL_H

#include "format/keyfile.h"

/*
 * The payload of a key file, without its protection.  Encode appends; decode
 * refuses with MV_EUSAGE all that encode would not have written.
 */
int mv_keyset_encode(const struct mv_keyset *k, struct mv_sbuf *out,
    struct mv_err *err) MV_MUST_CHECK;
int mv_keyset_decode(const uint8_t *p, size_t len, struct mv_keyset **out,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * The text around raw bytes: comment, a title, base64.  Get refuses with
 * MV_EUSAGE, calling the thing what.
 */
int mv_key_text_put(const char *title, const char *comment,
    const struct mv_sbuf *raw, struct mv_sbuf *out, struct mv_err *err)
    MV_MUST_CHECK;
int mv_key_text_get(const char *title, const char *what, const void *text,
    size_t len, struct mv_sbuf *out, struct mv_err *err) MV_MUST_CHECK;
int mv_key_text_bad(const char *what, struct mv_err *err);

#endif
