/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTODON_COLUMN_AR_H
#define MV_MASTODON_COLUMN_AR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "secret/secret.h"

/*
 * column_ar: columns that ActiveRecord::Encryption wrote, as users.otp_secret
 * (Mastodon 4.3) and keypairs.private_key (4.6).
 *
 * A column holds a JSON message of payload, IV and tag, AES-256-GCM under a
 * key that is derived once from ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY and
 * _KEY_DERIVATION_SALT.  Written is byte for byte what Rails writes, under
 * the SHA-256-derived key; read is also what the SHA-1-derived key wrote.
 * Of a message that is read, the order of its members, space between them and
 * headers unknown here do not matter; a member that comes twice does.
 *
 * One object serves one thread at a time; clone it for the next, which
 * derives nothing again.
 */
#define MV_AR_ENCODING_MAX 40
/* Plaintexts and messages longer than this are refused. */
#define MV_AR_PLAIN_MAX (1024 * 1024)
#define MV_AR_TEXT_MAX (2 * 1024 * 1024)

struct mv_ar;

/* What must stay when a value is encrypted anew. */
struct mv_ar_how {
	/* Header e: the Ruby encoding of the value, "" for UTF-8. */
	char encoding[MV_AR_ENCODING_MAX + 1];
	/* The IV follows from the value; no column of Mastodon is so. */
	bool deterministic;
	/* Set by opening: the SHA-1-derived key was the right one. */
	bool sha1;
};

/*
 * Derive both keys: some 50 ms.  key is the PRIMARY_KEY, or the
 * DETERMINISTIC_KEY for a deterministic column.
 */
int mv_ar_new(struct mv_secret *key, struct mv_secret *salt,
    struct mv_ar **out, struct mv_err *err) MV_MUST_CHECK;
int mv_ar_clone(const struct mv_ar *ar, struct mv_ar **out,
    struct mv_err *err) MV_MUST_CHECK;
void mv_ar_free(struct mv_ar *ar);
void mv_ar_freep(struct mv_ar **ar);

/*
 * Decrypt a message into plain, whose content is replaced and whose memory is
 * used again.  MV_ECORRUPT when it is malformed (clear text in the column,
 * too), MV_EAUTH when neither key opens it: another key, or damage.  plain is
 * then empty.  how may be NULL.
 */
int mv_ar_open(struct mv_ar *ar, const char *text, size_t len,
    struct mv_sbuf *plain, struct mv_ar_how *how, struct mv_err *err)
    MV_MUST_CHECK;

/*
 * Encrypt under the SHA-256-derived key; out's content is replaced.  How
 * says what opening said of the value; NULL is UTF-8 and random.
 */
int mv_ar_seal(struct mv_ar *ar, const uint8_t *plain, size_t len,
    const struct mv_ar_how *how, struct mv_buf *out, struct mv_err *err)
    MV_MUST_CHECK;

#endif
