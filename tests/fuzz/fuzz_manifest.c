/* SPDX-License-Identifier: MIT */
/*
 * What the manifest reader accepts is in order and encodes to the very bytes
 * that it was decoded from.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int
feed(void *arg, uint8_t *buf, size_t len, size_t *got, struct mv_err *err)
{
	struct mv_cur *c = arg;

	(void)err;
	*got = len < c->left ? len : c->left;
	if (*got > 37)
		*got = 37;
	if (*got > 0)
		mv_cur_copy(c, buf, *got);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mv_auto(mv_manifest_reader_freep) struct mv_manifest_reader *r = NULL;
	mv_auto(mv_buf_clear) struct mv_buf again = { 0 };
	struct mv_cur c = mv_cur_of(data, len);
	const struct mv_entry *e;
	struct mv_err err = { 0 };
	int rc;

	if (mv_manifest_reader_new((struct mv_source){ feed, &c }, &r, &err) < 0)
		return 0;
	while ((rc = mv_manifest_next(r, &e, &err)) == 1)
		if (mv_entry_encode(e, &again, &err) < 0)
			abort();
	if (rc < 0 && rc != MV_ECORRUPT && rc != MV_ENOMEM)
		abort();
	if (rc == 0 && again.len != len)
		abort();
	if (again.len > len ||
	    (again.len > 0 && memcmp(again.p, data, again.len) != 0))
		abort();
	return 0;
}
