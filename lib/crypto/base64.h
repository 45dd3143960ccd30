/* SPDX-License-Identifier: MIT */
#ifndef MV_CRYPTO_BASE64_H
#define MV_CRYPTO_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Decode text, which must be Base64 (RFC 4648) to its last byte: no blanks, no
 * line ends, no bits to spare, padding as variant (one of libsodium's
 * sodium_base64_VARIANT_*) has it.  At most max bytes go to out, in a time
 * that does not depend on the digits.  0, or -1 and *got is not set.
 */
int mv_base64_decode(const char *text, size_t len, int variant, uint8_t *out,
    size_t max, size_t *got) MV_MUST_CHECK;

#endif
