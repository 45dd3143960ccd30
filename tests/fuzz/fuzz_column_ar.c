/* SPDX-License-Identifier: MIT */
/*
 * A stored message that is taken apart and put together again is, taken apart
 * once more, the same; the bytes after the first one, as a value, survive
 * being encrypted and decrypted.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mastodon/column_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct mv_ar *ar;

static void
forget(void)
{
	mv_ar_freep(&ar);
}

static struct mv_ar *
keys(void)
{
	mv_auto(mv_secret_freep) struct mv_secret *key = NULL;
	mv_auto(mv_secret_freep) struct mv_secret *salt = NULL;

	/* Derived once, since that takes longer than all the rest. */
	if (ar == NULL && (mv_secret_init(NULL) < 0 ||
	    mv_secret_from("key", 3, &key, NULL) < 0 ||
	    mv_secret_from("salt", 4, &salt, NULL) < 0 ||
	    mv_ar_new(key, salt, &ar, NULL) < 0 || atexit(forget) != 0))
		abort();
	return ar;
}

static void
message(const char *text, size_t len)
{
	mv_auto(mv_ar_message_clear) struct mv_ar_message a = { 0 };
	mv_auto(mv_ar_message_clear) struct mv_ar_message b = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf out = { 0 };
	mv_auto(mv_sbuf_clear) struct mv_sbuf plain = { 0 };
	struct mv_err err = { 0 };

	if (mv_ar_open(keys(), text, len, &plain, NULL, &err) == 0)
		abort();
	if ((err.code != MV_ECORRUPT && err.code != MV_EAUTH) || plain.len > 0)
		abort();
	if (mv_ar_message_decode(text, len, &a, NULL) < 0)
		return;
	mv_ar_message_encode(&a, &out);
	if (mv_buf_failed(&out, NULL) < 0 ||
	    mv_ar_message_decode((const char *)out.p, out.len, &b, NULL) < 0 ||
	    a.len != b.len || memcmp(a.p, b.p, a.len) != 0 ||
	    memcmp(a.iv, b.iv, sizeof(a.iv)) != 0 ||
	    memcmp(a.tag, b.tag, sizeof(a.tag)) != 0 ||
	    strcmp(a.encoding, b.encoding) != 0 || a.compressed != b.compressed)
		abort();
}

static void
value(const uint8_t *p, size_t len, bool deterministic)
{
	struct mv_ar_how how = { .encoding = "ASCII-8BIT",
	    .deterministic = deterministic };
	mv_auto(mv_sbuf_clear) struct mv_sbuf plain = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf out = { 0 };
	struct mv_ar_how found;

	if (len > MV_AR_PLAIN_MAX)
		return;
	if (mv_ar_seal(keys(), p, len, &how, &out, NULL) < 0 ||
	    mv_ar_open(keys(), (const char *)out.p, out.len, &plain, &found,
	    NULL) < 0 || plain.len != len || found.sha1 ||
	    (len > 0 && memcmp(plain.p, p, len) != 0) ||
	    strcmp(found.encoding, how.encoding) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	message((const char *)data, len);
	if (len > 0)
		value(data + 1, len - 1, data[0] & 1);
	return 0;
}
