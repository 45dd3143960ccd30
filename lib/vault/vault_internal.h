/* SPDX-License-Identifier: MIT */
#ifndef MV_VAULT_INTERNAL_H
#define MV_VAULT_INTERNAL_H

#include "vault/vault.h"

/* vault_internal: what reading and writing versions share. */

int mv_vault_secret(struct mv_repo *r, struct mv_key *out, struct mv_err *err)
    MV_MUST_CHECK;

/* One of our vault identities to which the version is sealed, or NULL. */
const struct mv_identity *mv_vault_recipient(struct mv_repo *r,
    const struct mv_vault_version *v);

#endif
