/* SPDX-License-Identifier: MIT */
/* A keyring's payload that decodes encodes to the very same bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/keyring_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mv_auto(mv_keyring_clear) struct mv_keyring k = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf again = { 0 };
	int rc;

	rc = mv_keyring_payload_decode(data, len, &k, NULL);
	if (rc == 0)
		rc = mv_keyring_check(&k, NULL);
	if (rc == MV_ECORRUPT || rc == MV_ENOMEM)
		return 0;
	if (rc < 0 || mv_keyring_payload_encode(&k, &again, NULL) < 0)
		abort();
	if (again.len != len || memcmp(again.p, data, len) != 0)
		abort();
	return 0;
}
