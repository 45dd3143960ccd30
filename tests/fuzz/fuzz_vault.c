/* SPDX-License-Identifier: MIT */
/* A vault version's body that decodes encodes to the very same bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/vault_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mv_auto(mv_vault_version_clear) struct mv_vault_version v = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf again = { 0 };
	int rc;

	rc = mv_vault_body_decode(data, len, &v, NULL);
	if (rc == MV_ECORRUPT || rc == MV_ENOMEM)
		return 0;
	if (rc < 0 || mv_vault_body_encode(&v, &again, NULL) < 0)
		abort();
	if (again.len != len || memcmp(again.p, data, len) != 0)
		abort();
	return 0;
}
