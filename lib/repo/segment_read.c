/* SPDX-License-Identifier: MIT */
#include "repo/segment_read.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "chunk/compress.h"

struct mv_opener {
	struct mv_repo *repo;	/* borrowed */
	struct mv_zstd *zstd;
	struct mv_buf stored, plain;
	struct mv_secret *key;	/* out of this wrap of `origin`, when has_key */
	struct mv_id16 origin;
	uint8_t wrap[MV_WRAP_DATA_BYTES];
	bool has_key;
};

int
mv_opener_new(struct mv_repo *r, struct mv_opener **out, struct mv_err *err)
{
	mv_auto(mv_opener_freep) struct mv_opener *o = NULL;
	int rc;

	o = calloc(1, sizeof(*o));
	if (o == NULL)
		return mv_err_set(err, MV_ENOMEM, "prepare to open segments");
	o->repo = r;
	rc = mv_secret_new(MV_KEY_BYTES, &o->key, err);
	if (rc == 0)
		rc = mv_zstd_new(0, &o->zstd, err);
	if (rc < 0)
		return rc;
	*out = mv_take(&o);
	return 0;
}

void
mv_opener_free(struct mv_opener *o)
{
	if (o == NULL)
		return;
	mv_secret_free(o->key);
	mv_zstd_free(o->zstd);
	mv_buf_clear(&o->stored);
	mv_buf_clear(&o->plain);
	free(o);
}

void
mv_opener_freep(struct mv_opener **o)
{
	mv_opener_free(*o);
	*o = NULL;
}

/* The pack's key; opening a wrap costs as much as 100 KiB of data. */
static int
pack_key(struct mv_opener *op, const struct mv_location *loc,
    struct mv_key *key, struct mv_err *err)
{
	const struct mv_epoch_secrets *s = mv_repo_epoch(op->repo, loc->epoch);
	struct mv_footer_origin o = { .id = loc->origin, .epoch = loc->epoch };
	int rc;

	/* Another pack may claim to be this one, with a key of its own. */
	if (op->has_key && memcmp(op->origin.b, loc->origin.b,
	    sizeof(loc->origin.b)) == 0 &&
	    memcmp(op->wrap, loc->wrap, sizeof(op->wrap)) == 0) {
		mv_secret_key(op->key, key);
		return 0;
	}
	if (s == NULL || (s->has & 1) == 0)
		return mv_err_set(err, MV_EAUTH,
		    "our keys do not open epoch %" PRIu32, loc->epoch);
	memcpy(o.wrap, loc->wrap, sizeof(o.wrap));
	rc = mv_wrap_open(mv_repo_id(op->repo), loc->kind, &o, &s->structure,
	    (s->has & 4) != 0 ? &s->priv : NULL, key, err);
	if (rc < 0)
		return rc;
	memcpy(mv_secret_bytes(op->key), key->b, sizeof(key->b));
	op->origin = loc->origin;
	memcpy(op->wrap, loc->wrap, sizeof(op->wrap));
	op->has_key = true;
	return 0;
}

static int
room(struct mv_buf *b, size_t len, struct mv_err *err)
{
	mv_buf_reset(b);
	if (mv_buf_reserve(b, len) < 0)
		return mv_buf_failed(b, err);
	b->len = len;
	return 0;
}

int
mv_opener_open(struct mv_opener *o, const struct mv_location *loc,
    const uint8_t *stored, struct mv_buf *raw, struct mv_segment *out,
    struct mv_err *err)
{
	mv_auto(mv_key_wipe) struct mv_key key = { 0 };
	uint8_t ad[MV_SEGMENT_AD_BYTES], nonce[MV_NONCE_BYTES];
	int rc;

	if (loc->len < MV_SEGMENT_PREFIX + MV_TAG_BYTES)
		return mv_err_set(err, MV_ECORRUPT, "segment is too short");
	rc = pack_key(o, loc, &key, err);
	if (rc == 0)
		rc = room(&o->plain, loc->len - MV_TAG_BYTES, err);
	if (rc < 0)
		return rc;
	mv_segment_nonce(loc->ordinal, nonce);
	mv_segment_ad(mv_repo_id(o->repo), loc->kind, &loc->origin,
	    loc->ordinal, ad);
	rc = mv_aead_open(&key, nonce, ad, sizeof(ad), stored, loc->len,
	    o->plain.p, err);
	if (rc == 0)
		rc = mv_segment_unpack(o->zstd, o->plain.p, o->plain.len, raw,
		    err);
	if (rc == 0)
		rc = mv_segment_decode(raw->p, raw->len, out, err);
	return rc;
}

/* The sealed bytes from one store, compared with the footer's hash. */
static int
fetch_from(struct mv_store *st, const char *name,
    const struct mv_location *loc, uint8_t *stored, struct mv_err *err)
{
	uint8_t hash[MV_HASH_BYTES];
	size_t got = 0;
	int rc;

	rc = mv_store_get(st, name, loc->offset, stored, loc->len, &got, err);
	if (rc == MV_ENOTFOUND)
		return rc;
	if (rc < 0)
		return mv_err_ctx(err, rc, "store '%s'", st->url);
	if (got == loc->len) {
		mv_sha256(stored, loc->len, hash);
		if (memcmp(hash, loc->hash, sizeof(hash)) == 0)
			return 0;
	}
	return mv_err_set(err, MV_ECORRUPT,
	    "segment %" PRIu32 " of '%s' is damaged in store '%s'",
	    loc->ordinal, name, st->url);
}

/* Remember the failure that tells most: a dead line hides what is there. */
static void
keep_worst(struct mv_err *worst, const struct mv_err *now)
{
	if (worst->code == MV_OK ||
	    (now->code != MV_ENOTFOUND && now->code != MV_ECORRUPT) ||
	    worst->code == MV_ENOTFOUND)
		*worst = *now;
}

static int
fetch_stored(struct mv_repo *r, const struct mv_location *loc,
    uint8_t *stored, struct mv_err *err)
{
	struct mv_err worst = { 0 }, own;
	char name[MV_OBJECT_NAME_MAX], text[MV_ERR_TEXT_MAX];
	size_t i;
	int rc;

	mv_object_name(loc->kind, 0, &loc->pack, &loc->pack_hash, name);
	for (i = 0; i < mv_repo_nstores(r); i++) {
		own = (struct mv_err){ 0 };
		rc = fetch_from(mv_repo_store(r, i), name, loc, stored, &own);
		if (rc == 0)
			break;
		keep_worst(&worst, &own);
		if (rc == MV_ENOMEM || rc == MV_EINTR)
			break;
	}
	mv_err_text(&worst, text, sizeof(text));
	if (i < mv_repo_nstores(r) && rc == 0) {
		if (worst.code != MV_OK)
			mv_warn("another store had what this one had not: %s",
			    text);
		return 0;
	}
	rc = worst.code == MV_ENOTFOUND ? MV_ECORRUPT : (int)worst.code;
	return mv_err_set(err, rc, "%s", text);
}

int
mv_opener_fetch(struct mv_opener *o, const struct mv_location *loc,
    struct mv_buf *raw, struct mv_segment *out, struct mv_err *err)
{
	char name[MV_OBJECT_NAME_MAX];
	int rc;

	rc = room(&o->stored, loc->len, err);
	if (rc == 0)
		rc = fetch_stored(o->repo, loc, o->stored.p, err);
	if (rc < 0)
		return rc;
	rc = mv_opener_open(o, loc, o->stored.p, raw, out, err);
	if (rc == 0)
		return 0;
	mv_object_name(loc->kind, 0, &loc->pack, &loc->pack_hash, name);
	return mv_err_ctx(err, rc, "segment %" PRIu32 " of '%s'",
	    loc->ordinal, name);
}
