/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTODON_COLUMN_LEGACY_H
#define MV_MASTODON_COLUMN_LEGACY_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "secret/secret.h"

/*
 * column_legacy: users.encrypted_otp_secret, _iv and _salt, which Mastodon up
 * to 4.2 wrote under OTP_SECRET (attr_encrypted) and 4.3 still reads.
 *
 * A key per row: PBKDF2-HMAC-SHA1 with 2,000 rounds over OTP_SECRET as it
 * stands and the row's salt; then AES-256-GCM.  Written is exactly what
 * attr_encrypted writes, line breaks included; read is all that Ruby's
 * unpack('m') reads.  Knows no database.
 *
 * One object serves one thread at a time; clone it for the next.  It
 * remembers the key of the last salt, so that checking what was just sealed
 * costs no second derivation.
 */
#define MV_LEGACY_SALT_BYTES 16
/* Longer secrets than this are refused: a row holds 16 to 64 characters. */
#define MV_LEGACY_PLAIN_MAX 4096

struct mv_legacy;

/* The three columns as they are stored.  Not secret without OTP_SECRET. */
struct mv_legacy_row {
	const char *secret, *iv, *salt;
	size_t secret_len, iv_len, salt_len;
};

struct mv_legacy_text {
	struct mv_buf secret, iv, salt;
};
void mv_legacy_text_clear(struct mv_legacy_text *t);

/* MV_EUSAGE when OTP_SECRET is shorter than the 32 bytes that Ruby demands. */
int mv_legacy_new(struct mv_secret *otp_secret, struct mv_legacy **out,
    struct mv_err *err) MV_MUST_CHECK;
int mv_legacy_clone(const struct mv_legacy *k, struct mv_legacy **out,
    struct mv_err *err) MV_MUST_CHECK;
void mv_legacy_free(struct mv_legacy *k);
void mv_legacy_freep(struct mv_legacy **k);

/*
 * Decrypt a row into plain, whose content is replaced and whose memory is
 * used again.  MV_ECORRUPT when the columns are malformed, MV_EAUTH when
 * they do not decrypt: another key, or damage.  plain is then empty.
 */
int mv_legacy_open(struct mv_legacy *k, const struct mv_legacy_row *row,
    struct mv_sbuf *plain, struct mv_err *err) MV_MUST_CHECK;

/* Encrypt with a new salt and IV; out's content is replaced. */
int mv_legacy_seal(struct mv_legacy *k, const uint8_t *plain, size_t len,
    struct mv_legacy_text *out, struct mv_err *err) MV_MUST_CHECK;

#endif
