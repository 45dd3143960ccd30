/* SPDX-License-Identifier: MIT */
#include <sodium.h>

#include "crypto/crypto.h"

#define AEAD(x) crypto_aead_xchacha20poly1305_ietf_##x

_Static_assert(AEAD(KEYBYTES) == MV_KEY_BYTES, "key");
_Static_assert(AEAD(NPUBBYTES) == MV_NONCE_BYTES, "nonce");
_Static_assert(AEAD(ABYTES) == MV_TAG_BYTES, "tag");

void
mv_random(void *out, size_t len)
{
	randombytes_buf(out, len);
}

void
mv_aead_seal(const struct mv_key *key, const uint8_t nonce[MV_NONCE_BYTES],
    const void *ad, size_t adlen, const uint8_t *in, size_t len, uint8_t *out)
{
	(void)AEAD(encrypt)(out, NULL, in, len, ad, adlen, NULL, nonce,
	    key->b);
}

int
mv_aead_open(const struct mv_key *key, const uint8_t nonce[MV_NONCE_BYTES],
    const void *ad, size_t adlen, const uint8_t *in, size_t len, uint8_t *out,
    struct mv_err *err)
{
	if (len < MV_TAG_BYTES)
		return mv_err_set(err, MV_ECORRUPT,
		    "%zu bytes are too few to be sealed", len);
	/* libsodium zeroes out when the tag does not fit. */
	if (AEAD(decrypt)(out, NULL, NULL, in, len, ad, adlen, nonce,
	    key->b) != 0)
		return mv_err_set(err, MV_ECORRUPT,
		    "what was sealed was altered, or by another key");
	return 0;
}

void
mv_box_seal(const struct mv_key *key, const void *ad, size_t adlen,
    const uint8_t *in, size_t len, uint8_t *out)
{
	mv_random(out, MV_NONCE_BYTES);
	mv_aead_seal(key, out, ad, adlen, in, len, out + MV_NONCE_BYTES);
}

int
mv_box_open(const struct mv_key *key, const void *ad, size_t adlen,
    const uint8_t *in, size_t len, uint8_t *out, struct mv_err *err)
{
	if (len < MV_BOX_EXTRA)
		return mv_err_set(err, MV_ECORRUPT,
		    "%zu bytes are too few to be sealed", len);
	return mv_aead_open(key, in, ad, adlen, in + MV_NONCE_BYTES,
	    len - MV_NONCE_BYTES, out, err);
}
