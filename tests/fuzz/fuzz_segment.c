/* SPDX-License-Identifier: MIT */
/*
 * A raw segment that decodes is the only encoding of its chunks.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mv_auto(mv_segment_clear) struct mv_segment s = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf again = { 0 };
	struct mv_err err = { 0 };
	size_t at;

	if (mv_segment_decode(data, len, &s, &err) < 0) {
		if (err.code != MV_ECORRUPT)
			abort();
		return 0;
	}
	at = s.chunks[0].offset;
	if (mv_segment_encode(s.chunks, s.n, data + at, len - at, &again,
	    &err) < 0 || again.len != len || memcmp(again.p, data, len) != 0)
		abort();
	return 0;
}
