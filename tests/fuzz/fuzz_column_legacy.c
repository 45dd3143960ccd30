/* SPDX-License-Identifier: MIT */
/*
 * Three columns of any bytes never open; the bytes as a value, sealed and
 * spoiled with foreign characters as Ruby's reader skips them, open again.
 * The columns are separated by NUL.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mastodon/column_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct mv_legacy *
keys(void)
{
	static struct mv_legacy *k;
	mv_auto(mv_secret_freep) struct mv_secret *otp = NULL;

	if (k == NULL && (mv_secret_init(NULL) < 0 ||
	    mv_secret_new(64, &otp, NULL) < 0 ||
	    mv_legacy_new(otp, &k, NULL) < 0))
		abort();
	return k;
}

static size_t
column(const char **p, size_t *left, const char **out)
{
	const char *nul = *left > 0 ? memchr(*p, '\0', *left) : NULL;
	size_t len = nul != NULL ? (size_t)(nul - *p) : *left;

	*out = *p;
	*p += len + (nul != NULL);
	*left -= len + (nul != NULL);
	return len;
}

static void
row(const char *p, size_t len)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf plain = { 0 };
	struct mv_legacy_row r;
	struct mv_err err = { 0 };

	r.secret_len = column(&p, &len, &r.secret);
	r.iv_len = column(&p, &len, &r.iv);
	r.salt_len = column(&p, &len, &r.salt);
	if (mv_legacy_open(keys(), &r, &plain, &err) == 0)
		abort();
	if ((err.code != MV_ECORRUPT && err.code != MV_EAUTH) || plain.len > 0)
		abort();
}

static void
value(const uint8_t *p, size_t len)
{
	mv_auto(mv_legacy_text_clear) struct mv_legacy_text t = { 0 };
	mv_auto(mv_sbuf_clear) struct mv_sbuf plain = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf spoiled = { 0 };
	struct mv_legacy_row r;
	size_t i;

	if (len == 0 || len > MV_LEGACY_PLAIN_MAX / 2)
		return;
	if (mv_legacy_seal(keys(), p, len, &t, NULL) < 0)
		abort();
	for (i = 0; i < t.secret.len; i++) {
		if (i % 7 == 0)
			mv_buf_put(&spoiled, "\xff", 1);
		mv_buf_put(&spoiled, t.secret.p + i, 1);
	}
	r = (struct mv_legacy_row){ (const char *)spoiled.p,
	    (const char *)t.iv.p, (const char *)t.salt.p, spoiled.len,
	    t.iv.len, t.salt.len };
	if (mv_legacy_open(keys(), &r, &plain, NULL) < 0 ||
	    plain.len != len || memcmp(plain.p, p, len) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	row((const char *)data, len);
	value(data, len);
	return 0;
}
