/* SPDX-License-Identifier: MIT */
#include "base/cleanup.h"
#include "job/restore_internal.h"

/*
 * restore_reencrypt: rows of an old backup, made readable for the secrets
 * that are in force now.  It happens in the database beside the one that is
 * wanted, before that gets its name.
 */

/* The newest version that is in force: a rotation may be under way. */
static int
find_target(struct mv_restore_run *run, const struct mv_vault *vault,
    const struct mv_vault_version **out, struct mv_err *err)
{
	int rc;

	rc = mv_vault_before(run->repo, vault, out, err);
	if (rc == 0 && *out == NULL)
		rc = mv_vault_newest(vault, out, err);
	return rc;
}

int
mv_restore_target(struct mv_restore_run *run, struct mv_id32 *hash,
    struct mv_err *err)
{
	mv_auto(mv_vault_clear) struct mv_vault vault = { 0 };
	const struct mv_vault_version *v = NULL;
	int rc;

	rc = mv_vault_load(run->repo, &vault, err);
	if (rc == 0)
		rc = find_target(run, &vault, &v, err);
	if (rc == 0)
		*hash = v->hash;
	return rc;
}

/* The snapshot's own, newest first; all there are where it has none. */
static int
load_from(struct mv_restore_run *run, const struct mv_vault *vault,
    struct mv_generations *g, struct mv_err *err)
{
	const struct mv_vault_version *v = NULL;
	size_t i;
	int rc = 0;

	for (i = run->snap->nvault; rc == 0 && i > 0; i--) {
		rc = mv_vault_find(vault, &run->snap->vault[i - 1], &v, err);
		if (rc == 0)
			rc = mv_generations_add(g, run->repo, v, err);
	}
	for (i = vault->n; rc == 0 && run->snap->nvault == 0 && i > 0; i--)
		rc = mv_generations_add(g, run->repo, &vault->list[i - 1],
		    err);
	return rc;
}

int
mv_restore_generations(struct mv_restore_run *run, struct mv_err *err)
{
	mv_auto(mv_vault_clear) struct mv_vault vault = { 0 };
	const struct mv_vault_version *to = NULL;
	int rc;

	rc = mv_vault_load(run->repo, &vault, err);
	if (rc == 0)
		rc = find_target(run, &vault, &to, err);
	if (rc == 0)
		rc = mv_generations_add(&run->to, run->repo, to, err);
	if (rc == 0)
		rc = load_from(run, &vault, &run->from, err);
	if (rc == 0)
		run->report->reencrypted_to = to->number;
	return mv_err_ctx(err, rc, "convert rows to the secrets in force");
}

int
mv_restore_reencrypt(struct mv_restore_run *run, struct mv_pg *pg,
    const char *dbname, struct mv_err *err)
{
	mv_auto(mv_pg_session_freep) struct mv_pg_session *s = NULL;
	const struct mv_rows_opts o = {
		.from = mv_generations_keys(&run->from),
		.nfrom = run->from.n,
		.to = run->to.keys[0],
		/* They were as unreadable when they were backed up. */
		.skip_undecryptable = true,
	};
	int rc;

	if (run->opts->progress.phase != NULL)
		run->opts->progress.phase("encrypting", run->opts->progress.arg);
	rc = mv_pg_session_open(pg, dbname, &s, err);
	if (rc == 0)
		rc = mv_pg_exec(s, "BEGIN ISOLATION LEVEL READ COMMITTED",
		    err);
	if (rc == 0)
		rc = mv_rows_convert(s, &o, &run->report->reencrypted, err);
	if (rc == 0)
		rc = mv_pg_exec(s, "COMMIT", err);
	return mv_err_ctx(err, rc, "convert rows to the secrets in force");
}
