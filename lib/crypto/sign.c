/* SPDX-License-Identifier: MIT */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/crypto.h"

_Static_assert(crypto_sign_SEEDBYTES == MV_KEY_BYTES, "seed");
_Static_assert(crypto_sign_PUBLICKEYBYTES == MV_PUBLIC_BYTES, "Ed25519");
_Static_assert(crypto_sign_BYTES == MV_SIGN_BYTES, "signature");

/* libsodium's form of a private key: seed and public key. */
struct pair {
	uint8_t priv[crypto_sign_SECRETKEYBYTES];
	uint8_t pub[MV_PUBLIC_BYTES];
};

static void
pair_wipe(struct pair *p)
{
	sodium_memzero(p, sizeof(*p));
}

/* label || 0x00 || m; Ed25519 wants its message in one piece. */
static int
labelled(const char *label, const void *m, size_t len, uint8_t **out,
    size_t *outlen, struct mv_err *err)
{
	size_t n = strlen(label) + 1;
	uint8_t *p;

	p = malloc(n + len);
	if (p == NULL)
		return mv_err_set(err, MV_ENOMEM, "'%s' over %zu bytes",
		    label, len);
	memcpy(p, label, n);
	if (len > 0)
		memcpy(p + n, m, len);
	*out = p;
	*outlen = n + len;
	return 0;
}

void
mv_sign_public(const struct mv_key *seed, uint8_t pub[MV_PUBLIC_BYTES])
{
	mv_auto(pair_wipe) struct pair pair = { 0 };

	(void)crypto_sign_seed_keypair(pair.pub, pair.priv, seed->b);
	memcpy(pub, pair.pub, MV_PUBLIC_BYTES);
}

int
mv_sign(const struct mv_key *seed, const char *label, const void *m,
    size_t len, uint8_t sig[MV_SIGN_BYTES], struct mv_err *err)
{
	mv_auto(pair_wipe) struct pair pair = { 0 };
	mv_auto(mv_freep) uint8_t *text = NULL;
	size_t n;
	int rc;

	rc = labelled(label, m, len, &text, &n, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "sign");
	(void)crypto_sign_seed_keypair(pair.pub, pair.priv, seed->b);
	(void)crypto_sign_detached(sig, NULL, text, n, pair.priv);
	return 0;
}

int
mv_verify(const uint8_t pub[MV_PUBLIC_BYTES], const char *label,
    const void *m, size_t len, const uint8_t sig[MV_SIGN_BYTES],
    struct mv_err *err)
{
	mv_auto(mv_freep) uint8_t *text = NULL;
	size_t n;
	int rc;

	rc = labelled(label, m, len, &text, &n, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "verify");
	if (crypto_sign_verify_detached(sig, text, n, pub) != 0)
		return mv_err_set(err, MV_ECORRUPT,
		    "the signature is not that of the key");
	return 0;
}
