/* SPDX-License-Identifier: MIT */
#ifndef MV_BASE_HEX_H
#define MV_BASE_HEX_H

#include <stddef.h>
#include <stdint.h>

/* hex: lower case only.  Not for secrets (not constant time). */

/* Writes 2 * len digits and a NUL. */
void mv_hex_encode(const uint8_t *p, size_t len, char *out);
/* 0, or -1 when text is not exactly 2 * len lower-case digits (textlen). */
int mv_hex_decode(const char *text, size_t textlen, uint8_t *out, size_t len);

#endif
