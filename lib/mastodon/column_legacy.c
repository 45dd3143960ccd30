/* SPDX-License-Identifier: MIT */
#include "mastodon/column_legacy.h"

#include <openssl/sha.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/crypto.h"
#include "mastodon/column_internal.h"

/*
 * The old low-level SHA-1, deprecated since OpenSSL 3.0: PBKDF2 is 8,000
 * blocks a row, and EVP, with its copying of contexts, takes several times as
 * long for them as the blocks themselves do.
 */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#define ROUNDS 2000
#define OTP_SECRET_MIN 32
#define SALT_MAX 256

/* In locked memory: every one of these states gives OTP_SECRET away. */
struct derive {
	SHA_CTX inner, outer;	/* HMAC's, prepared */
	uint8_t salt[SALT_MAX];
	size_t salt_len;	/* 0: no key is remembered */
	uint8_t key[MV_KEY_BYTES];
};

struct mv_legacy {
	struct derive *d;	/* sodium_malloc */
	EVP_CIPHER_CTX *enc, *dec;
};

void
mv_legacy_text_clear(struct mv_legacy_text *t)
{
	mv_buf_clear(&t->secret);
	mv_buf_clear(&t->iv);
	mv_buf_clear(&t->salt);
}

static void
prepare(SHA_CTX *ctx, const uint8_t block[SHA_CBLOCK], uint8_t pad)
{
	uint8_t padded[SHA_CBLOCK];
	size_t i;

	for (i = 0; i < sizeof(padded); i++)
		padded[i] = block[i] ^ pad;
	(void)SHA1_Init(ctx);
	(void)SHA1_Update(ctx, padded, sizeof(padded));
	sodium_memzero(padded, sizeof(padded));
}

static void
prepare_hmac(struct derive *d, const uint8_t *key, size_t len)
{
	uint8_t block[SHA_CBLOCK] = { 0 };

	if (len > sizeof(block))
		(void)SHA1(key, len, block);
	else
		memcpy(block, key, len);
	prepare(&d->inner, block, 0x36);
	prepare(&d->outer, block, 0x5c);
	sodium_memzero(block, sizeof(block));
}

static void
put32(uint8_t *p, SHA_LONG v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static void
put_state(uint8_t *p, const SHA_CTX *ctx)
{
	put32(p, ctx->h0);
	put32(p + 4, ctx->h1);
	put32(p + 8, ctx->h2);
	put32(p + 12, ctx->h3);
	put32(p + 16, ctx->h4);
}

/* HMAC of the digest that block begins with, back into it: two blocks. */
static void
hmac_digest(const struct derive *d, SHA_CTX *ctx, uint8_t block[SHA_CBLOCK])
{
	*ctx = d->inner;
	SHA1_Transform(ctx, block);
	put_state(block, ctx);
	*ctx = d->outer;
	SHA1_Transform(ctx, block);
	put_state(block, ctx);
}

/* Block number i of PBKDF2 (RFC 8018, 5.2). */
static void
pbkdf2_block(const struct derive *d, const uint8_t *salt, size_t len,
    uint8_t i, uint8_t out[SHA_DIGEST_LENGTH])
{
	const uint8_t number[4] = { 0, 0, 0, i };
	/* A digest and SHA-1's padding after one block and that digest. */
	uint8_t block[SHA_CBLOCK] = { [SHA_DIGEST_LENGTH] = 0x80,
	    [62] = (64 + 20) * 8 >> 8, [63] = ((64 + 20) * 8) & 0xff };
	SHA_CTX ctx = d->inner;
	unsigned round, j;

	(void)SHA1_Update(&ctx, salt, len);
	(void)SHA1_Update(&ctx, number, sizeof(number));
	(void)SHA1_Final(block, &ctx);
	ctx = d->outer;
	SHA1_Transform(&ctx, block);
	put_state(block, &ctx);
	memcpy(out, block, SHA_DIGEST_LENGTH);
	for (round = 1; round < ROUNDS; round++) {
		hmac_digest(d, &ctx, block);
		for (j = 0; j < SHA_DIGEST_LENGTH; j++)
			out[j] ^= block[j];
	}
	sodium_memzero(block, sizeof(block));
	sodium_memzero(&ctx, sizeof(ctx));
}

/* The key of a salt, into the contexts; kept until another salt comes. */
static int
use_salt(struct mv_legacy *k, const uint8_t *salt, size_t len,
    struct mv_err *err)
{
	uint8_t out[2 * SHA_DIGEST_LENGTH];
	struct derive *d = k->d;

	if (d->salt_len > 0 && d->salt_len == len &&
	    memcmp(d->salt, salt, len) == 0)
		return 0;
	pbkdf2_block(d, salt, len, 1, out);
	pbkdf2_block(d, salt, len, 2, out + SHA_DIGEST_LENGTH);
	memcpy(d->key, out, sizeof(d->key));
	sodium_memzero(out, sizeof(out));
	d->salt_len = 0;
	if (mv_gcm_rekey(k->enc, d->key) < 0 || mv_gcm_rekey(k->dec, d->key) < 0)
		return mv_err_set(err, MV_EIO, "libcrypto takes no AES key");
	memcpy(d->salt, salt, len);
	d->salt_len = len;
	return 0;
}

static int
alloc(struct mv_legacy **out, struct mv_err *err)
{
	mv_auto(mv_legacy_freep) struct mv_legacy *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return mv_err_set(err, MV_ENOMEM, "prepare OTP_SECRET");
	k->d = sodium_malloc(sizeof(*k->d));
	k->enc = mv_gcm_new(NULL, 1);
	k->dec = mv_gcm_new(NULL, 0);
	if (k->d == NULL || k->enc == NULL || k->dec == NULL)
		return mv_err_set(err, MV_ENOMEM, "prepare OTP_SECRET");
	memset(k->d, 0, sizeof(*k->d));
	*out = mv_take(&k);
	return 0;
}

int
mv_legacy_new(struct mv_secret *otp_secret, struct mv_legacy **out,
    struct mv_err *err)
{
	struct mv_legacy *k = NULL;
	int rc;

	if (mv_secret_len(otp_secret) < OTP_SECRET_MIN)
		return mv_err_set(err, MV_EUSAGE,
		    "OTP_SECRET is shorter than %d bytes", OTP_SECRET_MIN);
	rc = alloc(&k, err);
	if (rc < 0)
		return rc;
	prepare_hmac(k->d, mv_secret_bytes(otp_secret),
	    mv_secret_len(otp_secret));
	*out = k;
	return 0;
}

int
mv_legacy_clone(const struct mv_legacy *k, struct mv_legacy **out,
    struct mv_err *err)
{
	struct mv_legacy *copy = NULL;
	int rc;

	rc = alloc(&copy, err);
	if (rc < 0)
		return rc;
	copy->d->inner = k->d->inner;
	copy->d->outer = k->d->outer;
	*out = copy;
	return 0;
}

void
mv_legacy_free(struct mv_legacy *k)
{
	if (k == NULL)
		return;
	mv_gcm_freep(&k->enc);
	mv_gcm_freep(&k->dec);
	sodium_free(k->d);
	free(k);
}

void
mv_legacy_freep(struct mv_legacy **k)
{
	mv_legacy_free(*k);
	*k = NULL;
}

static int
malformed(const char *what, struct mv_err *err)
{
	return mv_err_set(err, MV_ECORRUPT, "malformed 'encrypted_otp_secret%s'",
	    what);
}

/*
 * Without the '_' attr_encrypted, which wrote the row, takes the salt as it
 * stands.
 */
static int
decode_salt(const struct mv_legacy_row *row, uint8_t out[SALT_MAX],
    size_t *len, struct mv_err *err)
{
	if (row->salt_len == 0 || row->salt_len > SALT_MAX)
		return malformed("_salt", err);
	if (row->salt[0] == '_') {
		*len = mv_base64_lenient(row->salt + 1, row->salt_len - 1, out);
	} else {
		memcpy(out, row->salt, row->salt_len);
		*len = row->salt_len;
	}
	return *len > 0 ? 0 : malformed("_salt", err);
}

int
mv_legacy_open(struct mv_legacy *k, const struct mv_legacy_row *row,
    struct mv_sbuf *plain, struct mv_err *err)
{
	uint8_t blob[MV_BASE64_ROOM(2 * MV_LEGACY_PLAIN_MAX)];
	uint8_t iv[MV_BASE64_ROOM(64)], salt[SALT_MAX], *out;
	size_t len, salt_len;
	int rc;

	mv_sbuf_reset(plain);
	if (row->secret_len > 2 * MV_LEGACY_PLAIN_MAX)
		return malformed("", err);
	len = mv_base64_lenient(row->secret, row->secret_len, blob);
	if (len <= MV_GCM_TAG_BYTES ||
	    len - MV_GCM_TAG_BYTES > MV_LEGACY_PLAIN_MAX)
		return malformed("", err);
	len -= MV_GCM_TAG_BYTES;
	if (row->iv_len > 64 ||
	    mv_base64_lenient(row->iv, row->iv_len, iv) != MV_GCM_IV_BYTES)
		return malformed("_iv", err);
	rc = decode_salt(row, salt, &salt_len, err);
	if (rc == 0)
		rc = use_salt(k, salt, salt_len, err);
	if (rc == 0)
		rc = mv_sbuf_extend(plain, len, &out, err);
	if (rc < 0)
		return rc;
	if (mv_gcm_open(k->dec, iv, blob, len, blob + len, out) == 0)
		return 0;
	mv_sbuf_reset(plain);
	return mv_err_set(err, MV_EAUTH,
	    "'encrypted_otp_secret' does not decrypt with this OTP_SECRET");
}

int
mv_legacy_seal_with(struct mv_legacy *k, const uint8_t *plain, size_t len,
    const uint8_t *salt, const uint8_t *iv, struct mv_legacy_text *out,
    struct mv_err *err)
{
	uint8_t blob[MV_LEGACY_PLAIN_MAX + MV_GCM_TAG_BYTES];
	int rc;

	mv_buf_reset(&out->secret);
	mv_buf_reset(&out->iv);
	mv_buf_reset(&out->salt);
	if (len == 0 || len > MV_LEGACY_PLAIN_MAX)
		return mv_err_set(err, MV_EUSAGE,
		    "an OTP secret of %zu bytes cannot be stored", len);
	rc = use_salt(k, salt, MV_LEGACY_SALT_BYTES, err);
	if (rc < 0)
		return rc;
	if (mv_gcm_seal(k->enc, iv, plain, len, blob, blob + len) < 0)
		return mv_err_set(err, MV_EIO, "libcrypto does not encrypt");
	mv_base64_put_lines(&out->secret, blob, len + MV_GCM_TAG_BYTES);
	mv_base64_put_lines(&out->iv, iv, MV_GCM_IV_BYTES);
	mv_buf_put_u8(&out->salt, '_');
	mv_base64_put_lines(&out->salt, salt, MV_LEGACY_SALT_BYTES);
	rc = mv_buf_failed(&out->secret, err);
	if (rc == 0)
		rc = mv_buf_failed(&out->iv, err);
	return rc == 0 ? mv_buf_failed(&out->salt, err) : rc;
}

int
mv_legacy_seal(struct mv_legacy *k, const uint8_t *plain, size_t len,
    struct mv_legacy_text *out, struct mv_err *err)
{
	uint8_t salt[MV_LEGACY_SALT_BYTES], iv[MV_GCM_IV_BYTES];

	mv_random(salt, sizeof(salt));
	mv_random(iv, sizeof(iv));
	return mv_legacy_seal_with(k, plain, len, salt, iv, out, err);
}
