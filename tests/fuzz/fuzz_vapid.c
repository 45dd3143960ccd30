/* SPDX-License-Identifier: MIT */
/*
 * Two halves, separated by a NUL: a private one that has a public one belongs
 * to it; what else is accepted as a pair has that very public half.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mastodon/vapid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *nul = len > 0 ? memchr(data, '\0', len) : NULL;
	size_t priv_len = nul != NULL ? (size_t)(nul - data) : len;
	const uint8_t *pub = data + priv_len + (nul != NULL);
	size_t pub_len = len - priv_len - (nul != NULL);
	char own[MV_VAPID_PUBLIC_TEXT + 1];
	struct mv_err err = { 0 };
	int rc, pair;

	if (mv_secret_init(NULL) < 0)
		abort();
	rc = mv_vapid_public(data, priv_len, own, &err);
	if (rc < 0 && rc != MV_EUSAGE)
		abort();
	if (rc == 0 && mv_vapid_check(data, priv_len, own, strlen(own),
	    NULL) < 0)
		abort();
	mv_err_clear(&err);
	pair = mv_vapid_check(data, priv_len, pub, pub_len, &err);
	if (pair < 0 && pair != MV_EUSAGE && pair != MV_EAUTH)
		abort();
	/* The padding, and only that, may be missing. */
	if (pair == 0 && (rc < 0 || pub_len < MV_VAPID_PUBLIC_TEXT - 1 ||
	    memcmp(pub, own, pub_len) != 0))
		abort();
	return 0;
}
