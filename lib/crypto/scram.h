/* SPDX-License-Identifier: MIT */
#ifndef MV_CRYPTO_SCRAM_H
#define MV_CRYPTO_SCRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "secret/secret.h"

/*
 * scram: the SCRAM-SHA-256 verifier of a password (RFC 5802, RFC 7677), in
 * the text form that PostgreSQL keeps and takes instead of the password:
 *
 *     SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY
 *
 * with the last three in base64.  Whoever has a verifier can test guesses at
 * the password and pass for the server, but cannot log in.
 *
 * Passwords are printable ASCII, which SASLprep (RFC 4013) leaves as it is.
 * Others are refused: clients do not agree on what becomes of them.
 */
#define MV_SCRAM_ITERATIONS 4096
#define MV_SCRAM_ITERATIONS_MAX 10000000
#define MV_SCRAM_SALT 16
#define MV_SCRAM_SALT_MAX 64
#define MV_SCRAM_KEY 32
/* The longest text: 14 + 8 + 1 + 88 + 1 + 44 + 1 + 44, and its NUL. */
#define MV_SCRAM_TEXT 202

struct mv_scram {
	uint32_t iterations;
	size_t salt_len;
	uint8_t salt[MV_SCRAM_SALT_MAX];
	uint8_t stored_key[MV_SCRAM_KEY];
	uint8_t server_key[MV_SCRAM_KEY];
};

/*
 * The text of a verifier of 4096 iterations with a random salt of 16 bytes.
 * MV_EUSAGE for a password that is empty or no printable ASCII.
 */
int mv_scram_verifier(struct mv_secret *password, char out[MV_SCRAM_TEXT],
    struct mv_err *err) MV_MUST_CHECK;

/* Fill in the keys; salt and iterations are there.  MV_EUSAGE as above. */
int mv_scram_compute(struct mv_secret *password, struct mv_scram *v,
    struct mv_err *err) MV_MUST_CHECK;

void mv_scram_encode(const struct mv_scram *v, char out[MV_SCRAM_TEXT]);
/*
 * len bytes of text, from a server.  Accepts what encoding makes and nothing
 * else; MV_ECORRUPT otherwise, as for a verifier of md5.
 */
int mv_scram_decode(const char *text, size_t len, struct mv_scram *out,
    struct mv_err *err) MV_MUST_CHECK;

/* Is v the verifier of this password?  In constant time. */
int mv_scram_matches(const struct mv_scram *v, struct mv_secret *password,
    bool *out, struct mv_err *err) MV_MUST_CHECK;

#endif
