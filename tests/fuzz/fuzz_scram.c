/* SPDX-License-Identifier: MIT */
/* A verifier that was read is written with the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "crypto/scram.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char text[MV_SCRAM_TEXT];
	struct mv_scram v;
	struct mv_err err = { 0 };

	if (mv_scram_decode((const char *)data, len, &v, &err) < 0) {
		if (err.code != MV_ECORRUPT)
			abort();
		return 0;
	}
	mv_scram_encode(&v, text);
	if (strlen(text) != len || memcmp(text, data, len) != 0)
		abort();
	return 0;
}
