/* SPDX-License-Identifier: MIT */
#include <sodium.h>
#include <string.h>

#include "crypto/crypto.h"

#define ARGON2_KIB_MIN 8

void
mv_kdf(const struct mv_key *secret, const char *label, struct mv_key *out)
{
	(void)crypto_generichash(out->b, sizeof(out->b),
	    (const uint8_t *)label, strlen(label), secret->b,
	    sizeof(secret->b));
}

int
mv_argon2id(const void *pass, size_t passlen, const uint8_t salt[16],
    uint32_t passes, uint32_t mem_kib, struct mv_key *out, struct mv_err *err)
{
	_Static_assert(crypto_pwhash_SALTBYTES == 16, "salt");

	if (passes < 1 || mem_kib < ARGON2_KIB_MIN ||
	    (uint64_t)mem_kib * 1024 > crypto_pwhash_memlimit_max() ||
	    passlen > crypto_pwhash_passwd_max())
		return mv_err_set(err, MV_EUSAGE,
		    "Argon2id with %u passes over %u KiB is not possible",
		    passes, mem_kib);
	if (crypto_pwhash(out->b, sizeof(out->b), pass, passlen, salt, passes,
	    (size_t)mem_kib * 1024, crypto_pwhash_ALG_ARGON2ID13) != 0)
		return mv_err_set(err, MV_ENOMEM,
		    "Argon2id needs %u MiB of memory", mem_kib / 1024);
	return 0;
}

int
mv_equal(const void *a, const void *b, size_t len)
{
	return sodium_memcmp(a, b, len) == 0;
}
