/* SPDX-License-Identifier: MIT */
#include "chunk/chunker.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define KIB 1024u

/* docs/format.md, 4.1. */
static const struct class {
	size_t min, avg, max;
	unsigned bits;		/* log2(avg) */
} classes[MV_CLASSES] = {
	{ 512, 2 * KIB, 8 * KIB, 11 },
	{ 4 * KIB, 16 * KIB, 64 * KIB, 14 },
	{ 16 * KIB, 64 * KIB, 256 * KIB, 16 },
	{ MV_MEDIA_CHUNK_MIN, 512 * KIB, 1024 * KIB, 19 },
};

/* How many more bits must be zero before avg, and fewer after it. */
#define NORMALISATION 2

void
mv_gear_init(struct mv_gear *gear, const struct mv_key *key)
{
	uint8_t hash[crypto_generichash_BYTES_MIN];
	uint8_t byte;
	unsigned i, j;

	for (i = 0; i < 256; i++) {
		byte = (uint8_t)i;
		(void)crypto_generichash(hash, sizeof(hash), &byte, 1, key->b,
		    sizeof(key->b));
		gear->g[i] = 0;
		for (j = 0; j < 8; j++)
			gear->g[i] |= (uint64_t)hash[j] << (8 * j);
	}
	sodium_memzero(hash, sizeof(hash));
}

void
mv_gear_wipe(struct mv_gear *gear)
{
	sodium_memzero(gear, sizeof(*gear));
}

void
mv_cutter_init(struct mv_cutter *c, const struct mv_gear *gear,
    unsigned class, bool lines)
{
	const struct class *k = &classes[class];

	assert(class < MV_CLASSES);
	/* n top bits of h are zero exactly when h is below 2^(64 - n). */
	*c = (struct mv_cutter){
		.gear = gear,
		.min = k->min,
		.avg = k->avg,
		.max = k->max,
		.before = 1ull << (64 - (k->bits + NORMALISATION)),
		.after = 1ull << (64 - (k->bits - NORMALISATION)),
		.lines = lines,
	};
}

/* Take in one byte; does h say that the chunk ends behind it? */
static inline bool
step(const uint64_t *g, uint8_t byte, uint64_t limit, uint64_t *h)
{
	*h = (*h << 1) + g[byte];
	return *h < limit;
}

/*
 * The first i in [i, end) after whose byte h is below limit, or end.  Four
 * bytes in a row make it half as fast again.
 */
static inline size_t
scan(const uint64_t *g, const uint8_t *p, size_t i, size_t end,
    uint64_t limit, uint64_t *h)
{
	for (; end - i >= 4; i += 4) {
		if (step(g, p[i], limit, h))
			return i;
		if (step(g, p[i + 1], limit, h))
			return i + 1;
		if (step(g, p[i + 2], limit, h))
			return i + 2;
		if (step(g, p[i + 3], limit, h))
			return i + 3;
	}
	for (; i < end; i++)
		if (step(g, p[i], limit, h))
			return i;
	return end;
}

static size_t
find(const struct mv_cutter *c, const uint8_t *p, size_t end)
{
	size_t half = end < c->avg ? end : c->avg, i;
	uint64_t h = 0;

	i = scan(c->gear->g, p, c->min, half, c->before, &h);
	if (i < half)
		return i + 1;
	i = scan(c->gear->g, p, half, end, c->after, &h);
	return i < end ? i + 1 : end;
}

size_t
mv_cutter_cut(const struct mv_cutter *c, const uint8_t *p, size_t len)
{
	size_t end = len < c->max ? len : c->max, at;
	const uint8_t *newline;

	if (end <= c->min)
		return end;
	at = find(c, p, end);
	if (!c->lines || at == end)
		return at;
	/* A cut that is behind a newline already stays. */
	newline = memchr(p + at - 1, '\n', end - at + 1);
	return newline != NULL ? (size_t)(newline - p) + 1 : at;
}

struct mv_chunker {
	struct mv_cutter cutter;
	mv_chunk_fn *each;
	void *arg;
	uint8_t *buf;		/* starts a chunk */
	size_t len;
	size_t cap;		/* at least twice the longest chunk */
};

int
mv_chunker_new(const struct mv_gear *gear, unsigned class, bool lines,
    mv_chunk_fn *each, void *arg, struct mv_chunker **out, struct mv_err *err)
{
	mv_auto(mv_chunker_freep) struct mv_chunker *c = NULL;

	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return mv_err_set(err, MV_ENOMEM, "chunker");
	mv_cutter_init(&c->cutter, gear, class, lines);
	c->each = each;
	c->arg = arg;
	c->cap = 2 * c->cutter.max;
	c->buf = malloc(c->cap);
	if (c->buf == NULL)
		return mv_err_set(err, MV_ENOMEM, "chunker of %zu bytes",
		    c->cap);
	*out = mv_take(&c);
	return 0;
}

/*
 * Hand on the chunks of p that start before `until`, while at least `keep`
 * bytes are left, so that every cut is found with all that it can depend on
 * in sight.  *used is how far it came, also after a failure.
 */
static int
cut_all(struct mv_chunker *c, const uint8_t *p, size_t len, size_t until,
    size_t keep, size_t *used, struct mv_err *err)
{
	size_t at = 0, n;
	int rc = 0;

	while (rc == 0 && at < until && len - at >= keep) {
		n = mv_cutter_cut(&c->cutter, p + at, len - at);
		rc = c->each(p + at, n, c->arg, err);
		at += n;
	}
	*used = at;
	return rc;
}

/*
 * Append to the buffer; once it is full, cut what it held before.  *taken is
 * how much of p is done with: the cuts may end within p, which then goes on
 * in place.
 */
static int
feed_buffer(struct mv_chunker *c, const uint8_t *p, size_t len,
    size_t *taken, struct mv_err *err)
{
	size_t held = c->len, n = c->cap - held, used;
	int rc;

	n = n < len ? n : len;
	memcpy(c->buf + held, p, n);
	c->len += n;
	*taken = n;
	if (c->len < c->cap)
		return 0;
	rc = cut_all(c, c->buf, c->len, held, c->cutter.max, &used, err);
	if (used >= held) {
		*taken = used - held;
		c->len = 0;
		return rc;
	}
	c->len -= used;
	memmove(c->buf, c->buf + used, c->len);
	return rc;
}

int
mv_chunker_feed(struct mv_chunker *c, const uint8_t *p, size_t len,
    struct mv_err *err)
{
	size_t used;
	int rc;

	while (len > 0) {
		if (c->len == 0) {
			rc = cut_all(c, p, len, len, c->cutter.max, &used,
			    err);
			if (rc != 0 || used == len)
				return rc;
			p += used;
			len -= used;
		}
		rc = feed_buffer(c, p, len, &used, err);
		if (rc != 0)
			return rc;
		p += used;
		len -= used;
	}
	return 0;
}

int
mv_chunker_end(struct mv_chunker *c, struct mv_err *err)
{
	size_t len = c->len, used;

	c->len = 0;
	return cut_all(c, c->buf, len, len, 1, &used, err);
}

size_t
mv_chunker_held(const struct mv_chunker *c)
{
	return c->len;
}

void
mv_chunker_free(struct mv_chunker *c)
{
	if (c == NULL)
		return;
	free(c->buf);
	free(c);
}

void
mv_chunker_freep(struct mv_chunker **c)
{
	mv_chunker_free(*c);
	*c = NULL;
}
