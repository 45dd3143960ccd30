/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mastodon/dotenv_edit.h"
#include "vault/rotation_plan.h"

#define ENV_FILE_MAX ((size_t)4 << 20)
#define PATIENCE 5

static void
items_clear(struct mv_rotation_plan *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		mv_secret_free(p->items[i].value);
	free(p->items);
	for (i = 0; i < p->nleft; i++)
		free(p->left[i]);
	free(p->left);
}

void
mv_rotation_plan_free(struct mv_rotation_plan *p)
{
	if (p == NULL)
		return;
	items_clear(p);
	free(p->database);
	free(p->server);
	mv_rows_report_clear(&p->counts);
	mv_vault_file_clear(&p->old);
	mv_vault_file_clear(&p->next);
	free(p);
}

void
mv_rotation_plan_freep(struct mv_rotation_plan **p)
{
	mv_rotation_plan_free(*p);
	*p = NULL;
}

void
mv_planning_clear(struct mv_planning *p)
{
	mv_link_clear(&p->link);
	mv_generation_clear(&p->old);
	mv_generation_clear(&p->next);
	mv_site_free(p->site);
	mv_rotation_plan_free(p->plan);
}

/*
 * What Mastodon reads it by afterwards.  A mode that lets others read is made
 * stricter, but where root owns the file its group is how Mastodon reads it.
 */
static unsigned
strict_mode(const struct stat *st)
{
	unsigned keep = 0600;

	if (st->st_uid == 0 && st->st_gid != 0)
		keep |= 0040;
	return st->st_mode & keep;
}

static int
read_file(struct mv_planning *p, struct mv_err *err)
{
	struct mv_vault_file *old = &p->old.file, *next = &p->plan->next;
	const char *path = p->site->env_file;
	struct stat st;
	int rc;

	rc = mv_sbuf_read_file(&old->bytes, path, ENV_FILE_MAX, err);
	if (rc < 0)
		return rc;
	if (stat(path, &st) < 0)
		return mv_err_sys(err, "stat '%s'", path);
	old->path = strdup(path);
	next->path = strdup(path);
	if (old->path == NULL || next->path == NULL)
		return mv_err_set(err, MV_ENOMEM, "read '%s'", path);
	old->mode = st.st_mode & 07777;
	next->mode = strict_mode(&st);
	return mv_generation_open(&p->old, &p->place->site, true, err);
}

static int
text_of(const json_t *row, const char *key, char **out, struct mv_err *err)
{
	const char *text = json_string_value(json_object_get(row, key));

	*out = strdup(text != NULL ? text : "");
	return *out != NULL ? 0 : mv_err_set(err, MV_ENOMEM, "plan");
}

/* Which Mastodon this is, and where. */
static int
read_database(struct mv_planning *p, struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *row = NULL, *where = NULL;
	const char *version;
	int rc;

	p->link.place = p->place;
	p->link.uid = p->site->uid;
	p->link.gid = p->site->gid;
	p->link.as[0] = &p->old.database;
	p->link.patience = PATIENCE;
	rc = mv_link_open(&p->link, err);
	if (rc == 0)
		rc = mv_pg_query_row(p->link.s, "SELECT max(version)::text "
		    "AS v FROM public.schema_migrations", &row, err);
	if (rc == 0)
		rc = mv_pg_query_row(p->link.s, "SELECT current_database() "
		    "AS db, coalesce(host(inet_server_addr()), 'this host') "
		    "AS server", &where, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "look at Mastodon's database");
	version = json_string_value(json_object_get(row, "v"));
	if (version == NULL)
		return mv_err_set(err, MV_ENOTFOUND,
		    "the database is none of Mastodon's: no migrations");
	rc = mv_schema_parse(version, &p->plan->schema, err);
	if (rc == 0)
		rc = text_of(where, "db", &p->plan->database, err);
	if (rc == 0)
		rc = text_of(where, "server", &p->plan->server, err);
	mv_schema_label(p->plan->schema, p->plan->version);
	return rc;
}

/* Nothing of another rotation may be in the way. */
static int
refuse_unfinished(const struct mv_rotation_place *place, struct mv_err *err)
{
	mv_auto(mv_vault_clear) struct mv_vault v = { 0 };
	mv_auto(mv_journal_clear) struct mv_journal j = { 0 };
	const struct mv_vault_version *before = NULL;
	struct mv_err why = { 0 };
	int rc;

	rc = mv_rotation_journal(place->state_dir, &j, &why);
	if (rc == 0 || rc == MV_ECORRUPT)
		return mv_err_set(err, MV_EREFUSED, "a rotation of secrets "
		    "is under way or was not finished");
	if (rc != MV_ENOTFOUND) {
		if (err != NULL)
			*err = why;
		return rc;
	}
	rc = mv_vault_load(place->repo, &v, err);
	if (rc == 0)
		rc = mv_vault_before(place->repo, &v, &before, err);
	if (rc == 0 && before != NULL)
		rc = mv_err_set(err, MV_EREFUSED, "a rotation of secrets is "
		    "under way or was not finished, maybe on another host");
	return rc;
}

/* The file with the new values, and what follows from it. */
static int
compose(struct mv_planning *p, struct mv_err *err)
{
	struct mv_rotation_plan *plan = p->plan;
	mv_auto(mv_freep) struct mv_dotenv_change *changes =
	    calloc(plan->n + 1, sizeof(*changes));
	size_t i;
	int rc;

	if (changes == NULL)
		return mv_err_set(err, MV_ENOMEM, "plan");
	for (i = 0; i < plan->n; i++)
		changes[i] = (struct mv_dotenv_change){
			.key = plan->items[i].fact->name,
			.value = mv_secret_bytes(plan->items[i].value),
			.len = mv_secret_len(plan->items[i].value),
		};
	rc = mv_dotenv_edit(p->old.file.bytes.p, p->old.file.bytes.len,
	    changes, plan->n, &plan->next.bytes, err);
	if (rc == 0)
		rc = mv_sbuf_put(&p->next.file.bytes, plan->next.bytes.p,
		    plan->next.bytes.len, err);
	if (rc == 0)
		rc = mv_generation_open(&p->next, &p->place->site, plan->rows,
		    err);
	return mv_err_ctx(err, rc, "'%s'", p->site->env_file);
}

static void
sum_up(struct mv_planning *p)
{
	struct mv_rotation_plan *plan = p->plan;
	size_t i;

	plan->services = p->opts->services;
	for (i = 0; i < plan->n; i++) {
		plan->services |= plan->items[i].fact->restart;
		plan->rows |= plan->items[i].fact->effect == MV_EFFECT_ROWS;
		plan->push |= plan->items[i].fact->effect == MV_EFFECT_PUSH;
	}
	/*
	 * Streaming never writes, but its sessions are of the same role: who
	 * is to be sure that nobody is left has to stop it, too.
	 */
	if (plan->rows)
		plan->services |= MV_RESTART_WEB | MV_RESTART_SIDEKIQ |
		    MV_RESTART_STREAMING;
}

static int
count_rows(struct mv_pg_session *s, void *arg, struct mv_err *err)
{
	struct mv_planning *p = arg;
	const struct mv_rows_keys *from[] = { p->old.keys };
	const struct mv_rows_opts o = {
		.from = from, .nfrom = 1, .to = p->next.keys,
		.skip_undecryptable = p->opts->skip_undecryptable,
		.dry_run = true, .jobs = p->opts->jobs,
	};

	return mv_rows_convert(s, &o, &p->plan->counts, err);
}

static int
count(struct mv_planning *p, struct mv_err *err)
{
	int rc = 0;

	if (p->plan->rows) {
		rc = mv_pg_exec(p->link.s, "BEGIN", err);
		if (rc == 0)
			rc = count_rows(p->link.s, p, err);
		/* Its end is the session's, which is of no further use. */
		if (rc == 0)
			rc = mv_pg_exec(p->link.s, "ROLLBACK", err);
		if (rc < 0)
			mv_link_drop(&p->link);
	}
	if (rc == 0 && p->plan->push)
		rc = mv_link_number(p->link.s, "SELECT count(*) AS n FROM "
		    "public.web_push_subscriptions", &p->plan->subscriptions,
		    err);
	return rc;
}

int
mv_rotation_plan_new(const struct mv_rotation_place *place,
    const struct mv_rotation_opts *opts, struct mv_rotation_plan **out,
    struct mv_err *err)
{
	mv_auto(mv_planning_clear) struct mv_planning p = {
		.place = place,
		.opts = opts,
	};
	int rc;

	p.plan = calloc(1, sizeof(*p.plan));
	if (p.plan == NULL)
		return mv_err_set(err, MV_ENOMEM, "plan");
	rc = refuse_unfinished(place, err);
	if (rc == 0)
		rc = mv_site_open(&place->site, &p.site, err);
	if (rc == 0)
		rc = read_file(&p, err);
	if (rc == 0)
		rc = read_database(&p, err);
	if (rc == 0)
		rc = mv_planning_names(&p, err);
	if (rc < 0)
		return rc;
	sum_up(&p);
	rc = compose(&p, err);
	if (rc == 0)
		rc = mv_planning_check(&p, err);
	if (rc == 0)
		rc = count(&p, err);
	/* Rows that do not decrypt are shown, whatever is made of them. */
	if (rc < 0 && rc != MV_EREFUSED)
		return rc;
	p.plan->old = p.old.file;
	p.old.file = (struct mv_vault_file){ 0 };
	*out = mv_take(&p.plan);
	return rc;
}
