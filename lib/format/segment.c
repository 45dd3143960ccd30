/* SPDX-License-Identifier: MIT */
#include "format/segment.h"

#include <stdlib.h>
#include <string.h>

/* The two low bits of a chunk's varint: docs/format.md, 5.2. */
enum chunk_type { TYPE_PLAIN = 0, TYPE_FILE = 1, TYPE_SAME_FILE = 2 };
#define TYPE_BITS 2

/* The one type that encodes chunk i: a repeated F is never written twice. */
static enum chunk_type
type_of(const struct mv_segment_chunk *chunks, size_t i)
{
	if (!chunks[i].media)
		return TYPE_PLAIN;
	if (i > 0 && chunks[i - 1].media && memcmp(chunks[i - 1].file_key,
	    chunks[i].file_key, sizeof(chunks[i].file_key)) == 0)
		return TYPE_SAME_FILE;
	return TYPE_FILE;
}

int
mv_segment_encode(const struct mv_segment_chunk *chunks, size_t n,
    const uint8_t *data, size_t len, struct mv_buf *raw, struct mv_err *err)
{
	enum chunk_type t;
	size_t i, sum = 0;

	if (n < 1 || n > MV_SEGMENT_CHUNKS_MAX || len > MV_SEGMENT_DATA_MAX)
		return mv_err_set(err, MV_EUSAGE,
		    "segment of %zu chunks and %zu bytes", n, len);
	mv_buf_put_varint(raw, n);
	for (i = 0; i < n; i++) {
		t = type_of(chunks, i);
		mv_buf_put_varint(raw,
		    (uint64_t)chunks[i].len << TYPE_BITS | t);
		if (t == TYPE_FILE)
			mv_buf_put(raw, chunks[i].file_key,
			    sizeof(chunks[i].file_key));
		if (chunks[i].len < 1 || chunks[i].len > len - sum)
			return mv_err_set(err, MV_EUSAGE,
			    "segment's chunk %zu has %u bytes", i,
			    chunks[i].len);
		sum += chunks[i].len;
	}
	if (sum != len)
		return mv_err_set(err, MV_EUSAGE,
		    "segment's chunks have %zu of %zu bytes", sum, len);
	mv_buf_put(raw, data, len);
	return mv_buf_failed(raw, err);
}

/* One chunk's entry; false when it is malformed. */
static bool
decode_entry(struct mv_cur *c, struct mv_segment_chunk *chunks, size_t i)
{
	struct mv_segment_chunk *chunk = &chunks[i];
	uint64_t v = mv_cur_varint(c);
	uint64_t len = v >> TYPE_BITS;
	unsigned t = v & ((1u << TYPE_BITS) - 1);

	if (c->failed || len < 1 || len > MV_CHUNK_MAX)
		return false;
	chunk->len = (uint32_t)len;
	chunk->media = t != TYPE_PLAIN;
	if (t == TYPE_FILE)
		mv_cur_copy(c, chunk->file_key, sizeof(chunk->file_key));
	else if (t == TYPE_SAME_FILE && i > 0)
		memcpy(chunk->file_key, chunks[i - 1].file_key,
		    sizeof(chunk->file_key));
	return !c->failed && type_of(chunks, i) == t;
}

static const char *
decode(const uint8_t *raw, size_t len, struct mv_segment *s)
{
	struct mv_cur c = mv_cur_of(raw, len);
	size_t i, at, sum = 0;

	(void)mv_cur_varint(&c);
	for (i = 0; i < s->n; i++) {
		if (!decode_entry(&c, s->chunks, i))
			return "malformed list of chunks";
		sum += s->chunks[i].len;
		if (sum > MV_SEGMENT_DATA_MAX)
			return "too long";
	}
	if (sum != c.left)
		return "its chunks do not add up to its length";
	at = len - sum;
	for (i = 0; i < s->n; i++) {
		s->chunks[i].offset = (uint32_t)at;
		at += s->chunks[i].len;
	}
	return NULL;
}

int
mv_segment_decode(const uint8_t *raw, size_t len, struct mv_segment *out,
    struct mv_err *err)
{
	struct mv_cur c = mv_cur_of(raw, len);
	struct mv_segment s = { 0 };
	const char *bad;
	uint64_t n;

	n = mv_cur_varint(&c);
	if (len > MV_SEGMENT_RAW_MAX || c.failed || n < 1 ||
	    n > MV_SEGMENT_CHUNKS_MAX || n > c.left)
		return mv_err_set(err, MV_ECORRUPT,
		    "segment: impossible length or number of chunks");
	s.n = (size_t)n;
	s.chunks = calloc(s.n, sizeof(*s.chunks));
	if (s.chunks == NULL)
		return mv_err_set(err, MV_ENOMEM, "segment of %zu chunks",
		    s.n);
	bad = decode(raw, len, &s);
	if (bad != NULL) {
		mv_segment_clear(&s);
		return mv_err_set(err, MV_ECORRUPT, "segment: %s", bad);
	}
	*out = s;
	return 0;
}

void
mv_segment_clear(struct mv_segment *s)
{
	free(s->chunks);
	*s = (struct mv_segment){ 0 };
}

void
mv_segment_nonce(uint32_t ordinal, uint8_t out[MV_NONCE_BYTES])
{
	size_t i;

	memset(out, 0, MV_NONCE_BYTES);
	for (i = 0; i < sizeof(ordinal); i++)
		out[i] = (uint8_t)(ordinal >> (8 * i));
}

void
mv_segment_ad(const struct mv_id16 *repo, enum mv_kind kind,
    const struct mv_id16 *origin, uint32_t ordinal,
    uint8_t out[MV_SEGMENT_AD_BYTES])
{
	size_t i;

	memcpy(out, "segment", 7);
	memcpy(out + 7, repo->b, 16);
	out[23] = (uint8_t)kind;
	memcpy(out + 24, origin->b, 16);
	for (i = 0; i < sizeof(ordinal); i++)
		out[40 + i] = (uint8_t)(ordinal >> (8 * i));
}
