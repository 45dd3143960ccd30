/* SPDX-License-Identifier: MIT */
/*
 * A high-water file that is understood is the only way to write its marks.
 */
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "fuzz/place.h"
#include "repo/highwater.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct mv_id16 repo = { .b = "repository of us" };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mv_auto(mv_highwater_clear) struct mv_highwater h = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf again = { 0 };
	char path[sizeof(place_path) + 16];
	struct mv_err err = { 0 };
	int rc;

	place_empty();
	place_put("highwater", data, len);
	rc = mv_highwater_load(place(), &repo, &h, &err);
	if (rc < 0 && rc != MV_EUSAGE && rc != MV_ENOMEM)
		abort();
	if (rc < 0)
		return 0;
	/* Nothing to write is no file. */
	if (h.keyring == 0 && h.nwriters == 0)
		return 0;
	place_empty();
	(void)snprintf(path, sizeof(path), "%s/highwater", place());
	if (mv_highwater_raise(place(), &repo, &h, &err) < 0 ||
	    mv_file_read(path, 1 << 20, &again, &err) < 0 ||
	    again.len != len || memcmp(again.p, data, len) != 0)
		abort();
	return 0;
}
