/* SPDX-License-Identifier: MIT */
/*
 * A pin leaf that decodes is the only encoding of itself.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mv_auto(mv_pin_leaf_clear) struct mv_pin_leaf leaf = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf again = { 0 };
	struct mv_err err = { 0 };

	if (mv_pin_leaf_decode(data, len, &leaf, &err) < 0) {
		if (err.code != MV_ECORRUPT)
			abort();
		return 0;
	}
	if (mv_pin_leaf_encode(leaf.pins, leaf.n, &again, &err) < 0 ||
	    again.len != len || memcmp(again.p, data, len) != 0)
		abort();
	return 0;
}
