/* SPDX-License-Identifier: MIT */
/*
 * What was understood, printed and read again, prints the same.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mastvault/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
print_all(const struct mv_config *c, struct mv_buf *out)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (mv_config_print(&c->envs[i], out, NULL) < 0)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mv_auto(mv_config_clear) struct mv_config a = { 0 };
	mv_auto(mv_config_clear) struct mv_config b = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf once = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf twice = { 0 };
	struct mv_err err = { 0 };

	if (mv_config_parse("input", data, len, &a, &err) < 0) {
		if (err.code != MV_EUSAGE)
			abort();
		return 0;
	}
	print_all(&a, &once);
	if (mv_config_parse("printed", once.p, once.len, &b, &err) < 0)
		abort();
	print_all(&b, &twice);
	if (once.len != twice.len ||
	    (once.len > 0 && memcmp(once.p, twice.p, once.len) != 0))
		abort();
	return 0;
}
