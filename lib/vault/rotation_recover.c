/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "vault/rotation_internal.h"

/* open_version: the bytes of one number. */
static int
open_version(struct mv_rotating *r, const struct mv_vault *v,
    uint64_t number, struct mv_vault_file *out, struct mv_err *err)
{
	const struct mv_vault_version *version;
	int rc;

	rc = mv_vault_number(v, number, &version, err);
	return rc < 0 ? rc : mv_vault_open(r->place->repo, version, out, err);
}

/* What was begun on another host has its journal and its files there. */
static int
refuse_foreign(struct mv_rotating *r, const struct mv_vault_version *pending,
    struct mv_vault_note *note, struct mv_err *err)
{
	mv_auto(mv_vault_file_clear) struct mv_vault_file f = { 0 };
	int rc;

	rc = mv_vault_open_noted(r->place->repo, pending, &f, note, err);
	if (rc == 0 && strcmp(note->host, r->place->host) != 0)
		rc = mv_err_set(err, MV_EREFUSED, "the rotation was begun "
		    "on host '%s': 'secrets recover' has to run there",
		    note->host);
	return rc;
}

/*
 * A journal that is lost: names are what the pending version changes, and how
 * far it came is not known.  Forward is right wherever that was.
 */
static int
make_journal(struct mv_rotating *r, const struct mv_vault *v,
    const struct mv_vault_version *before, const char *path,
    struct mv_err *err)
{
	const struct mv_vault_version *newest = &v->list[v->n - 1];
	mv_auto(mv_vault_note_clear) struct mv_vault_note note = { 0 };
	const struct mv_secret_fact *fact;
	size_t i;
	int rc;

	rc = refuse_foreign(r, newest, &note, err);
	if (rc < 0)
		return rc;
	rc = mv_rotating_names(note.changes, note.nchanges, &r->j.names,
	    &r->j.nnames, err);
	for (i = 0; i < r->j.nnames; i++) {
		fact = mv_secret_fact_find(r->j.names[i]);
		r->j.services |= fact != NULL ? fact->restart : 0;
		if (fact != NULL && fact->effect == MV_EFFECT_ROWS)
			r->j.services |= MV_RESTART_STREAMING;
	}
	r->j.old_version = before->number;
	r->j.pending_version = newest->number;
	r->j.started = newest->time;
	/* Rows that open with no key were found before, or will be now. */
	r->j.skip_undecryptable = r->opts->skip_undecryptable;
	r->j.reached = r->j.step = MV_STEP_APPLY;
	return rc < 0 ? rc : mv_journal_create(path, &r->j, &r->file, err);
}

/* Forward from where it was; services that run again are stopped first. */
static enum mv_rotation_step
resume_at(const struct mv_rotating *r)
{
	if (r->j.step <= MV_STEP_START)
		return MV_STEP_STOP;
	return r->j.step == MV_STEP_VERIFY ? MV_STEP_START : r->j.step;
}

static int
resume(struct mv_rotating *r, struct mv_err *err)
{
	bool back = r->j.undo || (r->j.reached < MV_STEP_DATABASE &&
	    !r->j.forward_only);
	int rc;

	r->report->outcome = MV_ROTATION_UNFINISHED;
	if (!back)
		return mv_rotating_go(r, resume_at(r), err);
	rc = mv_rotating_back(r, err);
	return rc < 0 ? mv_err_ctx(err, rc, "not undone yet") :
	    mv_rotating_conclude(r, err);
}

/* What the journal and the vault say together. */
static int
resume_with(struct mv_rotating *r, const struct mv_vault *v,
    const struct mv_vault_version *before, struct mv_err *err)
{
	mv_auto(mv_vault_note_clear) struct mv_vault_note note = { 0 };
	int rc;

	rc = mv_rotating_names(r->j.names, r->j.nnames, &r->report->names,
	    &r->report->nnames, err);
	if (rc < 0)
		return rc;
	if (before == NULL) {
		/* It ended, or never began: only the journal is left. */
		r->report->vault_version = v->list[v->n - 1].number;
		r->j.undo |= r->report->vault_version <= r->j.old_version;
		return mv_rotating_conclude(r, err);
	}
	if (before->number != r->j.old_version)
		return mv_err_set(err, MV_EREFUSED, "the journal tells of "
		    "another rotation than the vault: of version %llu, not "
		    "%llu", (unsigned long long)r->j.old_version,
		    (unsigned long long)before->number);
	r->j.pending_version = v->list[v->n - 1].number;
	rc = refuse_foreign(r, &v->list[v->n - 1], &note, err);
	if (rc == 0)
		rc = open_version(r, v, r->j.old_version, &r->old.file, err);
	if (rc == 0)
		rc = open_version(r, v, r->j.pending_version, &r->next.file,
		    err);
	if (rc == 0)
		rc = mv_rotating_prepare(r, err);
	return rc < 0 ? rc : resume(r, err);
}

static int
recover(struct mv_rotating *r, struct mv_err *err)
{
	mv_auto(mv_vault_clear) struct mv_vault v = { 0 };
	mv_auto(mv_freep) char *path = NULL;
	const struct mv_vault_version *before = NULL;
	struct mv_err why = { 0 };
	int rc, found;

	rc = mv_rotating_lock(r, err);
	if (rc == 0)
		rc = mv_rotation_path(r->place->state_dir, MV_ROTATION_JOURNAL,
		    &path, err);
	if (rc == 0)
		rc = mv_vault_load(r->place->repo, &v, err);
	if (rc == 0)
		rc = mv_vault_before(r->place->repo, &v, &before, err);
	if (rc < 0)
		return rc;
	found = mv_journal_open(path, &r->file, &r->j, &why);
	if (found == 0)
		return v.n > 0 ? resume_with(r, &v, before, err) :
		    mv_err_set(err, MV_EREFUSED, "the vault is empty");
	if (found != MV_ENOTFOUND) {
		if (err != NULL)
			*err = why;
		return found;
	}
	if (before == NULL)
		return 0;
	rc = make_journal(r, &v, before, path, err);
	return rc < 0 ? rc : resume_with(r, &v, before, err);
}

int
mv_rotation_recover(const struct mv_rotation_place *place,
    const struct mv_rotation_opts *opts,
    const struct mv_rotation_hooks *hooks, struct mv_rotation_report *out,
    struct mv_err *err)
{
	mv_auto(mv_rotating_clear) struct mv_rotating r = {
		.place = place,
		.opts = opts,
		.hooks = hooks,
		.report = out,
		.file = MV_JOURNAL_FILE_INIT,
		.lock = -1,
	};

	return recover(&r, err);
}
