/* SPDX-License-Identifier: MIT */
/*
 * Whatever dotenv can read can be edited: the new values are read back, the
 * others stay, and editing once more changes nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mastodon/dotenv.h"
#include "mastodon/dotenv_edit.h"
#include "secret/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct mv_dotenv_change changes[] = {
	{ .key = "A", .value = "n3w", .len = 3 },
	{ .key = "_K", .value = "", .len = 0 },
};

static struct mv_dotenv *
parse(const void *p, size_t len)
{
	struct mv_dotenv *env = NULL;

	if (mv_dotenv_new(&env, NULL) < 0)
		abort();
	if (mv_dotenv_add(env, p, len, NULL) == 0)
		return env;
	mv_dotenv_free(env);
	return NULL;
}

static bool
is_changed(const char *key)
{
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(changes); i++)
		if (strcmp(changes[i].key, key) == 0)
			return true;
	return strcmp(key, "DOTENV_LINEBREAK_MODE") == 0;
}

static void
others_stay(const struct mv_dotenv *a, const struct mv_dotenv *b)
{
	const uint8_t *p, *q;
	size_t i, plen, qlen;

	for (i = 0; i < mv_dotenv_count(a); i++) {
		const char *key = mv_dotenv_key(a, i);

		if (is_changed(key))
			continue;
		if (mv_dotenv_get(a, key, &p, &plen, NULL) < 0)
			continue;
		if (mv_dotenv_get(b, key, &q, &qlen, NULL) < 0 || q == NULL ||
		    plen != qlen || memcmp(p, q, plen) != 0)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mv_auto(mv_dotenv_freep) struct mv_dotenv *before = NULL;
	mv_auto(mv_dotenv_freep) struct mv_dotenv *after = NULL;
	mv_auto(mv_sbuf_clear) struct mv_sbuf one = { 0 };
	mv_auto(mv_sbuf_clear) struct mv_sbuf two = { 0 };
	const size_t n = MV_ARRAY_LEN(changes);
	struct mv_err err = { 0 };

	if (mv_secret_init(NULL) < 0)
		abort();
	/* Room for what is appended. */
	if (len > MV_DOTENV_TEXT_MAX / 2)
		return 0;
	before = parse(data, len);
	if (mv_dotenv_edit(data, len, changes, n, &one, &err) < 0) {
		if (err.code != MV_EUSAGE && err.code != MV_EREFUSED)
			abort();
		/* Without variables nothing can stand in the way. */
		if (before != NULL && memchr(data, '$', len) == NULL)
			abort();
		return 0;
	}
	if (before == NULL)
		abort();
	after = parse(one.p, one.len);
	if (after == NULL || !mv_dotenv_is(after, "A", "n3w") ||
	    !mv_dotenv_is(after, "_K", ""))
		abort();
	if (len == 0 || memchr(data, '$', len) == NULL)
		others_stay(before, after);
	if (mv_dotenv_edit(one.p, one.len, changes, n, &two, &err) < 0 ||
	    one.len != two.len || memcmp(one.p, two.p, one.len) != 0)
		abort();
	return 0;
}
