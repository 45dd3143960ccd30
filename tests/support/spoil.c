/* SPDX-License-Identifier: MIT */
#include "support/spoil.h"

#include <stdlib.h>
#include <string.h>

#include "support/mv_test.h"

#define STRIDE 97

void
mv_spoil_bits(uint8_t *p, size_t len, size_t dense, mv_spoil_decode *decode,
    void *arg)
{
	size_t bit, step;
	int rc;

	for (bit = 0; bit < 8 * len; bit += step) {
		p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		rc = decode(p, len, arg);
		p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (rc == 0)
			fail_msg("bit %zu of byte %zu made no difference",
			    bit % 8, bit / 8);
		step = bit < 8 * dense ? 1 : STRIDE;
	}
}

void
mv_spoil_lengths(const uint8_t *p, size_t len, size_t dense,
    mv_spoil_decode *decode, void *arg)
{
	size_t n, step;
	uint8_t *cut;
	int rc;

	for (n = 0; n < len; n += step) {
		/* As long as the input: reading past its end is then seen. */
		cut = malloc(n > 0 ? n : 1);
		assert_non_null(cut);
		memcpy(cut, p, n);
		rc = decode(cut, n, arg);
		free(cut);
		if (rc == 0)
			fail_msg("cut off at %zu of %zu bytes", n, len);
		step = n < dense ? 1 : STRIDE;
	}
}
