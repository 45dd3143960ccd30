/* SPDX-License-Identifier: MIT */
/*
 * A plain segment that unpacks has the length that it says; the bytes as a
 * raw segment survive being packed and unpacked.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "chunk/compress.h"
#include "format/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct mv_zstd *
zstd(void)
{
	static struct mv_zstd *z;

	if (z == NULL && mv_zstd_new(0, &z, NULL) < 0)
		abort();
	return z;
}

static void
there_and_back(const uint8_t *data, size_t len)
{
	mv_auto(mv_buf_clear) struct mv_buf plain = { 0 }, raw = { 0 };

	if (len == 0 || len > MV_SEGMENT_RAW_MAX)
		return;
	if (mv_segment_pack(zstd(), data, len, &plain, NULL) < 0 ||
	    mv_segment_unpack(zstd(), plain.p, plain.len, &raw, NULL) < 0 ||
	    raw.len != len || memcmp(raw.p, data, len) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mv_auto(mv_buf_clear) struct mv_buf raw = { 0 };
	mv_auto(mv_segment_clear) struct mv_segment s = { 0 };
	struct mv_err err = { 0 };
	int rc;

	there_and_back(data, len);
	rc = mv_segment_unpack(zstd(), data, len, &raw, &err);
	if (rc < 0 && rc != MV_ECORRUPT && rc != MV_ENOMEM)
		abort();
	if (rc < 0)
		return 0;
	if (raw.len != (data[1] | (size_t)data[2] << 8 |
	    (size_t)data[3] << 16 | (size_t)data[4] << 24))
		abort();
	rc = mv_segment_decode(raw.p, raw.len, &s, &err);
	if (rc < 0 && rc != MV_ECORRUPT && rc != MV_ENOMEM)
		abort();
	return 0;
}
