/* SPDX-License-Identifier: MIT */
#ifndef MV_JOB_GENERATIONS_H
#define MV_JOB_GENERATIONS_H

#include "vault/rows.h"
#include "vault/vault.h"

/*
 * generations: versions of the vault as keys for rows.  Those with the same
 * values are derived once each all the same: there are never many.
 */
#define MV_GENERATIONS_MAX 16
struct mv_generations {
	struct mv_rows_keys *keys[MV_GENERATIONS_MAX];	/* owned */
	uint64_t numbers[MV_GENERATIONS_MAX];	/* 0: of no version */
	size_t n;
};
void mv_generations_clear(struct mv_generations *g);
/* keys, as functions of rows.h take them. */
const struct mv_rows_keys *const *
mv_generations_keys(const struct mv_generations *g);

/*
 * Add a version unless it is there already; more than fit are left out, so
 * the likeliest come first.  MV_EAUTH when it is not sealed to us; MV_EUSAGE
 * when its settings cannot be read.
 */
int mv_generations_add(struct mv_generations *g, struct mv_repo *r,
    const struct mv_vault_version *v, struct mv_err *err) MV_MUST_CHECK;
/* Add settings that are no version. */
int mv_generations_add_env(struct mv_generations *g,
    const struct mv_dotenv *env, struct mv_err *err) MV_MUST_CHECK;

#endif
