/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/crypto.h"
#include "mastodon/dotenv_edit.h"
#include "mastodon/redis_place.h"
#include "vault/redis_password.h"
#include "vault/role_password.h"
#include "vault/rotation_internal.h"

#define ENV_FILE_MAX ((size_t)4 << 20)
#define REDIS_USES (MV_REDIS_SIDEKIQ + 1)

/* Where to, and where from, on the way that the journal says. */
static struct mv_generation *
target(struct mv_rotating *r)
{
	return r->j.undo ? &r->old : &r->next;
}

static struct mv_generation *
source(struct mv_rotating *r)
{
	return r->j.undo ? &r->next : &r->old;
}

bool
mv_rotation_has_effect(char *const *names, size_t n,
    enum mv_secret_effect effect)
{
	const struct mv_secret_fact *f;
	size_t i;

	for (i = 0; i < n; i++) {
		f = mv_secret_fact_find(names[i]);
		if (f != NULL && f->effect == effect)
			return true;
	}
	return false;
}

/* The rotated settings of one generation; to be freed.  Names are borrowed. */
static int
changes_to(struct mv_rotating *r, const struct mv_generation *g,
    struct mv_dotenv_change **out, struct mv_err *err)
{
	mv_auto(mv_freep) struct mv_dotenv_change *list =
	    calloc(r->j.nnames + 1, sizeof(*list));
	const uint8_t *value;
	size_t i;
	int rc = 0;

	if (list == NULL)
		return mv_err_set(err, MV_ENOMEM, "list new values");
	for (i = 0; rc == 0 && i < r->j.nnames; i++) {
		rc = mv_dotenv_get(g->env, r->j.names[i], &value,
		    &list[i].len, err);
		if (rc < 0)
			break;
		list[i].key = r->j.names[i];
		list[i].value = value != NULL ? value : (const uint8_t *)"";
		list[i].returns = r->j.undo;
	}
	if (rc == 0)
		*out = mv_take(&list);
	return rc;
}

static int
stop(struct mv_rotating *r, struct mv_err *err)
{
	const char *role = r->old.database.user;
	struct mv_err why = { 0 };
	char text[MV_ERR_TEXT_MAX];
	int rc = 0;

	if (r->j.services != 0)
		rc = r->hooks->stop(r->j.services, r->hooks->arg, err);
	if (rc < 0 || !r->rows)
		return rc;
	rc = mv_link_alone(&r->link, role, &why);
	/*
	 * On the way back the site must come up again, whoever looks on: the
	 * rows are converted back under a lock, and swept afterwards.
	 */
	if (rc == MV_EREFUSED && r->j.undo) {
		(void)mv_err_text(&why, text, sizeof(text));
		mv_warn("%s", text);
		return 0;
	}
	if (rc < 0 && err != NULL)
		*err = why;
	return rc;
}

/* convert: what one transaction does to the rows. */
struct convert {
	struct mv_rotating *r;
	bool sweep;
	struct mv_rows_report report;
};

static int
convert_rows(struct mv_pg_session *s, struct convert *c, struct mv_err *err)
{
	struct mv_rotating *r = c->r;
	const struct mv_rows_keys *from[] = { source(r)->keys };
	const struct mv_rows_opts o = {
		.from = from,
		.nfrom = 1,
		.to = target(r)->keys,
		/* Only going forward, the first time, it is a choice. */
		.skip_undecryptable = c->sweep || r->j.undo ||
		    r->j.skip_undecryptable,
		.jobs = r->opts->jobs,
	};

	mv_rows_report_clear(&c->report);
	return mv_rows_convert(s, &o, &c->report, err);
}

static int
change_database(struct mv_pg_session *s, void *arg, struct mv_err *err)
{
	struct convert *c = arg;
	struct mv_rotating *r = c->r;
	int rc = 0;

	if (r->rows)
		rc = convert_rows(s, c, err);
	if (rc == 0 && r->opts->in_database != NULL && !r->j.undo)
		rc = r->opts->in_database(s, r->opts->in_database_arg, err);
	/* Whoever subscribes from now on gets the new key. */
	if (rc == 0 && r->push && !r->j.undo)
		rc = mv_link_number(s, "SELECT max(id) AS n FROM "
		    "public.web_push_subscriptions", &r->j.push_max, err);
	return rc;
}

static int
database(struct mv_rotating *r, struct mv_err *err)
{
	struct convert c = { .r = r };
	int rc;

	if (!r->rows && !r->push && r->opts->in_database == NULL)
		return 0;
	rc = mv_link_transaction(&r->link, change_database, &c, err);
	r->j.has_push_max = rc == 0 && r->push && !r->j.undo;
	if (!r->j.undo) {
		mv_rows_report_clear(&r->report->rows);
		r->report->rows = c.report;
		c.report = (struct mv_rows_report){ 0 };
	}
	mv_rows_report_clear(&c.report);
	return rc;
}

static int
change_role(struct mv_pg_session *s, void *arg, struct mv_err *err)
{
	struct mv_rotating *r = arg;

	return mv_role_password_set(s, r->old.database.user,
	    target(r)->database.password, err);
}

static int
role(struct mv_rotating *r, struct mv_err *err)
{
	const struct mv_database *db = &target(r)->database;
	const struct mv_pg_target place = {
		.conninfo = db->conninfo,
		.exec_prefix = r->place->exec_prefix,
		.pg_bin = r->place->pg_bin,
		.uid = r->link.uid,
		.gid = r->link.gid,
	};
	bool used = false;
	int rc;

	if (!r->role)
		return 0;
	rc = mv_link_transaction(&r->link, change_role, r, err);
	if (rc == 0)
		rc = mv_role_password_try(&place, db->password, &used, err);
	return mv_err_ctx(err, rc, "the password of role '%s'", db->user);
}

/* One of Redis' servers, unless its password stays. */
static int
redis_one(struct mv_rotating *r, enum mv_redis_use use, struct mv_err *err)
{
	mv_auto(mv_redis_place_clear) struct mv_redis_place from = { 0 };
	mv_auto(mv_redis_place_clear) struct mv_redis_place to = { 0 };
	int rc;

	rc = mv_redis_place_init(&from, source(r)->env, use, err);
	if (rc == 0)
		rc = mv_redis_place_init(&to, target(r)->env, use, err);
	if (rc < 0 || from.password == NULL || to.password == NULL ||
	    (mv_secret_len(from.password) == mv_secret_len(to.password) &&
	    mv_equal(mv_secret_bytes(from.password),
	    mv_secret_bytes(to.password), mv_secret_len(to.password))))
		return rc;
	return mv_redis_password_set(&from, from.password, to.password, err);
}

static int
redis(struct mv_rotating *r, struct mv_err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && r->redis && i < REDIS_USES; i++) {
		struct mv_err why = { 0 };

		rc = redis_one(r, (enum mv_redis_use)i, &why);
		if (rc == MV_ENOTFOUND)
			rc = 0;
		else if (rc < 0 && err != NULL)
			*err = why;
	}
	return rc;
}

static bool
same_bytes(const struct mv_sbuf *a, const struct mv_sbuf *b)
{
	return a->len == b->len && mv_equal(a->p, b->p, a->len);
}

/* A file that somebody changed meanwhile keeps those changes. */
static int
file(struct mv_rotating *r, struct mv_err *err)
{
	mv_auto(mv_freep) struct mv_dotenv_change *changes = NULL;
	mv_auto(mv_sbuf_clear) struct mv_sbuf now = { 0 }, text = { 0 };
	const struct mv_vault_file *to = &target(r)->file;
	struct stat st;
	int rc;

	rc = mv_sbuf_read_file(&now, to->path, ENV_FILE_MAX, err);
	if (rc < 0 || same_bytes(&now, &to->bytes))
		return rc;
	if (stat(to->path, &st) < 0)
		return mv_err_sys(err, "stat '%s'", to->path);
	if (same_bytes(&now, &source(r)->file.bytes)) {
		rc = mv_sbuf_put(&text, to->bytes.p, to->bytes.len, err);
	} else {
		mv_warn("'%s' was changed meanwhile: those changes stay",
		    to->path);
		rc = changes_to(r, target(r), &changes, err);
		if (rc == 0)
			rc = mv_dotenv_edit(now.p, now.len, changes,
			    r->j.nnames, &text, err);
	}
	return rc < 0 ? rc : mv_file_replace(to->path, text.p, text.len,
	    to->mode, st.st_uid, st.st_gid, err);
}

/* The values as others get them: lines NAME=value. */
static int
values_to(struct mv_rotating *r, struct mv_sbuf *out, struct mv_err *err)
{
	mv_auto(mv_freep) struct mv_dotenv_change *changes = NULL;
	int rc = changes_to(r, target(r), &changes, err);

	return rc < 0 ? rc : mv_dotenv_edit("", 0, changes, r->j.nnames, out,
	    err);
}

static int
apply(struct mv_rotating *r, struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf values = { 0 };
	int rc;

	if (r->hooks->apply == NULL)
		return 0;
	rc = values_to(r, &values, err);
	return rc < 0 ? rc : r->hooks->apply(&values, r->j.undo,
	    r->hooks->arg, err);
}

static int
start(struct mv_rotating *r, struct mv_err *err)
{
	if (r->j.services == 0)
		return 0;
	return r->hooks->start(r->j.services, r->hooks->arg, err);
}

static int
verify(struct mv_rotating *r, struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf values = { 0 };
	struct mv_err why = { 0 };
	char text[MV_ERR_TEXT_MAX];
	int rc;

	if (r->hooks->verify == NULL)
		return 0;
	rc = values_to(r, &values, err);
	if (rc < 0)
		return rc;
	rc = r->hooks->verify(&values, r->j.undo, r->hooks->arg, &why);
	/* There is no way back from the way back. */
	if (rc < 0 && r->j.undo) {
		(void)mv_err_text(&why, text, sizeof(text));
		mv_warn("with the old values, too: %s", text);
		return 0;
	}
	if (rc < 0 && err != NULL)
		*err = why;
	return rc;
}

static int
sweep_rows(struct mv_pg_session *s, void *arg, struct mv_err *err)
{
	return convert_rows(s, arg, err);
}

static int
sweep(struct mv_rotating *r, struct mv_err *err)
{
	struct convert c = { .r = r, .sweep = true };
	int rc;

	if (!r->rows)
		return 0;
	rc = mv_link_transaction(&r->link, sweep_rows, &c, err);
	if (rc == 0)
		r->report->swept = mv_rows_converted(&c.report);
	/* After a resumed rotation this is all that is known of the rows. */
	if (rc == 0 && !r->j.undo && r->report->rows.n == 0) {
		r->report->rows = c.report;
		c.report = (struct mv_rows_report){ 0 };
	}
	mv_rows_report_clear(&c.report);
	return rc;
}

/* Browsers and apps subscribe anew, with the new key. */
static int
end_subscriptions(struct mv_pg_session *s, void *arg, struct mv_err *err)
{
	struct mv_rotating *r = arg;
	char sql[256];
	int rc;

	rc = mv_pg_execf(s, err, "UPDATE public.session_activations SET "
	    "web_push_subscription_id = NULL "
	    "WHERE web_push_subscription_id <= %llu",
	    (unsigned long long)r->j.push_max);
	(void)snprintf(sql, sizeof(sql), "SELECT count(*) AS n FROM "
	    "public.web_push_subscriptions WHERE id <= %llu",
	    (unsigned long long)r->j.push_max);
	if (rc == 0)
		rc = mv_link_number(s, sql, &r->report->subscriptions, err);
	if (rc == 0)
		rc = mv_pg_execf(s, err, "DELETE FROM "
		    "public.web_push_subscriptions WHERE id <= %llu",
		    (unsigned long long)r->j.push_max);
	return rc;
}

/* What has no way back comes when nobody will want one. */
static int
after(struct mv_rotating *r, struct mv_err *err)
{
	if (!r->push || r->j.undo || !r->j.has_push_max)
		return 0;
	return mv_link_transaction(&r->link, end_subscriptions, r, err);
}

/* Does anything happen in this step?  For whoever tells of it. */
static bool
is_needed(const struct mv_rotating *r, enum mv_rotation_step step)
{
	switch (step) {
	case MV_STEP_STOP:
	case MV_STEP_START:
		return r->j.services != 0;
	case MV_STEP_DATABASE:
	case MV_STEP_SWEEP:
		return r->rows;
	case MV_STEP_ROLE:
		return r->role;
	case MV_STEP_REDIS:
		return r->redis;
	case MV_STEP_APPLY:
		return r->hooks->apply != NULL;
	case MV_STEP_VERIFY:
		return r->hooks->verify != NULL;
	case MV_STEP_PENDING:
	case MV_STEP_FILE:
	case MV_STEP_AFTER:
	case MV_STEP_COMMIT:
	case MV_NSTEPS:
		break;
	}
	return true;
}

int
mv_rotation_step(struct mv_rotating *r, enum mv_rotation_step step,
    struct mv_err *err)
{
	static int (*const steps[MV_NSTEPS])(struct mv_rotating *,
	    struct mv_err *) = {
		[MV_STEP_PENDING] = mv_rotation_put_pending,
		[MV_STEP_STOP] = stop,
		[MV_STEP_DATABASE] = database,
		[MV_STEP_ROLE] = role,
		[MV_STEP_REDIS] = redis,
		[MV_STEP_FILE] = file,
		[MV_STEP_APPLY] = apply,
		[MV_STEP_START] = start,
		[MV_STEP_VERIFY] = verify,
		[MV_STEP_SWEEP] = sweep,
		[MV_STEP_AFTER] = after,
		[MV_STEP_COMMIT] = mv_rotation_settle,
	};

	r->report->step = step;
	if (r->hooks->step != NULL && is_needed(r, step))
		r->hooks->step(step, r->j.undo, r->hooks->arg);
	return mv_err_ctx(err, steps[step](r, err), "%s%s",
	    r->j.undo ? "on the way back, " : "",
	    mv_rotation_step_name(step));
}
