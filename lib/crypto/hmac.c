/* SPDX-License-Identifier: MIT */
#include <openssl/sha.h>
#include <sodium.h>
#include <string.h>

#include "crypto/crypto.h"

/*
 * The old low-level functions, deprecated since OpenSSL 3.0, and not EVP: a
 * prepared state is copied by assignment, which allocates nothing and cannot
 * fail, where EVP_MD_CTX_copy_ex() does and can.  On messages of 2 KiB they
 * are also faster: 1670 MB/s against 1600 (and 920 with HMAC()).
 */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#define BLOCK_BYTES 64

/* Both states give the key away in effect, so they live in locked memory. */
struct mv_hmac {
	SHA256_CTX inner;
	SHA256_CTX outer;
};

static void
prepare(SHA256_CTX *ctx, const uint8_t key[MV_KEY_BYTES], uint8_t pad)
{
	uint8_t block[BLOCK_BYTES];
	size_t i;

	memset(block, pad, sizeof(block));
	for (i = 0; i < MV_KEY_BYTES; i++)
		block[i] ^= key[i];
	(void)SHA256_Init(ctx);
	(void)SHA256_Update(ctx, block, sizeof(block));
	sodium_memzero(block, sizeof(block));
}

int
mv_hmac_rekey(struct mv_hmac *h, const uint8_t key[MV_KEY_BYTES],
    struct mv_err *err)
{
	(void)err;
	prepare(&h->inner, key, 0x36);
	prepare(&h->outer, key, 0x5c);
	return 0;
}

int
mv_hmac_new(const struct mv_key *key, struct mv_hmac **out,
    struct mv_err *err)
{
	struct mv_hmac *h = sodium_malloc(sizeof(*h));
	int rc;

	if (h == NULL)
		return mv_err_set(err, MV_ENOMEM, "prepare an HMAC");
	rc = mv_hmac_rekey(h, key->b, err);
	if (rc < 0) {
		sodium_free(h);
		return rc;
	}
	*out = h;
	return 0;
}

void
mv_hmac(struct mv_hmac *h, const void *p, size_t len,
    uint8_t out[MV_HASH_BYTES])
{
	SHA256_CTX ctx = h->inner;

	(void)SHA256_Update(&ctx, p, len);
	(void)SHA256_Final(out, &ctx);
	ctx = h->outer;
	(void)SHA256_Update(&ctx, out, MV_HASH_BYTES);
	/* What stays on the stack are digests; the key's states are gone. */
	(void)SHA256_Final(out, &ctx);
}

void
mv_hmac_free(struct mv_hmac *h)
{
	sodium_free(h);
}

void
mv_hmac_freep(struct mv_hmac **h)
{
	mv_hmac_free(*h);
	*h = NULL;
}
