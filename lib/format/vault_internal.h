/* SPDX-License-Identifier: MIT */
#ifndef MV_FORMAT_VAULT_INTERNAL_H
#define MV_FORMAT_VAULT_INTERNAL_H

#include "format/vault.h"

/* The body: a vault version's payload without its signature. */
int mv_vault_body_encode(const struct mv_vault_version *v, struct mv_buf *out,
    struct mv_err *err) MV_MUST_CHECK;
int mv_vault_body_decode(const uint8_t *p, size_t len,
    struct mv_vault_version *out, struct mv_err *err) MV_MUST_CHECK;

#endif
