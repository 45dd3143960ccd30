/* SPDX-License-Identifier: MIT */
#include "job/generations.h"

#include "base/cleanup.h"
#include "vault/changes.h"

void
mv_generations_clear(struct mv_generations *g)
{
	size_t i;

	for (i = 0; i < g->n; i++)
		mv_rows_keys_free(g->keys[i]);
	*g = (struct mv_generations){ 0 };
}

const struct mv_rows_keys *const *
mv_generations_keys(const struct mv_generations *g)
{
	return (const struct mv_rows_keys *const *)g->keys;
}

int
mv_generations_add_env(struct mv_generations *g, const struct mv_dotenv *env,
    struct mv_err *err)
{
	int rc;

	if (g->n == MV_GENERATIONS_MAX)
		return 0;
	rc = mv_rows_keys_new(env, &g->keys[g->n], err);
	if (rc == 0)
		g->numbers[g->n++] = 0;
	return rc;
}

int
mv_generations_add(struct mv_generations *g, struct mv_repo *r,
    const struct mv_vault_version *v, struct mv_err *err)
{
	mv_auto(mv_vault_file_clear) struct mv_vault_file file = { 0 };
	mv_auto(mv_dotenv_freep) struct mv_dotenv *env = NULL;
	size_t i;
	int rc;

	for (i = 0; i < g->n; i++)
		if (g->numbers[i] == v->number)
			return 0;
	if (g->n == MV_GENERATIONS_MAX)
		return 0;
	rc = mv_vault_open(r, v, &file, err);
	if (rc == 0)
		rc = mv_vault_settings(&file, &env, err);
	if (rc == 0)
		rc = mv_generations_add_env(g, env, err);
	if (rc == 0)
		g->numbers[g->n - 1] = v->number;
	return mv_err_ctx(err, rc, "version %llu of the vault",
	    (unsigned long long)v->number);
}
