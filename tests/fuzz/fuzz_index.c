/* SPDX-License-Identifier: MIT */
/*
 * An index that decodes is the only encoding of its packs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct seen {
	struct mv_buf list;
	size_t n;
};

static void
seen_clear(struct seen *s)
{
	mv_buf_clear(&s->list);
}

static int
add(const struct mv_index_pack *pack, void *arg, struct mv_err *err)
{
	struct seen *s = arg;

	(void)err;
	mv_index_add(&s->list, pack);
	s->n++;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mv_auto(seen_clear) struct seen s = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf again = { 0 };
	struct mv_err err = { 0 };

	if (mv_index_decode(data, len, add, &s, &err) < 0) {
		if (err.code != MV_ECORRUPT || s.n > 0)
			abort();
		return 0;
	}
	if (mv_index_encode(&s.list, s.n, &again, &err) < 0 ||
	    again.len != len || memcmp(again.p, data, len) != 0)
		abort();
	return 0;
}
