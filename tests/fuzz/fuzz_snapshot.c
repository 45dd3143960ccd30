/* SPDX-License-Identifier: MIT */
/* A snapshot's body that decodes encodes to the very same bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/snapshot_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mv_auto(mv_snapshot_clear) struct mv_snapshot s = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf again = { 0 };
	int rc;

	rc = mv_snapshot_body_decode(data, len, &s, NULL);
	if (rc == MV_ECORRUPT || rc == MV_ENOMEM)
		return 0;
	if (rc < 0 || mv_snapshot_body_encode(&s, &again, NULL) < 0)
		abort();
	if (again.len != len || memcmp(again.p, data, len) != 0)
		abort();
	return 0;
}
