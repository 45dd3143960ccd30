/* SPDX-License-Identifier: MIT */
/*
 * footer: the list at a pack's end of what is in it (docs/format.md, 5.3).
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/pack.h"
#include "format/segment.h"

/* id, epoch, writer, seq, n, signature: what any origin has at least. */
#define ORIGIN_MIN (16 + 4 + 4 + 8 + 1 + MV_WRAP_NODE_BYTES + MV_SIGN_BYTES)
#define ABSENT_BYTES (1 + MV_HASH_BYTES)
/* A seal holds at least the prefix and a chunk of one byte. */
#define SEALED_MIN (MV_SEGMENT_PREFIX + 1 + MV_TAG_BYTES)
#define SEALED_MAX (MV_SEGMENT_PREFIX + MV_SEGMENT_RAW_MAX + MV_TAG_BYTES)

static void
origin_clear(struct mv_footer_origin *o)
{
	size_t i;

	for (i = 0; i < o->nsegs; i++)
		free(o->segs[i].ids);
	free(o->segs);
}

void
mv_footer_clear(struct mv_footer *f)
{
	size_t i;

	for (i = 0; i < f->norigins; i++)
		origin_clear(&f->origins[i]);
	free(f->origins);
	*f = (struct mv_footer){ 0 };
}

/* What the writer signs of a segment; where it lies is not part of that. */
static int
segment_digest(struct mv_footer_segment *s, size_t ordinal,
    struct mv_buf *scratch, struct mv_err *err)
{
	int rc;

	if (!s->present)
		return 0;
	mv_buf_reset(scratch);
	mv_buf_put_str(scratch, "segment");
	mv_buf_put_u32(scratch, (uint32_t)ordinal);
	mv_buf_put_u32(scratch, s->len);
	mv_buf_put(scratch, s->hash, sizeof(s->hash));
	mv_buf_put_varint(scratch, s->nids);
	mv_buf_put(scratch, s->ids, s->nids * sizeof(s->ids[0]));
	rc = mv_buf_failed(scratch, err);
	if (rc < 0)
		return rc;
	mv_sha256(scratch->p, scratch->len, s->digest);
	return 0;
}

static int
origin_digests(struct mv_footer_origin *o, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf scratch = { 0 };
	size_t i;
	int rc;

	for (i = 0; i < o->nsegs; i++) {
		rc = segment_digest(&o->segs[i], i, &scratch, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void
encode_segment(const struct mv_footer_segment *s, struct mv_buf *out)
{
	mv_buf_put_u8(out, s->present);
	if (!s->present) {
		mv_buf_put(out, s->digest, sizeof(s->digest));
		return;
	}
	mv_buf_put_u32(out, s->offset);
	mv_buf_put_u32(out, s->len);
	mv_buf_put(out, s->hash, sizeof(s->hash));
	mv_buf_put_varint(out, s->nids);
	mv_buf_put(out, s->ids, s->nids * sizeof(s->ids[0]));
}

static int
encode_origin(enum mv_kind kind, struct mv_footer_origin *o,
    struct mv_buf *out, struct mv_err *err)
{
	size_t i;
	int rc;

	if (o->nsegs < 1 || o->nsegs > MV_PACK_SEGMENTS_MAX)
		return mv_err_set(err, MV_EUSAGE, "pack of %zu segments",
		    o->nsegs);
	rc = origin_digests(o, err);
	if (rc < 0)
		return rc;
	mv_buf_put(out, o->id.b, sizeof(o->id.b));
	mv_buf_put_u32(out, o->epoch);
	mv_buf_put_u32(out, o->writer);
	mv_buf_put_u64(out, o->seq);
	mv_buf_put_varint(out, o->nsegs);
	mv_buf_put(out, o->wrap, mv_wrap_bytes(kind));
	mv_buf_put(out, o->sig, sizeof(o->sig));
	for (i = 0; i < o->nsegs; i++)
		encode_segment(&o->segs[i], out);
	return 0;
}

int
mv_footer_encode(struct mv_footer *f, struct mv_buf *out, struct mv_err *err)
{
	size_t i;
	int rc;

	mv_buf_put_varint(out, f->norigins);
	for (i = 0; i < f->norigins; i++) {
		rc = encode_origin(f->kind, &f->origins[i], out, err);
		if (rc < 0)
			return rc;
	}
	mv_buf_put(out, f->fill_hash, sizeof(f->fill_hash));
	return mv_buf_failed(out, err);
}

static int
malformed(struct mv_err *err)
{
	return mv_err_set(err, MV_ECORRUPT, "malformed footer");
}

static int
decode_ids(struct mv_cur *c, struct mv_footer_segment *s, struct mv_err *err)
{
	uint64_t n = mv_cur_varint(c);

	if (c->failed || n < 1 || n > MV_SEGMENT_CHUNKS_MAX ||
	    n * sizeof(s->ids[0]) > c->left)
		return malformed(err);
	s->ids = calloc((size_t)n, sizeof(s->ids[0]));
	if (s->ids == NULL)
		return mv_err_set(err, MV_ENOMEM, "footer");
	s->nids = (size_t)n;
	mv_cur_copy(c, s->ids, s->nids * sizeof(s->ids[0]));
	return 0;
}

static int
decode_segment(struct mv_cur *c, uint64_t pack_size,
    struct mv_footer_segment *s, struct mv_err *err)
{
	uint8_t present = mv_cur_u8(c);

	if (c->failed || present > 1)
		return malformed(err);
	s->present = present;
	if (!present) {
		mv_cur_copy(c, s->digest, sizeof(s->digest));
		return c->failed ? malformed(err) : 0;
	}
	s->offset = mv_cur_u32(c);
	s->len = mv_cur_u32(c);
	mv_cur_copy(c, s->hash, sizeof(s->hash));
	if (c->failed || s->offset < MV_PACK_START || s->len < SEALED_MIN ||
	    s->len > SEALED_MAX ||
	    (uint64_t)s->offset + s->len + MV_TRAILER_BYTES > pack_size)
		return malformed(err);
	return decode_ids(c, s, err);
}

static int
decode_origin(enum mv_kind kind, uint64_t pack_size, struct mv_cur *c,
    struct mv_footer_origin *o, struct mv_err *err)
{
	uint64_t n;
	size_t i;
	int rc;

	mv_cur_copy(c, o->id.b, sizeof(o->id.b));
	o->epoch = mv_cur_u32(c);
	o->writer = mv_cur_u32(c);
	o->seq = mv_cur_u64(c);
	n = mv_cur_varint(c);
	mv_cur_copy(c, o->wrap, mv_wrap_bytes(kind));
	mv_cur_copy(c, o->sig, sizeof(o->sig));
	if (c->failed || n < 1 || n > MV_PACK_SEGMENTS_MAX ||
	    n * ABSENT_BYTES > c->left)
		return malformed(err);
	o->segs = calloc((size_t)n, sizeof(*o->segs));
	if (o->segs == NULL)
		return mv_err_set(err, MV_ENOMEM, "footer");
	o->nsegs = (size_t)n;
	for (i = 0; i < o->nsegs; i++) {
		rc = decode_segment(c, pack_size, &o->segs[i], err);
		if (rc < 0)
			return rc;
	}
	return origin_digests(o, err);
}

static int
decode(struct mv_cur *c, uint64_t pack_size, struct mv_footer *f,
    struct mv_err *err)
{
	uint64_t n = mv_cur_varint(c);
	size_t i;
	int rc;

	if (c->failed || n < 1 || n > c->left / ORIGIN_MIN)
		return malformed(err);
	f->origins = calloc((size_t)n, sizeof(*f->origins));
	if (f->origins == NULL)
		return mv_err_set(err, MV_ENOMEM, "footer");
	f->norigins = (size_t)n;
	for (i = 0; i < f->norigins; i++) {
		rc = decode_origin(f->kind, pack_size, c, &f->origins[i], err);
		if (rc < 0)
			return rc;
		if (i > 0 && memcmp(f->origins[i - 1].id.b,
		    f->origins[i].id.b, sizeof(f->origins[i].id.b)) >= 0)
			return malformed(err);
	}
	mv_cur_copy(c, f->fill_hash, sizeof(f->fill_hash));
	return mv_cur_done(c) ? 0 : malformed(err);
}

int
mv_footer_decode(enum mv_kind kind, uint64_t pack_size, const uint8_t *p,
    size_t len, struct mv_footer *out, struct mv_err *err)
{
	mv_auto(mv_footer_clear) struct mv_footer f = { .kind = kind };
	struct mv_cur c = mv_cur_of(p, len);
	int rc;

	rc = decode(&c, pack_size, &f, err);
	if (rc < 0)
		return rc;
	*out = f;
	f = (struct mv_footer){ 0 };
	return 0;
}

/* What the writer signs; the digests must be there. */
static int
signed_bytes(const struct mv_id16 *repo, enum mv_kind kind,
    const struct mv_footer_origin *o, struct mv_buf *out, struct mv_err *err)
{
	mv_auto(mv_sha256_clear) struct mv_sha256 all = { 0 };
	uint8_t hash[MV_HASH_BYTES];
	size_t i;
	int rc;

	rc = mv_sha256_begin(&all, err);
	if (rc < 0)
		return rc;
	mv_buf_put(out, repo->b, sizeof(repo->b));
	mv_buf_put_u8(out, (uint8_t)kind);
	mv_buf_put(out, o->id.b, sizeof(o->id.b));
	mv_buf_put_u32(out, o->epoch);
	mv_buf_put_u32(out, o->writer);
	mv_buf_put_u64(out, o->seq);
	mv_sha256(o->wrap, mv_wrap_bytes(kind), hash);
	mv_buf_put(out, hash, sizeof(hash));
	mv_buf_put_u32(out, (uint32_t)o->nsegs);
	for (i = 0; i < o->nsegs; i++)
		mv_sha256_add(&all, o->segs[i].digest, MV_HASH_BYTES);
	mv_sha256_end(&all, hash);
	mv_buf_put(out, hash, sizeof(hash));
	return mv_buf_failed(out, err);
}

int
mv_origin_sign(const struct mv_id16 *repo, enum mv_kind kind,
    const struct mv_key *seed, struct mv_footer_origin *o, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf m = { 0 };
	int rc;

	rc = origin_digests(o, err);
	if (rc == 0)
		rc = signed_bytes(repo, kind, o, &m, err);
	if (rc < 0)
		return rc;
	return mv_sign(seed, "mastvault 1 origin", m.p, m.len, o->sig, err);
}

int
mv_origin_verify(const struct mv_id16 *repo, enum mv_kind kind,
    const uint8_t pub[MV_PUBLIC_BYTES], const struct mv_footer_origin *o,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf m = { 0 };
	int rc;

	rc = signed_bytes(repo, kind, o, &m, err);
	if (rc < 0)
		return rc;
	rc = mv_verify(pub, "mastvault 1 origin", m.p, m.len, o->sig, err);
	return mv_err_ctx(err, rc, "a pack's signature by writer %u",
	    o->writer);
}
