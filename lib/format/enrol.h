/* SPDX-License-Identifier: MIT */
#ifndef MV_FORMAT_ENROL_H
#define MV_FORMAT_ENROL_H

#include <stdbool.h>

#include "format/keyfile.h"

/*
 * enrol: how a key that was made elsewhere becomes a member of a repository
 * (docs/format.md, 11.1 to 11.3).
 *
 * Its holder makes a pending key file and passes on one public line; the
 * owner answers with an enrolment, which only that key opens; the two
 * together are an ordinary key file.
 */
#define MV_LABEL_TEXT_MAX 64

struct mv_public_key {
	uint8_t rights;		/* one of enum mv_right */
	uint8_t sign_pub[MV_PUBLIC_BYTES];
	uint8_t box_pub[MV_PUBLIC_BYTES];
	char label[MV_LABEL_TEXT_MAX + 1];
};

/* "reader"; NULL for what is no role.  0 for a name that is none. */
const char *mv_role_name(uint8_t right);
uint8_t mv_role_of(const char *name);

/* A new key that belongs to no repository yet. */
int mv_pending_new(uint8_t right, struct mv_keyset **out, struct mv_err *err)
    MV_MUST_CHECK;
bool mv_keyset_is_pending(const struct mv_keyset *k);

/* MV_EUSAGE for a label that no line can hold. */
int mv_label_check(const char *label, struct mv_err *err) MV_MUST_CHECK;
/* One line of text, without its end. */
int mv_public_encode(const struct mv_public_key *k, struct mv_buf *out,
    struct mv_err *err) MV_MUST_CHECK;
/* Blanks around and more than one between do no harm.  MV_EUSAGE. */
int mv_public_decode(const char *text, size_t len, struct mv_public_key *out,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * The text of an enrolment: what has no identities and holds all else that
 * the member's key file will; it comes out under the member's number.
 */
int mv_enrolment_encode(const struct mv_keyset *what,
    const struct mv_keyring_key *member, const struct mv_key *owner_seed,
    const char *comment, struct mv_sbuf *out, struct mv_err *err)
    MV_MUST_CHECK;
/*
 * Open one with the pending key that it is for: out is the member's key set,
 * with the note of the enrolment.  MV_EAUTH when it is for another key.
 */
int mv_enrolment_decode(const void *text, size_t len,
    const struct mv_keyset *pending, struct mv_keyset **out,
    struct mv_err *err) MV_MUST_CHECK;

#endif
