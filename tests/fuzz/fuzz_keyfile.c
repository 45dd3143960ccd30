/* SPDX-License-Identifier: MIT */
/*
 * The first byte chooses: the text of a key file as a whole (without a
 * passphrase, so that no input can ask for gigabytes), or its payload, which
 * encodes to the very same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/keyfile_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
text(const uint8_t *data, size_t len)
{
	mv_auto(mv_keyset_freep) struct mv_keyset *k = NULL;
	int protected, rc;

	rc = mv_keyfile_protected(data, len, &protected, NULL);
	if (rc < 0 && rc != MV_EUSAGE && rc != MV_ENOMEM)
		abort();
	if (rc == 0) {
		rc = mv_keyfile_decode(data, len, NULL, &k, NULL);
		if (protected ? rc == 0 : rc == MV_EAUTH)
			abort();
	}
}

static void
payload(const uint8_t *data, size_t len)
{
	mv_auto(mv_keyset_freep) struct mv_keyset *k = NULL;
	mv_auto(mv_sbuf_clear) struct mv_sbuf again = { 0 };
	int rc;

	rc = mv_keyset_decode(data, len, &k, NULL);
	if (rc == MV_EUSAGE || rc == MV_ENOMEM)
		return;
	if (rc < 0 || mv_keyset_encode(k, &again, NULL) < 0)
		abort();
	if (again.len != len || memcmp(again.p, data, len) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (mv_secret_init(NULL) < 0)
		abort();
	if (len > 0 && data[0] == 'p')
		payload(data + 1, len - 1);
	else
		text(data, len);
	return 0;
}
