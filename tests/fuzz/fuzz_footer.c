/* SPDX-License-Identifier: MIT */
/*
 * A footer that decodes is the only encoding of itself.  The first byte
 * chooses the kind of pack.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mv_auto(mv_footer_clear) struct mv_footer f = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf again = { 0 };
	struct mv_err err = { 0 };
	enum mv_kind kind;

	if (len == 0)
		return 0;
	kind = data[0] % 2 ? MV_KIND_DATA_PACK : MV_KIND_NODE_PACK;
	data++;
	len--;
	if (mv_footer_decode(kind, MV_PACK_MAX, data, len, &f, &err) < 0) {
		if (err.code != MV_ECORRUPT)
			abort();
		return 0;
	}
	if (mv_footer_encode(&f, &again, &err) < 0 || again.len != len ||
	    memcmp(again.p, data, len) != 0)
		abort();
	return 0;
}
