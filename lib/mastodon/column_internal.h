/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTODON_COLUMN_INTERNAL_H
#define MV_MASTODON_COLUMN_INTERNAL_H

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "mastodon/column_ar.h"
#include "mastodon/column_legacy.h"
#include "secret/secret.h"

/*
 * column_internal: what both column formats are made of, AES-256-GCM and
 * Ruby's base64, and sealing with given randomness, which only tests may do:
 * a nonce must never come twice under one key.
 */
#define MV_GCM_IV_BYTES 12
#define MV_GCM_TAG_BYTES 16

/*
 * A context keyed for encrypting or decrypting; NULL on failure.  libcrypto
 * keeps the key's schedule in its own memory and wipes it when freed.
 */
EVP_CIPHER_CTX *mv_gcm_new(const uint8_t *key, int encrypt);
/* Give a context another key. */
int mv_gcm_rekey(EVP_CIPHER_CTX *ctx, const uint8_t key[MV_KEY_BYTES]);
void mv_gcm_freep(EVP_CIPHER_CTX **ctx);
/* out has len bytes.  0, or -1 when libcrypto fails. */
int mv_gcm_seal(EVP_CIPHER_CTX *ctx, const uint8_t iv[MV_GCM_IV_BYTES],
    const uint8_t *in, size_t len, uint8_t *out,
    uint8_t tag[MV_GCM_TAG_BYTES]);
/* 0, or -1 when not authentic: then out holds zeros. */
int mv_gcm_open(EVP_CIPHER_CTX *ctx, const uint8_t iv[MV_GCM_IV_BYTES],
    const uint8_t *in, size_t len, const uint8_t tag[MV_GCM_TAG_BYTES],
    uint8_t *out);

/* What encoding or decoding len bytes needs at most. */
#define MV_BASE64_LEN(len) (((len) + 2) / 3 * 4)
#define MV_BASE64_ROOM(len) ((len) / 4 * 3 + 3)
/* strict_encode64: no line breaks.  Appends. */
void mv_base64_put(struct mv_buf *out, const uint8_t *p, size_t len);
/* pack('m'): a line break after 60 characters and at the end.  Appends. */
void mv_base64_put_lines(struct mv_buf *out, const uint8_t *p, size_t len);
/* strict_decode64: 0, or -1 when anything is not as it was encoded. */
int mv_base64_strict(const char *text, size_t len, uint8_t *out,
    size_t *out_len);
/* unpack('m'): skips what is foreign, ends at padding, never fails. */
size_t mv_base64_lenient(const char *text, size_t len, uint8_t *out);

/* MV_LEGACY_SALT_BYTES and MV_GCM_IV_BYTES of randomness. */
int mv_legacy_seal_with(struct mv_legacy *k, const uint8_t *plain, size_t len,
    const uint8_t *salt, const uint8_t *iv, struct mv_legacy_text *out,
    struct mv_err *err) MV_MUST_CHECK;
int mv_ar_seal_with(struct mv_ar *ar, const uint8_t *plain, size_t len,
    const struct mv_ar_how *how, const uint8_t *iv, struct mv_buf *out,
    struct mv_err *err) MV_MUST_CHECK;

/* A stored message, taken apart: what is inside points nowhere outside. */
struct mv_ar_message {
	uint8_t *p;		/* owned */
	size_t len;
	uint8_t iv[MV_GCM_IV_BYTES];
	uint8_t tag[MV_GCM_TAG_BYTES];
	char encoding[MV_AR_ENCODING_MAX + 1];	/* "" when none is named */
	int compressed;
};
int mv_ar_message_decode(const char *text, size_t len,
    struct mv_ar_message *out, struct mv_err *err) MV_MUST_CHECK;
/* Appends the message as Rails writes it. */
void mv_ar_message_encode(const struct mv_ar_message *m, struct mv_buf *out);
void mv_ar_message_clear(struct mv_ar_message *m);

#endif
