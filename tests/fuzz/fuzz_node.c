/* SPDX-License-Identifier: MIT */
/*
 * List nodes and roots that decode are the only encodings of themselves.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
expect(const struct mv_buf *again, const uint8_t *data, size_t len)
{
	if (again->len != len || memcmp(again->p, data, len) != 0)
		abort();
}

static void
try_root(const uint8_t *data, size_t len)
{
	mv_auto(mv_buf_clear) struct mv_buf again = { 0 };
	struct mv_cur c = mv_cur_of(data, len);
	struct mv_root root;

	mv_root_decode(&c, &root);
	if (c.failed)
		return;
	mv_root_encode(&root, &again);
	expect(&again, data, len - c.left);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct mv_list_node node;
	mv_auto(mv_buf_clear) struct mv_buf again = { 0 };
	struct mv_err err = { 0 };

	try_root(data, len);
	if (mv_list_node_decode(data, len, &node, &err) < 0) {
		if (err.code != MV_ECORRUPT)
			abort();
		return 0;
	}
	if (mv_list_node_encode(&node, &again, &err) < 0)
		abort();
	expect(&again, data, len);
	return 0;
}
