/* SPDX-License-Identifier: MIT */
/*
 * A line that is read, written again and read again has the same fields; any
 * bytes, as a field, come back.  The first byte is the number of fields.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "postgres/copy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
same(const struct mv_pg_field *a, const struct mv_pg_field *b)
{
	if ((a->p == NULL) != (b->p == NULL) || a->len != b->len ||
	    (a->len > 0 && memcmp(a->p, b->p, a->len) != 0))
		abort();
}

static void
line(char *text, size_t len, size_t n)
{
	mv_auto(mv_buf_clear) struct mv_buf again = { 0 };
	struct mv_pg_field f[8], g[8];
	size_t i, used;

	if (mv_pg_copy_line(text, len, f, n, &used, NULL) < 0)
		return;
	for (i = 0; i < n; i++) {
		mv_pg_put_field(&again, f[i].p, f[i].len);
		mv_buf_put_u8(&again, i + 1 < n ? '\t' : '\n');
	}
	if (again.failed || mv_pg_copy_line((char *)again.p, again.len, g, n,
	    &used, NULL) < 0 || used != again.len)
		abort();
	for (i = 0; i < n; i++)
		same(&f[i], &g[i]);
}

static void
field(const uint8_t *data, size_t len)
{
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };
	struct mv_pg_field f, want = { (char *)(uintptr_t)data, len };
	size_t used;

	mv_pg_put_field(&b, data, len);
	mv_buf_put_u8(&b, '\n');
	if (b.failed || mv_pg_copy_line((char *)b.p, b.len, &f, 1, &used,
	    NULL) < 0)
		abort();
	same(&want, &f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mv_auto(mv_freep) char *text = NULL;

	if (len == 0)
		return 0;
	text = malloc(len);
	if (text == NULL)
		return 0;
	memcpy(text, data + 1, len - 1);
	line(text, len - 1, 1 + data[0] % 8);
	field(data + 1, len - 1);
	return 0;
}
