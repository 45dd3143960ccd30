/* SPDX-License-Identifier: MIT */
#ifndef MV_FORMAT_KEYFILE_H
#define MV_FORMAT_KEYFILE_H

#include "base/buf.h"
#include "format/keyring.h"

/*
 * keyfile: key files and recovery kits (docs/format.md, section 11).
 *
 * A struct mv_keyset lies in locked memory as a whole, is never copied, and is
 * wiped by mv_keyset_free().
 */
#define MV_KEYSET_IDENTITIES_MAX 8
#define MV_KEYSET_EPOCHS_MAX 64

struct mv_identity {
	uint32_t number;	/* 0: the owner */
	uint8_t rights;
	uint8_t sign_pub[MV_PUBLIC_BYTES];
	uint8_t box_pub[MV_PUBLIC_BYTES];
	struct mv_key seed;	/* Ed25519 */
	struct mv_key box;	/* X25519 private; zeros for the owner */
};

void mv_identity_wipe(struct mv_identity *id);

/* Allocated as a whole in locked memory. */
struct mv_keyset {
	struct mv_id16 repo;
	uint8_t owner[MV_PUBLIC_BYTES];
	uint64_t keyring;
	size_t nidentities;
	struct mv_identity identities[MV_KEYSET_IDENTITIES_MAX];
	size_t nepochs;
	struct mv_epoch_secrets epochs[MV_KEYSET_EPOCHS_MAX];
	uint8_t has_vault;
	struct mv_key vault;	/* V */
	char *note;		/* JSON, owned */
};

int mv_keyset_new(struct mv_keyset **out, struct mv_err *err) MV_MUST_CHECK;
void mv_keyset_free(struct mv_keyset *k);
void mv_keyset_freep(struct mv_keyset **k);
/* The identity with all of rights, or NULL.  rights 0: the owner. */
const struct mv_identity *mv_keyset_find(const struct mv_keyset *k,
    uint8_t rights);
/* The secrets of an epoch, or NULL. */
struct mv_epoch_secrets *mv_keyset_epoch(struct mv_keyset *k, uint32_t epoch);
/* Add a copy; MV_EUSAGE when another identity has its number, or full. */
int mv_keyset_add(struct mv_keyset *k, const struct mv_identity *id,
    struct mv_err *err) MV_MUST_CHECK;
int mv_keyset_add_epoch(struct mv_keyset *k, const struct mv_epoch_secrets *e,
    struct mv_err *err) MV_MUST_CHECK;
/* Take what to lacks; MV_ECORRUPT when both have a secret and differ. */
int mv_epoch_secrets_merge(struct mv_epoch_secrets *to,
    const struct mv_epoch_secrets *from, struct mv_err *err) MV_MUST_CHECK;
/*
 * Take from what into k what k lacks; MV_EUSAGE when they belong to
 * different repositories or owners.
 */
int mv_keyset_merge(struct mv_keyset *k, const struct mv_keyset *what,
    struct mv_err *err) MV_MUST_CHECK;

struct mv_passphrase {
	const uint8_t *p;	/* NULL: unprotected */
	size_t len;
	uint32_t passes;	/* 0: 3 */
	uint32_t mem_kib;	/* 0: 65536 */
};

/*
 * The text of a key file.  The lines of comment come first; "# " is put before
 * each.
 */
int mv_keyfile_encode(const struct mv_keyset *k,
    const struct mv_passphrase *pass, const char *comment,
    struct mv_sbuf *out, struct mv_err *err) MV_MUST_CHECK;
/* True when the text says that it is under a passphrase; MV_EUSAGE if no key. */
int mv_keyfile_protected(const void *text, size_t len, int *out,
    struct mv_err *err) MV_MUST_CHECK;
/*
 * MV_EAUTH for a wrong passphrase or none where one is needed; one where none
 * is needed is not looked at.  MV_EUSAGE for what is no key file.
 */
int mv_keyfile_decode(const void *text, size_t len,
    const struct mv_passphrase *pass, struct mv_keyset **out,
    struct mv_err *err) MV_MUST_CHECK;

#endif
