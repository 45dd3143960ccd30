/* SPDX-License-Identifier: MIT */
/*
 * What was read, written anew with single quotes, reads the same: single
 * quotes are literal, so this holds for every value without one inside and
 * without a backslash at its end.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "mastodon/dotenv.h"
#include "secret/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int
literal(const uint8_t *p, size_t len)
{
	return memchr(p, '\'', len) == NULL &&
	    (len == 0 || p[len - 1] != '\\') && memchr(p, '\r', len) == NULL;
}

static void
rewrite(const struct mv_dotenv *env, struct mv_buf *out)
{
	const uint8_t *p;
	size_t i, len;

	for (i = 0; i < mv_dotenv_count(env); i++) {
		const char *key = mv_dotenv_key(env, i);

		if (mv_dotenv_get(env, key, &p, &len, NULL) < 0 ||
		    !literal(p, len))
			continue;
		mv_buf_put_str(out, key);
		mv_buf_put_str(out, "='");
		mv_buf_put(out, p, len);
		mv_buf_put_str(out, "'\n");
	}
}

static void
same(const struct mv_dotenv *a, const struct mv_dotenv *b)
{
	const uint8_t *p, *q;
	size_t i, plen, qlen;

	for (i = 0; i < mv_dotenv_count(b); i++) {
		const char *key = mv_dotenv_key(b, i);

		if (mv_dotenv_get(a, key, &p, &plen, NULL) < 0 ||
		    mv_dotenv_get(b, key, &q, &qlen, NULL) < 0 || p == NULL ||
		    plen != qlen || memcmp(p, q, plen) != 0)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mv_auto(mv_dotenv_freep) struct mv_dotenv *a = NULL;
	mv_auto(mv_dotenv_freep) struct mv_dotenv *b = NULL;
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	struct mv_err err = { 0 };

	if (mv_secret_init(&err) < 0 || mv_dotenv_new(&a, &err) < 0 ||
	    mv_dotenv_new(&b, &err) < 0)
		abort();
	if (mv_dotenv_add(a, data, len, &err) < 0) {
		if (err.code != MV_EUSAGE)
			abort();
		return 0;
	}
	rewrite(a, &text);
	if (text.len > MV_DOTENV_TEXT_MAX)
		return 0;
	if (mv_dotenv_add(b, text.p, text.len, &err) < 0)
		abort();
	same(a, b);
	return 0;
}
