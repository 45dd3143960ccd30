/* SPDX-License-Identifier: MIT */
#include "mastodon/column_ar.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "crypto/crypto.h"
#include "mastodon/column_internal.h"

#define ROUNDS 65536
/* Rails compresses what is longer, even if that makes it longer still. */
#define COMPRESS_ABOVE 140

struct keys {
	uint8_t sha256[MV_KEY_BYTES];
	uint8_t sha1[MV_KEY_BYTES];
};

struct mv_ar {
	struct keys *keys;	/* sodium_malloc */
	EVP_CIPHER_CTX *enc, *dec, *dec_sha1;
	/* Begun at the first use: their quarter of a megabyte is used again. */
	z_stream deflater, inflater;
	bool deflating, inflating;
	struct mv_sbuf deflated;
	struct mv_buf payload;	/* encrypted */
};

static int
prepare(struct mv_ar *ar, struct mv_err *err)
{
	ar->enc = mv_gcm_new(ar->keys->sha256, 1);
	ar->dec = mv_gcm_new(ar->keys->sha256, 0);
	ar->dec_sha1 = mv_gcm_new(ar->keys->sha1, 0);
	if (ar->enc == NULL || ar->dec == NULL || ar->dec_sha1 == NULL)
		return mv_err_set(err, MV_ENOMEM, "prepare a column's key");
	return 0;
}

static int
alloc(struct mv_ar **out, struct mv_err *err)
{
	struct mv_ar *ar = calloc(1, sizeof(*ar));

	if (ar != NULL)
		ar->keys = sodium_malloc(sizeof(*ar->keys));
	if (ar == NULL || ar->keys == NULL) {
		mv_ar_free(ar);
		return mv_err_set(err, MV_ENOMEM, "prepare a column's key");
	}
	*out = ar;
	return 0;
}

static int
derive(struct mv_secret *key, struct mv_secret *salt, const EVP_MD *md,
    uint8_t out[MV_KEY_BYTES], struct mv_err *err)
{
	if (mv_secret_len(key) > INT_MAX || mv_secret_len(salt) > INT_MAX ||
	    PKCS5_PBKDF2_HMAC((const char *)mv_secret_bytes(key),
	    (int)mv_secret_len(key), mv_secret_bytes(salt),
	    (int)mv_secret_len(salt), ROUNDS, md, MV_KEY_BYTES, out) != 1)
		return mv_err_set(err, MV_EIO, "libcrypto derives no key");
	return 0;
}

int
mv_ar_new(struct mv_secret *key, struct mv_secret *salt, struct mv_ar **out,
    struct mv_err *err)
{
	mv_auto(mv_ar_freep) struct mv_ar *ar = NULL;
	int rc;

	/* Mastodon does not start with either of them blank. */
	if (mv_secret_len(key) == 0 || mv_secret_len(salt) == 0)
		return mv_err_set(err, MV_EUSAGE,
		    "the key of ActiveRecord::Encryption, or its salt, is empty");
	rc = alloc(&ar, err);
	if (rc == 0)
		rc = derive(key, salt, EVP_sha256(), ar->keys->sha256, err);
	if (rc == 0)
		rc = derive(key, salt, EVP_sha1(), ar->keys->sha1, err);
	if (rc == 0)
		rc = prepare(ar, err);
	if (rc < 0)
		return rc;
	*out = mv_take(&ar);
	return 0;
}

int
mv_ar_clone(const struct mv_ar *ar, struct mv_ar **out, struct mv_err *err)
{
	mv_auto(mv_ar_freep) struct mv_ar *copy = NULL;
	int rc;

	rc = alloc(&copy, err);
	if (rc < 0)
		return rc;
	*copy->keys = *ar->keys;
	rc = prepare(copy, err);
	if (rc < 0)
		return rc;
	*out = mv_take(&copy);
	return 0;
}

void
mv_ar_free(struct mv_ar *ar)
{
	if (ar == NULL)
		return;
	mv_gcm_freep(&ar->enc);
	mv_gcm_freep(&ar->dec);
	mv_gcm_freep(&ar->dec_sha1);
	if (ar->deflating)
		(void)deflateEnd(&ar->deflater);
	if (ar->inflating)
		(void)inflateEnd(&ar->inflater);
	sodium_free(ar->keys);
	mv_sbuf_clear(&ar->deflated);
	mv_buf_clear(&ar->payload);
	free(ar);
}

void
mv_ar_freep(struct mv_ar **ar)
{
	mv_ar_free(*ar);
	*ar = NULL;
}

/*
 * zlib's memory would hold clear text after it was freed: it is wiped.  Each
 * block is preceded by its size.
 */
#define ALLOC_HEAD 16

static void *
wiped_alloc(void *arg, unsigned n, unsigned size)
{
	size_t len = (size_t)n * size;
	uint8_t *p;

	(void)arg;
	p = calloc(1, len + ALLOC_HEAD);
	if (p == NULL)
		return NULL;
	memcpy(p, &len, sizeof(len));
	return p + ALLOC_HEAD;
}

static void
wiped_free(void *arg, void *q)
{
	uint8_t *p = q;
	size_t len;

	(void)arg;
	if (p == NULL)
		return;
	p -= ALLOC_HEAD;
	memcpy(&len, p, sizeof(len));
	sodium_memzero(p, len + ALLOC_HEAD);
	free(p);
}

/* All of in into out, as Ruby's Zlib.deflate does. */
static int
deflate_all(struct mv_ar *ar, const uint8_t *in, size_t len,
    struct mv_sbuf *out, struct mv_err *err)
{
	z_stream *z = &ar->deflater;
	uint8_t *p = NULL;
	uLong bound;
	int rc;

	mv_sbuf_reset(out);
	if (!ar->deflating) {
		*z = (z_stream){ .zalloc = wiped_alloc, .zfree = wiped_free };
		if (deflateInit(z, Z_DEFAULT_COMPRESSION) != Z_OK)
			return mv_err_set(err, MV_ENOMEM, "compress a value");
		ar->deflating = true;
	}
	(void)deflateReset(z);
	bound = deflateBound(z, len);
	rc = mv_sbuf_extend(out, bound, &p, err);
	if (rc < 0)
		return rc;
	z->next_in = (z_const Bytef *)(uintptr_t)in;
	z->avail_in = (uInt)len;
	z->next_out = p;
	z->avail_out = (uInt)bound;
	if (deflate(z, Z_FINISH) != Z_STREAM_END)
		return mv_err_set(err, MV_EIO, "zlib does not compress");
	out->len = z->total_out;
	return 0;
}

static int
inflate_some(z_stream *z, struct mv_sbuf *out, struct mv_err *err)
{
	uint8_t chunk[4096];
	int rc, got;

	do {
		z->next_out = chunk;
		z->avail_out = sizeof(chunk);
		got = inflate(z, Z_NO_FLUSH);
		rc = mv_sbuf_put(out, chunk, sizeof(chunk) - z->avail_out, err);
	} while (rc == 0 && got == Z_OK && out->len <= MV_AR_PLAIN_MAX);
	sodium_memzero(chunk, sizeof(chunk));
	if (rc < 0)
		return rc;
	if (got == Z_MEM_ERROR)
		return mv_err_set(err, MV_ENOMEM, "decompress a value");
	if (got != Z_STREAM_END || z->avail_in > 0 ||
	    out->len > MV_AR_PLAIN_MAX)
		return mv_err_set(err, MV_ECORRUPT,
		    "what was decrypted does not decompress, or is longer "
		    "than %d bytes", MV_AR_PLAIN_MAX);
	return 0;
}

static int
inflate_all(struct mv_ar *ar, const uint8_t *in, size_t len,
    struct mv_sbuf *out, struct mv_err *err)
{
	z_stream *z = &ar->inflater;

	if (!ar->inflating) {
		*z = (z_stream){ .zalloc = wiped_alloc, .zfree = wiped_free };
		if (inflateInit(z) != Z_OK)
			return mv_err_set(err, MV_ENOMEM, "decompress a value");
		ar->inflating = true;
	}
	(void)inflateReset(z);
	z->next_in = (z_const Bytef *)(uintptr_t)in;
	z->avail_in = (uInt)len;
	return inflate_some(z, out, err);
}

static int
decrypt(struct mv_ar *ar, const struct mv_ar_message *m, struct mv_sbuf *out,
    struct mv_ar_how *how, struct mv_err *err)
{
	uint8_t *p;
	int rc;

	rc = mv_sbuf_extend(out, m->len, &p, err);
	if (rc < 0)
		return rc;
	if (mv_gcm_open(ar->dec, m->iv, m->p, m->len, m->tag, p) == 0)
		return 0;
	how->sha1 = true;
	if (mv_gcm_open(ar->dec_sha1, m->iv, m->p, m->len, m->tag, p) == 0)
		return 0;
	return mv_err_set(err, MV_EAUTH,
	    "the message does not decrypt with these keys");
}

int
mv_ar_open(struct mv_ar *ar, const char *text, size_t len,
    struct mv_sbuf *plain, struct mv_ar_how *how, struct mv_err *err)
{
	mv_auto(mv_ar_message_clear) struct mv_ar_message m = { 0 };
	struct mv_ar_how found = { 0 };
	struct mv_sbuf *first;
	int rc;

	mv_sbuf_reset(plain);
	mv_sbuf_reset(&ar->deflated);
	rc = mv_ar_message_decode(text, len, &m, err);
	if (rc < 0)
		return rc;
	first = m.compressed ? &ar->deflated : plain;
	rc = decrypt(ar, &m, first, &found, err);
	if (rc == 0 && m.compressed)
		rc = inflate_all(ar, first->p, first->len, plain, err);
	else if (rc == 0 && plain->len > MV_AR_PLAIN_MAX)
		rc = mv_err_set(err, MV_ECORRUPT, "longer than %d bytes",
		    MV_AR_PLAIN_MAX);
	mv_sbuf_reset(&ar->deflated);
	if (rc < 0) {
		mv_sbuf_reset(plain);
		return rc;
	}
	memcpy(found.encoding, m.encoding, sizeof(found.encoding));
	if (how != NULL)
		*how = found;
	return 0;
}

/* What is encrypted: the value, or the value compressed. */
static int
squeeze(struct mv_ar *ar, const uint8_t **p, size_t *len,
    struct mv_ar_message *m, struct mv_err *err)
{
	int rc;

	if (*len > MV_AR_PLAIN_MAX)
		return mv_err_set(err, MV_EUSAGE,
		    "a value of %zu bytes cannot be encrypted", *len);
	m->compressed = *len > COMPRESS_ABOVE;
	if (!m->compressed)
		return 0;
	rc = deflate_all(ar, *p, *len, &ar->deflated, err);
	*p = ar->deflated.p;
	*len = ar->deflated.len;
	return rc;
}

/* iv, or for deterministic encryption the one that follows from the text. */
static int
choose_iv(const struct mv_ar *ar, const struct mv_ar_how *how,
    const uint8_t *iv, const uint8_t *p, size_t len, struct mv_ar_message *m,
    struct mv_err *err)
{
	mv_auto(mv_key_wipe) struct mv_key key = { 0 };
	mv_auto(mv_hmac_freep) struct mv_hmac *h = NULL;
	uint8_t mac[MV_HASH_BYTES];
	int rc;

	if (how == NULL || !how->deterministic) {
		memcpy(m->iv, iv, sizeof(m->iv));
		return 0;
	}
	memcpy(key.b, ar->keys->sha256, sizeof(key.b));
	rc = mv_hmac_new(&key, &h, err);
	if (rc < 0)
		return rc;
	mv_hmac(h, p, len, mac);
	memcpy(m->iv, mac, sizeof(m->iv));
	return 0;
}

int
mv_ar_seal_with(struct mv_ar *ar, const uint8_t *plain, size_t len,
    const struct mv_ar_how *how, const uint8_t *iv, struct mv_buf *out,
    struct mv_err *err)
{
	struct mv_ar_message m = { 0 };
	int rc;

	mv_buf_reset(out);
	mv_buf_reset(&ar->payload);
	rc = squeeze(ar, &plain, &len, &m, err);
	if (rc == 0)
		rc = choose_iv(ar, how, iv, plain, len, &m, err);
	if (rc == 0) {
		/* One more, so that there is a place for an empty text too. */
		mv_buf_put_zero(&ar->payload, len + 1);
		rc = mv_buf_failed(&ar->payload, err);
	}
	if (rc == 0 && mv_gcm_seal(ar->enc, m.iv, plain, len, ar->payload.p,
	    m.tag) < 0)
		rc = mv_err_set(err, MV_EIO, "libcrypto does not encrypt");
	mv_sbuf_reset(&ar->deflated);
	if (rc < 0)
		return rc;
	if (how != NULL)
		memcpy(m.encoding, how->encoding, sizeof(m.encoding));
	m.p = ar->payload.p;
	m.len = len;
	mv_ar_message_encode(&m, out);
	return mv_buf_failed(out, err);
}

int
mv_ar_seal(struct mv_ar *ar, const uint8_t *plain, size_t len,
    const struct mv_ar_how *how, struct mv_buf *out, struct mv_err *err)
{
	uint8_t iv[MV_GCM_IV_BYTES];

	mv_random(iv, sizeof(iv));
	return mv_ar_seal_with(ar, plain, len, how, iv, out, err);
}
