/* SPDX-License-Identifier: MIT */
#include <openssl/sha.h>
#include <sodium.h>
#include <stdlib.h>

#include "crypto/crypto.h"

/*
 * OpenSSL uses the processor's SHA instructions, which libsodium does not.
 * Its old functions are taken on purpose: see hmac.c.
 */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

void
mv_sha256(const void *p, size_t len, uint8_t out[MV_HASH_BYTES])
{
	SHA256_CTX ctx;

	(void)SHA256_Init(&ctx);
	(void)SHA256_Update(&ctx, p, len);
	(void)SHA256_Final(out, &ctx);
}

int
mv_sha256_begin(struct mv_sha256 *h, struct mv_err *err)
{
	SHA256_CTX *ctx = malloc(sizeof(*ctx));

	if (ctx == NULL)
		return mv_err_set(err, MV_ENOMEM, "start a SHA-256");
	(void)SHA256_Init(ctx);
	h->ctx = ctx;
	return 0;
}

void
mv_sha256_add(struct mv_sha256 *h, const void *p, size_t len)
{
	(void)SHA256_Update(h->ctx, p, len);
}

void
mv_sha256_end(struct mv_sha256 *h, uint8_t out[MV_HASH_BYTES])
{
	(void)SHA256_Final(out, h->ctx);
	mv_sha256_clear(h);
}

void
mv_sha256_clear(struct mv_sha256 *h)
{
	if (h->ctx != NULL)
		sodium_memzero(h->ctx, sizeof(SHA256_CTX));
	free(h->ctx);
	h->ctx = NULL;
}
