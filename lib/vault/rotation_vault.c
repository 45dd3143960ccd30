/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/crypto.h"
#include "vault/rotation_internal.h"

void
mv_generation_clear(struct mv_generation *g)
{
	mv_vault_file_clear(&g->file);
	mv_dotenv_freep(&g->env);
	mv_database_clear(&g->database);
	mv_rows_keys_freep(&g->keys);
}

int
mv_generation_open(struct mv_generation *g, const struct mv_site_opts *site,
    bool rows, struct mv_err *err)
{
	int rc;

	rc = mv_site_settings(site, g->file.bytes.p, g->file.bytes.len,
	    &g->env, err);
	if (rc == 0)
		rc = mv_database_init(&g->database, g->env, err);
	if (rc == 0 && rows)
		rc = mv_rows_keys_new(g->env, &g->keys, err);
	return rc;
}

static struct mv_vault_reason
reason_for(const struct mv_rotating *r, enum mv_vault_kind kind,
    const char *text)
{
	return (struct mv_vault_reason){
		.host = r->place->host,
		.operator_name = r->place->operator_name,
		.reason = text,
		.kind = kind,
	};
}

int
mv_rotation_put_pending(struct mv_rotating *r, struct mv_err *err)
{
	const struct mv_vault_reason why = reason_for(r, MV_VAULT_PENDING,
	    r->opts->reason != NULL ? r->opts->reason : "rotation");
	mv_auto(mv_vault_clear) struct mv_vault v = { 0 };
	const struct mv_vault_version *old;
	struct mv_vault_ref ref;
	int rc;

	rc = mv_vault_load(r->place->repo, &v, err);
	if (rc == 0)
		rc = mv_vault_number(&v, r->j.old_version, &old, err);
	if (rc == 0)
		rc = mv_vault_append(r->place->repo, &r->next.file, &why,
		    &old->hash, &ref, err);
	if (rc == 0)
		r->j.pending_version = ref.number;
	return rc;
}

/* What was done to the rows, as a version tells it; to be freed. */
static int
done_of(const struct mv_rotating *r, struct mv_vault_done **out, size_t *n,
    struct mv_err *err)
{
	const struct mv_rows_report *rows = &r->report->rows;
	struct mv_vault_done *list = calloc(rows->n + 1, sizeof(*list));
	size_t i;

	*out = list;
	*n = 0;
	if (list == NULL)
		return mv_err_set(err, MV_ENOMEM, "list what was done");
	for (i = 0; i < rows->n; i++) {
		const struct mv_rows_column *c = &rows->columns[i];

		if (asprintf(&list[i].what, "%s.%s", c->fact->table,
		    c->fact->column) < 0) {
			list[i].what = NULL;
			return mv_err_set(err, MV_ENOMEM,
			    "list what was done");
		}
		list[(*n)++].rows = c->converted + c->current;
	}
	return 0;
}

static void
done_free(struct mv_vault_done *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free(list[i].what);
	free(list);
}

/* The generation in force as a version of its own. */
static int
append_settled(struct mv_rotating *r, const struct mv_vault_version *newest,
    const char *reason, struct mv_err *err)
{
	struct mv_vault_reason why = reason_for(r, MV_VAULT_SETTLED, reason);
	struct mv_vault_done *done = NULL;
	struct mv_vault_ref ref = { 0 };
	int rc = 0;

	if (!r->j.undo)
		rc = done_of(r, &done, &why.ndone, err);
	why.done = done;
	if (rc == 0)
		rc = mv_vault_append(r->place->repo, r->j.undo ?
		    &r->old.file : &r->next.file, &why, &newest->hash, &ref,
		    err);
	done_free(done, why.ndone);
	r->report->vault_version = ref.number;
	return rc;
}

/* Words for the history; those of the pending version are repeated. */
static int
reason_text(struct mv_rotating *r, const struct mv_vault_version *pending,
    char **out, struct mv_err *err)
{
	mv_auto(mv_vault_file_clear) struct mv_vault_file f = { 0 };
	mv_auto(mv_vault_note_clear) struct mv_vault_note note = { 0 };
	int rc;

	rc = mv_vault_open_noted(r->place->repo, pending, &f, &note, err);
	if (rc < 0)
		return rc;
	if (asprintf(out, "%s%s", note.reason, r->j.undo ? " (undone)" : "") <
	    0) {
		*out = NULL;
		return mv_err_set(err, MV_ENOMEM, "name a reason");
	}
	return 0;
}

/* What is pending may be somebody else's, who was quicker than we. */
static int
is_ours(struct mv_rotating *r, const struct mv_vault_version *v, bool *ours,
    struct mv_err *err)
{
	mv_auto(mv_vault_file_clear) struct mv_vault_file f = { 0 };
	bool pending = false;
	int rc;

	*ours = false;
	rc = mv_vault_is_pending(r->place->repo, v, &pending, err);
	if (rc < 0 || !pending)
		return rc;
	rc = mv_vault_open(r->place->repo, v, &f, err);
	*ours = rc == 0 && f.bytes.len == r->next.file.bytes.len &&
	    mv_equal(f.bytes.p, r->next.file.bytes.p, f.bytes.len);
	return rc;
}

int
mv_rotation_settle(struct mv_rotating *r, struct mv_err *err)
{
	mv_auto(mv_vault_clear) struct mv_vault v = { 0 };
	mv_auto(mv_freep) char *reason = NULL;
	const struct mv_vault_version *newest;
	bool ours = false;
	int rc;

	rc = mv_vault_load(r->place->repo, &v, err);
	if (rc == 0)
		rc = mv_vault_newest(&v, &newest, err);
	if (rc == 0)
		rc = is_ours(r, newest, &ours, err);
	if (rc < 0)
		return rc;
	/* It was never there, or was settled before we were killed. */
	r->report->vault_version = newest->number;
	if (!ours)
		return 0;
	rc = reason_text(r, newest, &reason, err);
	return rc < 0 ? rc : append_settled(r, newest, reason, err);
}
