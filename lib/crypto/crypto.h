/* SPDX-License-Identifier: MIT */
#ifndef MV_CRYPTO_CRYPTO_H
#define MV_CRYPTO_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "secret/secret.h"

/*
 * crypto: the primitives of docs/format.md, section 1, under its names.
 *
 * Nothing here knows what it seals.  Opening returns MV_ECORRUPT when the
 * bytes are not authentic, and then leaves zeros in the output.  Inputs and
 * outputs may not overlap unless said.
 */
#define MV_HASH_BYTES 32
#define MV_TAG_BYTES 16
#define MV_NONCE_BYTES 24
#define MV_BOX_EXTRA (MV_NONCE_BYTES + MV_TAG_BYTES)
#define MV_SEAL_EXTRA 48
#define MV_SIGN_BYTES 64
#define MV_PUBLIC_BYTES 32

/* SHA-256 (FIPS 180-4). */
void mv_sha256(const void *p, size_t len, uint8_t out[MV_HASH_BYTES]);

struct mv_sha256 {
	void *ctx;
};
int mv_sha256_begin(struct mv_sha256 *h, struct mv_err *err) MV_MUST_CHECK;
void mv_sha256_add(struct mv_sha256 *h, const void *p, size_t len);
void mv_sha256_end(struct mv_sha256 *h, uint8_t out[MV_HASH_BYTES]);
void mv_sha256_clear(struct mv_sha256 *h);

/*
 * HMAC-SHA-256 (RFC 2104) with a key that is prepared once: copying the
 * prepared state costs two blocks less per message, which counts for chunks
 * of 2 KiB.  One mv_hmac serves one thread at a time.
 */
struct mv_hmac;
int mv_hmac_new(const struct mv_key *key, struct mv_hmac **out,
    struct mv_err *err) MV_MUST_CHECK;
/* Give an existing object another key. */
int mv_hmac_rekey(struct mv_hmac *h, const uint8_t key[MV_KEY_BYTES],
    struct mv_err *err) MV_MUST_CHECK;
void mv_hmac(struct mv_hmac *h, const void *p, size_t len,
    uint8_t out[MV_HASH_BYTES]);
void mv_hmac_free(struct mv_hmac *h);
void mv_hmac_freep(struct mv_hmac **h);

/* BLAKE2b (RFC 7693) keyed with secret, over the ASCII label. */
void mv_kdf(const struct mv_key *secret, const char *label,
    struct mv_key *out);

void mv_random(void *out, size_t len);

/*
 * XChaCha20-Poly1305.  out has len + MV_TAG_BYTES bytes for sealing and len -
 * MV_TAG_BYTES for opening; out may equal in.
 */
void mv_aead_seal(const struct mv_key *key,
    const uint8_t nonce[MV_NONCE_BYTES], const void *ad, size_t adlen,
    const uint8_t *in, size_t len, uint8_t *out);
int mv_aead_open(const struct mv_key *key,
    const uint8_t nonce[MV_NONCE_BYTES], const void *ad, size_t adlen,
    const uint8_t *in, size_t len, uint8_t *out, struct mv_err *err)
    MV_MUST_CHECK;

/* The same with a random nonce in front: out has len + MV_BOX_EXTRA bytes. */
void mv_box_seal(const struct mv_key *key, const void *ad, size_t adlen,
    const uint8_t *in, size_t len, uint8_t *out);
/* out has len - MV_BOX_EXTRA bytes. */
int mv_box_open(const struct mv_key *key, const void *ad, size_t adlen,
    const uint8_t *in, size_t len, uint8_t *out, struct mv_err *err)
    MV_MUST_CHECK;

/* libsodium's sealed box to an X25519 public key: len + MV_SEAL_EXTRA. */
int mv_seal_to(const uint8_t pub[MV_PUBLIC_BYTES], const uint8_t *in,
    size_t len, uint8_t *out, struct mv_err *err) MV_MUST_CHECK;
int mv_seal_open(const uint8_t pub[MV_PUBLIC_BYTES], const struct mv_key *priv,
    const uint8_t *in, size_t len, uint8_t *out, struct mv_err *err)
    MV_MUST_CHECK;
void mv_seal_keypair(uint8_t pub[MV_PUBLIC_BYTES], struct mv_key *priv);
void mv_seal_public(const struct mv_key *priv, uint8_t pub[MV_PUBLIC_BYTES]);

/* Ed25519 (RFC 8032) over label || 0x00 || m; keys are 32-byte seeds. */
void mv_sign_public(const struct mv_key *seed, uint8_t pub[MV_PUBLIC_BYTES]);
int mv_sign(const struct mv_key *seed, const char *label, const void *m,
    size_t len, uint8_t sig[MV_SIGN_BYTES], struct mv_err *err) MV_MUST_CHECK;
/* MV_ECORRUPT when it is not that key's signature. */
int mv_verify(const uint8_t pub[MV_PUBLIC_BYTES], const char *label,
    const void *m, size_t len, const uint8_t sig[MV_SIGN_BYTES],
    struct mv_err *err) MV_MUST_CHECK;

/* Argon2id (RFC 9106), one lane. */
int mv_argon2id(const void *pass, size_t passlen, const uint8_t salt[16],
    uint32_t passes, uint32_t mem_kib, struct mv_key *out, struct mv_err *err)
    MV_MUST_CHECK;

/* Constant time; true when equal. */
int mv_equal(const void *a, const void *b, size_t len);

#endif
