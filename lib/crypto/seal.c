/* SPDX-License-Identifier: MIT */
#include <sodium.h>

#include "crypto/crypto.h"

_Static_assert(crypto_box_SEALBYTES == MV_SEAL_EXTRA, "sealed box");
_Static_assert(crypto_box_PUBLICKEYBYTES == MV_PUBLIC_BYTES, "X25519");
_Static_assert(crypto_box_SECRETKEYBYTES == MV_KEY_BYTES, "X25519");

int
mv_seal_to(const uint8_t pub[MV_PUBLIC_BYTES], const uint8_t *in, size_t len,
    uint8_t *out, struct mv_err *err)
{
	/* Fails only for points that would give the secret to everybody. */
	if (crypto_box_seal(out, in, len, pub) != 0)
		return mv_err_set(err, MV_ECORRUPT,
		    "the recipient's X25519 key is none");
	return 0;
}

int
mv_seal_open(const uint8_t pub[MV_PUBLIC_BYTES], const struct mv_key *priv,
    const uint8_t *in, size_t len, uint8_t *out, struct mv_err *err)
{
	if (len < MV_SEAL_EXTRA)
		return mv_err_set(err, MV_ECORRUPT,
		    "%zu bytes are too few for a sealed box", len);
	if (crypto_box_seal_open(out, in, len, pub, priv->b) != 0) {
		sodium_memzero(out, len - MV_SEAL_EXTRA);
		return mv_err_set(err, MV_ECORRUPT,
		    "a sealed box was altered, or is for another key");
	}
	return 0;
}

void
mv_seal_keypair(uint8_t pub[MV_PUBLIC_BYTES], struct mv_key *priv)
{
	(void)crypto_box_keypair(pub, priv->b);
}

void
mv_seal_public(const struct mv_key *priv, uint8_t pub[MV_PUBLIC_BYTES])
{
	(void)crypto_scalarmult_base(pub, priv->b);
}
