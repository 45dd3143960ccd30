/* SPDX-License-Identifier: MIT */
#include "base/cleanup.h"
#include "job/generations.h"
#include "job/job_internal.h"

/*
 * backup_rows: do the secrets that go into the backup fit the rows that do?
 * The answer is signed with the snapshot; rows that do not fit are a problem
 * of the run, and no reason not to have a backup.
 */

/* Rows whose key alone takes a millisecond: enough to find a wrong secret. */
#define LEGACY_SAMPLE 64
#define IDS_MAX 100

/*
 * What was in force when the run began, and all that came since: a rotation
 * may have changed rows before our snapshot of them.
 */
static int
collect(struct mv_backup_run *run, struct mv_generations *g,
    struct mv_err *err)
{
	mv_auto(mv_vault_clear) struct mv_vault vault = { 0 };
	const struct mv_vault_version *v = NULL;
	uint64_t since = run->report->vault_version;
	size_t i;
	int rc;

	rc = mv_vault_load(run->repo, &vault, err);
	if (rc == 0)
		rc = since > 0 ? mv_vault_number(&vault, since, &v, err) :
		    mv_vault_newest(&vault, &v, err);
	if (rc == 0)
		rc = mv_generations_add(g, run->repo, v, err);
	/* The newest may be one that a rotation has only begun with. */
	if (rc == 0 && since == 0)
		since = v->number - 1;
	for (i = vault.n; rc == 0 && i > 0; i--)
		if (vault.list[i - 1].number >= since)
			rc = mv_generations_add(g, run->repo,
			    &vault.list[i - 1], err);
	return rc;
}

static int
note_column(struct mv_backup_run *run, const struct mv_rows_column *c,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	struct mv_named *problems = &run->report->problems;
	const char *said;
	int rc = 0;

	if (c->undecryptable > 0) {
		mv_buf_printf(&text, "%llu row%s of '%s.%s' (the first has "
		    "id %s) decrypt%s with no secrets of the vault: 'secrets "
		    "check --database' names all of them",
		    (unsigned long long)c->undecryptable,
		    c->undecryptable == 1 ? "" : "s", c->fact->table,
		    c->fact->column, c->ids[0],
		    c->undecryptable == 1 ? "s" : "");
		said = mv_buf_cstr(&text);
		rc = said == NULL ? mv_buf_failed(&text, err) :
		    mv_named_add(problems, said, text.len, err);
	}
	if (rc == 0 && c->mismatched > 0) {
		mv_buf_reset(&text);
		mv_buf_printf(&text, "%llu private key%s in '%s.%s' (the "
		    "first has id %s) belong%s to another public key",
		    (unsigned long long)c->mismatched,
		    c->mismatched == 1 ? "" : "s", c->fact->table,
		    c->fact->column, c->mismatched_ids[0],
		    c->mismatched == 1 ? "s" : "");
		said = mv_buf_cstr(&text);
		rc = said == NULL ? mv_buf_failed(&text, err) :
		    mv_named_add(problems, said, text.len, err);
	}
	return rc;
}

static json_t *
numbers_json(const struct mv_generations *g)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < g->n; i++)
		json_array_append_new(list,
		    json_integer((json_int_t)g->numbers[i]));
	return list;
}

static int
describe(struct mv_backup_run *run, const struct mv_generations *g,
    const struct mv_rows_report *rows, struct mv_err *err)
{
	json_t *columns = NULL;
	size_t i;
	int rc;

	rc = mv_rows_report_json(rows, IDS_MAX, &columns, err);
	if (rc < 0)
		return rc;
	run->report->encrypted = json_pack("{s:b, s:o, s:o}", "fits",
	    mv_rows_bad(rows) == 0, "versions", numbers_json(g), "columns",
	    columns);
	for (i = 0; rc == 0 && i < rows->n; i++)
		rc = note_column(run, &rows->columns[i], err);
	return rc;
}

static int
prove(struct mv_backup_run *run, struct mv_pg_session *s,
    const struct mv_generations *g, struct mv_err *err)
{
	mv_auto(mv_rows_report_clear) struct mv_rows_report rows = { 0 };
	struct mv_rows_prove_opts o = {
		.legacy_max = LEGACY_SAMPLE, .jobs = (int)run->opts->workers,
	};
	int rc;

	o.keys = mv_generations_keys(g);
	o.n = g->n;
	rc = mv_rows_prove_some(s, &o, &rows, err);
	return rc < 0 ? rc : describe(run, g, &rows, err);
}

/* Not even an answer: said in the snapshot, too. */
static int
note_untold(struct mv_backup_run *run, const struct mv_err *why, bool heard,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	char reason[MV_ERR_TEXT_MAX];
	const char *said;

	(void)mv_err_text(why, reason, sizeof(reason));
	run->report->encrypted = json_pack("{s:n, s:s}", "fits", "reason",
	    reason);
	mv_buf_printf(&text, "whether the vault's secrets fit the database "
	    "cannot be told: %s", reason);
	said = mv_buf_cstr(&text);
	if (said == NULL)
		return mv_buf_failed(&text, err);
	return heard ? mv_named_add(&run->report->problems, said, text.len,
	    err) : 0;
}

int
mv_backup_prove_rows(struct mv_backup_run *run, struct mv_pg_session *s,
    json_t *database, struct mv_err *err)
{
	mv_auto(mv_generations_clear) struct mv_generations g = { 0 };
	struct mv_err why = { 0 };
	bool heard;
	int rc;

	if (run->opts->dry_run)
		return 0;
	rc = collect(run, &g, &why);
	/* A host without the vault's key, or without anything in it. */
	heard = rc != MV_EAUTH && rc != MV_ENOTFOUND;
	if (rc == 0) {
		rc = prove(run, s, &g, &why);
		/* A database that is no Mastodon's. */
		heard = rc != MV_ENOTFOUND;
	}
	if (rc == MV_EINTR || rc == MV_ENOMEM) {
		if (err != NULL)
			*err = why;
		return rc;
	}
	if (rc < 0)
		rc = note_untold(run, &why, heard, err);
	return rc < 0 ? rc : mv_json_set(database, "encrypted",
	    json_incref(run->report->encrypted), err);
}
