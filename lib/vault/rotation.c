/* SPDX-License-Identifier: MIT */
#include "vault/rotation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/stop.h"
#include "base/time.h"
#include "vault/rotation_internal.h"

#define PATIENCE 30

void
mv_rotation_report_clear(struct mv_rotation_report *r)
{
	size_t i;

	for (i = 0; i < r->nnames; i++)
		free(r->names[i]);
	free(r->names);
	mv_rows_report_clear(&r->rows);
	*r = (struct mv_rotation_report){ 0 };
}

void
mv_rotating_clear(struct mv_rotating *r)
{
	mv_stop_shield(false);
	mv_link_clear(&r->link);
	mv_generation_clear(&r->old);
	mv_generation_clear(&r->next);
	mv_journal_clear(&r->j);
	mv_journal_file_clear(&r->file);
	mv_fd_closep(&r->lock);
}

int
mv_rotation_path(const char *dir, const char *name, char **out,
    struct mv_err *err)
{
	if (asprintf(out, "%s/%s", dir, name) < 0) {
		*out = NULL;
		return mv_err_set(err, MV_ENOMEM, "path in '%s'", dir);
	}
	return 0;
}

int
mv_rotation_journal(const char *state_dir, struct mv_journal *out,
    struct mv_err *err)
{
	mv_auto(mv_journal_file_clear) struct mv_journal_file f =
	    MV_JOURNAL_FILE_INIT;
	mv_auto(mv_freep) char *path = NULL;
	int rc;

	rc = mv_rotation_path(state_dir, MV_ROTATION_JOURNAL, &path, err);
	return rc < 0 ? rc : mv_journal_open(path, &f, out, err);
}

int
mv_rotating_lock(struct mv_rotating *r, struct mv_err *err)
{
	mv_auto(mv_freep) char *path = NULL;
	struct mv_err why = { 0 };
	int rc;

	rc = mv_dir_make(r->place->state_dir, 0700, err);
	if (rc == 0)
		rc = mv_rotation_path(r->place->state_dir, "rotation.lock",
		    &path, err);
	if (rc < 0)
		return rc;
	rc = mv_file_lock(path, &r->lock, &why);
	if (rc == MV_EAGAIN)
		return mv_err_set(err, rc,
		    "another rotation is running on this host");
	if (rc < 0 && err != NULL)
		*err = why;
	return rc;
}

/* What follows from names and generations. */
int
mv_rotating_prepare(struct mv_rotating *r, struct mv_err *err)
{
	char *const *names = r->j.names;
	size_t n = r->j.nnames;
	struct stat st;
	int rc;

	r->rows = mv_rotation_has_effect(names, n, MV_EFFECT_ROWS);
	r->role = mv_rotation_has_effect(names, n, MV_EFFECT_ROLE);
	r->redis = mv_rotation_has_effect(names, n, MV_EFFECT_REDIS);
	r->push = mv_rotation_has_effect(names, n, MV_EFFECT_PUSH);
	rc = mv_generation_open(&r->old, &r->place->site, r->rows, err);
	if (rc == 0)
		rc = mv_generation_open(&r->next, &r->place->site, r->rows,
		    err);
	if (rc < 0)
		return rc;
	if (stat(r->old.file.path, &st) < 0)
		return mv_err_sys(err, "stat '%s'", r->old.file.path);
	r->link.place = r->place;
	r->link.uid = st.st_uid;
	r->link.gid = st.st_gid;
	r->link.as[0] = &r->old.database;
	r->link.as[1] = &r->next.database;
	r->link.patience = r->opts->patience > 0 ? r->opts->patience :
	    PATIENCE;
	return 0;
}

/* Intent first, and on the disk; then the deed. */
static int
do_step(struct mv_rotating *r, enum mv_rotation_step step, struct mv_err *err)
{
	int rc;

	r->j.step = step;
	if (!r->j.undo && step > r->j.reached)
		r->j.reached = step;
	rc = mv_journal_write(&r->file, &r->j, err);
	return rc < 0 ? rc : mv_rotation_step(r, step, err);
}

static int
go_forward(struct mv_rotating *r, enum mv_rotation_step from,
    struct mv_err *err)
{
	size_t step;
	int rc = 0;

	for (step = from; rc == 0 && step < MV_NSTEPS; step++)
		rc = do_step(r, (enum mv_rotation_step)step, err);
	return rc;
}

/* Does the way back need this step, having come so far? */
static bool
is_to_undo(const struct mv_rotating *r, enum mv_rotation_step step)
{
	bool changed = r->j.reached >= MV_STEP_DATABASE;

	switch (step) {
	case MV_STEP_PENDING:
	case MV_STEP_AFTER:
		return false;
	case MV_STEP_START:
		return r->j.reached >= MV_STEP_STOP;
	case MV_STEP_COMMIT:
		return true;
	case MV_STEP_ROLE:
	case MV_STEP_REDIS:
	case MV_STEP_FILE:
	case MV_STEP_APPLY:
		return r->j.reached >= step;
	case MV_STEP_STOP:
	case MV_STEP_DATABASE:
	case MV_STEP_VERIFY:
	case MV_STEP_SWEEP:
	case MV_NSTEPS:
		break;
	}
	return changed;
}

/* Nobody interrupts this: half a way back is worse than none. */
int
mv_rotating_back(struct mv_rotating *r, struct mv_err *err)
{
	size_t step;
	int rc = 0;

	mv_stop_shield(true);
	r->j.undo = true;
	for (step = MV_STEP_STOP; rc == 0 && step < MV_NSTEPS; step++)
		if (is_to_undo(r, (enum mv_rotation_step)step))
			rc = do_step(r, (enum mv_rotation_step)step, err);
	return rc;
}

/* All is on one generation: nothing is left to tell of. */
int
mv_rotating_conclude(struct mv_rotating *r, struct mv_err *err)
{
	int rc = mv_journal_remove(&r->file, err);

	if (rc == 0)
		r->report->outcome = r->j.undo ? MV_ROTATION_UNDONE :
		    MV_ROTATION_DONE;
	return rc;
}

/* Until the new values were seen to work, a failure is answered by undoing. */
static bool
is_to_go_back(const struct mv_rotating *r)
{
	return !r->j.forward_only && r->j.step <= MV_STEP_VERIFY;
}

/* rc is why we go back; err says so already, and gets how it went. */
static int
undo_after(struct mv_rotating *r, int rc, struct mv_err *err)
{
	char text[MV_ERR_TEXT_MAX];
	struct mv_err why = { 0 };
	int undone;

	undone = mv_rotating_back(r, &why);
	if (undone == 0)
		undone = mv_rotating_conclude(r, &why);
	if (undone == 0)
		return mv_err_ctx(err, rc, "undone, all is as it was before");
	(void)mv_err_text(&why, text, sizeof(text));
	return mv_err_ctx(err, rc, "not finished, and not undone yet (%s)",
	    text);
}

int
mv_rotating_go(struct mv_rotating *r, enum mv_rotation_step from,
    struct mv_err *err)
{
	int rc;

	r->report->outcome = MV_ROTATION_UNFINISHED;
	rc = go_forward(r, from, err);
	if (rc == 0)
		return mv_rotating_conclude(r, err);
	if (is_to_go_back(r))
		return undo_after(r, rc, err);
	return mv_err_ctx(err, rc, "not finished");
}

int
mv_rotating_names(char *const *names, size_t n, char ***out, size_t *nout,
    struct mv_err *err)
{
	size_t i;

	*out = calloc(n + 1, sizeof(char *));
	for (i = 0; *out != NULL && i < n; i++) {
		(*out)[i] = strdup(names[i]);
		if ((*out)[i] == NULL)
			break;
		(*nout)++;
	}
	if (*out == NULL || i < n)
		return mv_err_set(err, MV_ENOMEM, "list names");
	return 0;
}

static int
copy_file(const struct mv_vault_file *from, struct mv_vault_file *to,
    struct mv_err *err)
{
	to->mode = from->mode;
	to->path = strdup(from->path);
	if (to->path == NULL)
		return mv_err_set(err, MV_ENOMEM, "copy '%s'", from->path);
	return mv_sbuf_put(&to->bytes, from->bytes.p, from->bytes.len, err);
}

/* The env-file as it is has to be the newest version, or to become it. */
static int
keep_old(struct mv_rotating *r, struct mv_err *err)
{
	const struct mv_vault_reason why = {
		.host = r->place->host,
		.operator_name = r->place->operator_name,
		.reason = "before a rotation",
	};
	struct mv_vault_ref ref;
	bool added;
	int rc;

	rc = mv_vault_import(r->place->repo, &r->old.file, &why, &ref, &added,
	    err);
	if (rc < 0)
		return rc;
	if (ref.pending)
		return mv_err_set(err, MV_EREFUSED, "a rotation of secrets "
		    "is under way or was not finished, maybe on another "
		    "host");
	if (ref.number != ref.newest)
		return mv_err_set(err, MV_EREFUSED, "%s", ref.problem);
	r->j.old_version = ref.number;
	return 0;
}

static int
fill_journal(struct mv_rotating *r, const struct mv_rotation_plan *plan,
    struct mv_err *err)
{
	mv_auto(mv_freep) char **names = calloc(plan->n + 1, sizeof(char *));
	size_t i;
	int rc;

	if (names == NULL)
		return mv_err_set(err, MV_ENOMEM, "list names");
	for (i = 0; i < plan->n; i++)
		names[i] = strdup(plan->items[i].fact->name);
	rc = mv_rotating_names(names, plan->n, &r->j.names, &r->j.nnames, err);
	for (i = 0; i < plan->n; i++)
		free(names[i]);
	r->j.started = mv_time_now();
	r->j.services = plan->services;
	r->j.skip_undecryptable = r->opts->skip_undecryptable;
	r->j.forward_only = r->opts->forward_only;
	r->j.extra = json_deep_copy(r->opts->extra);
	return rc;
}

/* Locks, generations and a journal; nothing else has been touched. */
static int
begin(struct mv_rotating *r, const struct mv_rotation_plan *plan,
    struct mv_err *err)
{
	mv_auto(mv_freep) char *path = NULL;
	int rc;

	rc = mv_rotating_lock(r, err);
	if (rc == 0)
		rc = fill_journal(r, plan, err);
	if (rc == 0)
		rc = copy_file(&plan->old, &r->old.file, err);
	if (rc == 0)
		rc = copy_file(&plan->next, &r->next.file, err);
	if (rc == 0)
		rc = mv_rotating_prepare(r, err);
	if (rc == 0)
		rc = mv_link_lock(&r->link, err);
	if (rc == 0)
		rc = keep_old(r, err);
	if (rc == 0)
		rc = mv_rotation_path(r->place->state_dir, MV_ROTATION_JOURNAL,
		    &path, err);
	if (rc == 0)
		rc = mv_journal_create(path, &r->j, &r->file, err);
	return rc;
}

int
mv_rotation_run(const struct mv_rotation_place *place,
    const struct mv_rotation_plan *plan, const struct mv_rotation_opts *opts,
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
	int rc;

	rc = begin(&r, plan, err);
	if (rc == 0)
		rc = mv_rotating_names(r.j.names, r.j.nnames, &out->names,
		    &out->nnames, err);
	return rc < 0 ? rc : mv_rotating_go(&r, MV_STEP_PENDING, err);
}
