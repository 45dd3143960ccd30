/* SPDX-License-Identifier: MIT */
#ifndef MV_TESTS_SUPPORT_SPOIL_H
#define MV_TESTS_SUPPORT_SPOIL_H

#include <stddef.h>
#include <stdint.h>

/*
 * spoil: a decoder must refuse what was altered in a single bit, and what was
 * cut off at any length.
 */

/* The decoder's code for these bytes: 0 when it took them. */
typedef int mv_spoil_decode(const uint8_t *p, size_t len, void *arg);

/*
 * Flip one bit after the other: all of the first `dense` bytes, then every
 * 97th, so that each bit position and byte offset comes up.  p is as it was
 * afterwards.  Fails the test where decode returns 0.
 */
void mv_spoil_bits(uint8_t *p, size_t len, size_t dense,
    mv_spoil_decode *decode, void *arg);

/* Every length below dense, then every 97th up to len - 1. */
void mv_spoil_lengths(const uint8_t *p, size_t len, size_t dense,
    mv_spoil_decode *decode, void *arg);

#endif
