/* SPDX-License-Identifier: MIT */
#include "base/cleanup.h"
#include "base/log.h"
#include "job/generations.h"
#include "job/restore_internal.h"
#include "postgres/conn.h"

/* Of rows whose key takes a millisecond each; one generation shows soon. */
#define LEGACY_MAX 100

/* How many rows of the restored database do not open with this version. */
static int
count_misfits(struct mv_restore_run *run, struct mv_pg_session *s,
    const struct mv_vault_version *v, uint64_t *out, struct mv_err *err)
{
	mv_auto(mv_generations_clear) struct mv_generations g = { 0 };
	mv_auto(mv_rows_report_clear) struct mv_rows_report report = { 0 };
	struct mv_rows_prove_opts o = { .legacy_max = LEGACY_MAX };
	int rc;

	rc = mv_generations_add(&g, run->repo, v, err);
	if (rc < 0)
		return rc;
	o.keys = mv_generations_keys(&g);
	o.n = g.n;
	rc = mv_rows_prove_some(s, &o, &report, err);
	*out = mv_rows_bad(&report);
	return rc;
}

/* The newest version that opens all rows, else the one that opens most. */
static int
choose(struct mv_restore_run *run, struct mv_pg_session *s,
    const struct mv_vault *vault, const struct mv_vault_version **out,
    struct mv_err *err)
{
	const struct mv_vault_version *v;
	uint64_t bad = 0, least = UINT64_MAX;
	size_t i;
	int rc;

	for (i = run->snap->nvault; i > 0 && least > 0; i--) {
		rc = mv_vault_find(vault, &run->snap->vault[i - 1], &v, err);
		if (rc == 0)
			rc = count_misfits(run, s, v, &bad, err);
		if (rc < 0)
			return rc;
		if (bad < least) {
			least = bad;
			*out = v;
		}
	}
	return 0;
}

int
mv_restore_fitting(struct mv_restore_run *run, struct mv_vault_file *file,
    uint64_t *number, struct mv_err *err)
{
	const struct mv_restore_opts *opts = run->opts;
	const struct mv_pg_target target = {
		.conninfo = opts->conninfo,
		.password = opts->db_password,
		.exec_prefix = opts->exec_prefix,
		.uid = opts->uid,
		.gid = opts->gid,
		.pg_bin = opts->pg_bin,
	};
	mv_auto(mv_vault_clear) struct mv_vault vault = { 0 };
	mv_auto(mv_vault_file_clear) struct mv_vault_file chosen = { 0 };
	mv_auto(mv_pg_freep) struct mv_pg *pg = NULL;
	mv_auto(mv_pg_session_freep) struct mv_pg_session *s = NULL;
	const struct mv_vault_version *v = NULL;
	struct mv_err why = { 0 };
	char text[MV_ERR_TEXT_MAX];
	int rc;

	rc = mv_vault_load(run->repo, &vault, &why);
	if (rc == 0)
		rc = mv_pg_new(&target, &pg, &why);
	if (rc == 0)
		rc = mv_pg_session_open(pg, NULL, &s, &why);
	if (rc == 0)
		rc = choose(run, s, &vault, &v, &why);
	/* All is restored by now: the newest is better than none. */
	if (rc < 0) {
		(void)mv_err_text(&why, text, sizeof(text));
		mv_warn("under which secrets the rows are could not be seen, "
		    "so the newest were restored: %s", text);
		return 0;
	}
	if (v == NULL || v->number == *number)
		return 0;
	rc = mv_vault_open(run->repo, v, &chosen, err);
	if (rc < 0)
		return rc;
	mv_vault_file_clear(file);
	*file = chosen;
	chosen = (struct mv_vault_file){ 0 };
	*number = v->number;
	return 0;
}
