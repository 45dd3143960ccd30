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
#define MV_SCRAM_SALT 16
/* The text for a salt of MV_SCRAM_SALT bytes, with its NUL. */
#define MV_SCRAM_TEXT 134

/* With a random salt.  MV_EUSAGE for a password that is empty or no ASCII. */
int mv_scram_verifier(struct mv_secret *password, char out[MV_SCRAM_TEXT],
    struct mv_err *err) MV_MUST_CHECK;
/* With the salt given. */
int mv_scram_verifier_salted(struct mv_secret *password,
    const uint8_t salt[MV_SCRAM_SALT], char out[MV_SCRAM_TEXT],
    struct mv_err *err) MV_MUST_CHECK;

/*
 * Is text (len bytes, from a server) the verifier of this password?
 * MV_ECORRUPT when it is no SCRAM-SHA-256 verifier, as one of md5; MV_EUSAGE
 * as above.
 */
int mv_scram_matches(const char *text, size_t len, struct mv_secret *password,
    bool *out, struct mv_err *err) MV_MUST_CHECK;

#endif
