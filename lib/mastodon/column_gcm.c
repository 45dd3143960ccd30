/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <openssl/err.h>
#include <sodium.h>
#include <string.h>

#include "base/cleanup.h"
#include "mastodon/column_internal.h"

EVP_CIPHER_CTX *
mv_gcm_new(const uint8_t *key, int encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx != NULL && EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key,
	    NULL, encrypt) != 1)
		mv_gcm_freep(&ctx);
	return ctx;
}

int
mv_gcm_rekey(EVP_CIPHER_CTX *ctx, const uint8_t key[MV_KEY_BYTES])
{
	return EVP_CipherInit_ex(ctx, NULL, NULL, key, NULL, -1) == 1 ? 0 : -1;
}

void
mv_gcm_freep(EVP_CIPHER_CTX **ctx)
{
	EVP_CIPHER_CTX_free(*ctx);
	*ctx = NULL;
}

int
mv_gcm_seal(EVP_CIPHER_CTX *ctx, const uint8_t iv[MV_GCM_IV_BYTES],
    const uint8_t *in, size_t len, uint8_t *out, uint8_t tag[MV_GCM_TAG_BYTES])
{
	int n = 0;

	/* An update of no bytes with no buffer would mean something else. */
	if (len > INT_MAX ||
	    EVP_CipherInit_ex(ctx, NULL, NULL, NULL, iv, 1) != 1 ||
	    (len > 0 && EVP_CipherUpdate(ctx, out, &n, in, (int)len) != 1) ||
	    EVP_CipherFinal_ex(ctx, out + n, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, MV_GCM_TAG_BYTES,
	    tag) != 1)
		return -1;
	return 0;
}

int
mv_gcm_open(EVP_CIPHER_CTX *ctx, const uint8_t iv[MV_GCM_IV_BYTES],
    const uint8_t *in, size_t len, const uint8_t tag[MV_GCM_TAG_BYTES],
    uint8_t *out)
{
	uint8_t copy[MV_GCM_TAG_BYTES];
	int n = 0;

	/* The call takes a pointer to what it does not change. */
	memcpy(copy, tag, sizeof(copy));
	if (len <= INT_MAX &&
	    EVP_CipherInit_ex(ctx, NULL, NULL, NULL, iv, 0) == 1 &&
	    (len == 0 || EVP_CipherUpdate(ctx, out, &n, in, (int)len) == 1) &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, sizeof(copy),
	    copy) == 1 &&
	    EVP_CipherFinal_ex(ctx, out + n, &n) == 1)
		return 0;
	/* libpq, too, looks at this thread's queue. */
	ERR_clear_error();
	sodium_memzero(out, len);
	return -1;
}
