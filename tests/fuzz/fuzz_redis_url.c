/* SPDX-License-Identifier: MIT */
/*
 * A URL with another password has that one, and all else as before; what
 * Redis is reached by is read from it or refused.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "mastodon/redis_place.h"
#include "mastodon/url.h"

#define PASSWORD "n:/@%"
#define ESCAPED "n%3A%2F%40%25"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int
same(struct mv_span a, struct mv_span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static struct mv_url
split(const uint8_t *p, size_t len)
{
	const uint8_t *at = memmem(p, len, "://", 3);
	struct mv_url u;

	if (at == NULL)
		abort();
	mv_url_split((struct mv_span){ at + 3, (size_t)(p + len - at - 3) },
	    &u);
	return u;
}

static void
replace(const uint8_t *data, size_t len)
{
	mv_auto(mv_secret_freep) struct mv_secret *s = NULL;
	mv_auto(mv_sbuf_clear) struct mv_sbuf out = { 0 };
	struct mv_err err = { 0 };
	struct mv_url a, b;

	if (mv_secret_from(PASSWORD, strlen(PASSWORD), &s, &err) < 0)
		abort();
	if (mv_url_with_password(data, len, s, &out, &err) < 0) {
		if (err.code != MV_EUSAGE)
			abort();
		return;
	}
	a = split(data, len);
	b = split(out.p, out.len);
	if (!mv_span_is(b.password, ESCAPED) || !same(a.user, b.user) ||
	    !same(a.host, b.host) || !same(a.port, b.port) ||
	    !same(a.path, b.path) || !same(a.query, b.query))
		abort();
}

static void
place(const uint8_t *data, size_t len)
{
	mv_auto(mv_redis_place_clear) struct mv_redis_place p = { 0 };
	mv_auto(mv_dotenv_freep) struct mv_dotenv *env = NULL;
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	struct mv_err err = { 0 };
	int rc;

	mv_buf_put_str(&text, "REDIS_URL='");
	mv_buf_put(&text, data, len);
	mv_buf_put_str(&text, "'\n");
	if (mv_dotenv_new(&env, &err) < 0)
		abort();
	if (mv_dotenv_add(env, text.p, text.len, NULL) < 0)
		return;
	rc = mv_redis_place_init(&p, env, MV_REDIS_BASE, &err);
	if (rc < 0) {
		if (rc != MV_EUSAGE && rc != MV_EREFUSED)
			abort();
	} else if ((p.host == NULL) == (p.socket == NULL)) {
		abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct mv_err err = { 0 };

	if (mv_secret_init(&err) < 0)
		abort();
	replace(data, len);
	place(data, len);
	return 0;
}
