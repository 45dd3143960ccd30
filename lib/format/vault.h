/* SPDX-License-Identifier: MIT */
#ifndef MV_FORMAT_VAULT_H
#define MV_FORMAT_VAULT_H

#include "base/buf.h"
#include "format/keyring.h"

/* vault: one version of an environment's secrets (docs/format.md, 9). */
struct mv_vault_recipient {
	uint32_t key;
	uint8_t sealed[32 + MV_SEAL_EXTRA];
};

struct mv_vault_version {
	struct mv_id16 id;
	struct mv_id32 hash;	/* of the object as stored: set, never given */
	uint64_t number;
	struct mv_id32 prev;
	int64_t time;
	uint32_t signer;
	struct mv_vault_recipient *recipients;	/* owned */
	size_t nrecipients;
	struct mv_buf content;	/* sealed */
};

void mv_vault_version_clear(struct mv_vault_version *v);
/*
 * Make a whole object: number, prev, time, signer are set in v; to are the
 * recipients' keyring entries.  Fills id and hash.
 */
int mv_vault_version_encode(struct mv_vault_version *v,
    const struct mv_id16 *repo, const struct mv_key *vault_secret,
    const struct mv_key *seed, const struct mv_keyring_key *const to[],
    size_t nto, const char *meta_json, const uint8_t *file, size_t file_len,
    struct mv_buf *out, struct mv_err *err) MV_MUST_CHECK;
int mv_vault_version_decode(const uint8_t *obj, size_t len,
    const struct mv_id16 *repo, const struct mv_key *vault_secret,
    const uint8_t *(*pub_of)(uint32_t key, void *arg), void *arg,
    struct mv_vault_version *out, struct mv_err *err) MV_MUST_CHECK;
/* Open the content for one recipient. */
int mv_vault_version_open(const struct mv_vault_version *v,
    const struct mv_id16 *repo, uint32_t key, const uint8_t box_pub[32],
    const struct mv_key *box_priv, struct mv_buf *meta_json,
    struct mv_sbuf *file, struct mv_err *err) MV_MUST_CHECK;

#endif
