/* SPDX-License-Identifier: MIT */
#ifndef MV_FORMAT_KEYRING_H
#define MV_FORMAT_KEYRING_H

#include "base/buf.h"
#include "format/object.h"

/* keyring: public keys, rights, epochs and grants (docs/format.md, 3). */
enum mv_right {
	MV_RIGHT_WRITE = 1,
	MV_RIGHT_READ = 2,
	MV_RIGHT_MAINTAIN = 4,
	MV_RIGHT_VAULT = 8,
};
#define MV_GRANT_BYTES (97 + MV_SEAL_EXTRA + MV_BOX_EXTRA)
#define MV_NOT_DISTRUSTED UINT64_MAX

struct mv_keyring_key {
	uint32_t number;
	uint8_t rights;
	uint8_t removed;
	uint64_t distrusted_from;
	uint8_t sign_pub[MV_PUBLIC_BYTES];
	uint8_t box_pub[MV_PUBLIC_BYTES];
};
struct mv_keyring_epoch {
	uint32_t number;
	int64_t time;
	uint8_t pub[MV_PUBLIC_BYTES];
};
struct mv_keyring_grant {
	uint32_t epoch;
	uint32_t key;
	uint8_t box[MV_GRANT_BYTES];
};

struct mv_keyring {
	struct mv_id16 repo;
	struct mv_id32 hash;	/* of the object as stored: set, never given */
	uint64_t number;
	struct mv_id32 prev;
	int64_t time;
	uint8_t owner[MV_PUBLIC_BYTES];
	struct mv_keyring_key *keys;
	size_t nkeys;
	struct mv_keyring_epoch *epochs;
	size_t nepochs;
	struct mv_keyring_grant *grants;
	size_t ngrants;
	struct mv_buf labels;	/* sealed */
};

void mv_keyring_clear(struct mv_keyring *k);
/* Sign and append the whole object to out; owner must be the seed's. */
int mv_keyring_encode(struct mv_keyring *k, const struct mv_key *owner_seed,
    struct mv_buf *out, struct mv_err *err) MV_MUST_CHECK;
/*
 * owner is the pinned public key: a keyring that another owner signed is
 * MV_EAUTH, anything else that does not verify MV_ECORRUPT.
 */
int mv_keyring_decode(const uint8_t *obj, size_t len,
    const struct mv_id16 *repo, const uint8_t owner[MV_PUBLIC_BYTES],
    struct mv_keyring *out, struct mv_err *err) MV_MUST_CHECK;
/* The labels, JSON; structure is S of the newest epoch. */
int mv_keyring_seal_labels(struct mv_keyring *k,
    const struct mv_key *structure, const char *json, size_t len,
    struct mv_err *err) MV_MUST_CHECK;
int mv_keyring_open_labels(const struct mv_keyring *k,
    const struct mv_key *structure, struct mv_buf *out, struct mv_err *err)
    MV_MUST_CHECK;
const struct mv_keyring_key *mv_keyring_find(const struct mv_keyring *k,
    uint32_t number);

/* What an epoch gives to a key. */
struct mv_epoch_secrets {
	uint32_t epoch;
	uint8_t has;		/* 1 S, 2 I, 4 private */
	struct mv_key structure;	/* S */
	struct mv_key identity;		/* I */
	struct mv_key priv;		/* X25519 */
};
void mv_epoch_secrets_wipe(struct mv_epoch_secrets *s);
/*
 * outer is S of the epoch named in docs/format.md, 3.  Only a grant that
 * opens leaves anything in out; MV_ECORRUPT otherwise.
 */
int mv_grant_seal(const struct mv_id16 *repo, const struct mv_key *outer,
    const struct mv_keyring_key *key, const struct mv_epoch_secrets *what,
    struct mv_keyring_grant *out, struct mv_err *err) MV_MUST_CHECK;
int mv_grant_open(const struct mv_id16 *repo, const struct mv_key *outer,
    const struct mv_keyring_grant *grant, const uint8_t box_pub[32],
    const struct mv_key *box_priv, struct mv_epoch_secrets *out,
    struct mv_err *err) MV_MUST_CHECK;

#endif
