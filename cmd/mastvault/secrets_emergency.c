/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/time.h"
#include "mastvault/backup_how.h"
#include "mastvault/output.h"
#include "mastvault/rotate.h"
#include "mastvault/source.h"
#include "vault/incident.h"

/*
 * secrets_emergency: after a leak.  Looks and counts, asks, takes the
 * evidence, writes the record, and only then changes anything; from there it
 * goes forward only.
 */
struct emergency {
	struct mv_secrets *s;
	struct mv_rotate r;
	struct mv_rotation_plan *plan;
	struct mv_exposed exposed;
	struct mv_strv by_hand;
	int64_t aware, begun;
	char snapshot[65];		/* "": none */
};

static void
emergency_clear(struct emergency *e)
{
	mv_rotation_plan_free(e->plan);
	mv_strv_clear(&e->by_hand);
	mv_rotate_clear(&e->r);
}

static const char *
asked(bool yes)
{
	return yes ? "yes" : "no";
}

static int
check_usage(struct emergency *e, struct mv_err *err)
{
	const struct mv_cli *cli = e->s->cli;
	int rc = 0;

	if (e->s->nargs > 0)
		return mv_err_set(err, MV_EUSAGE, "'secrets rotate "
		    "--emergency' takes no names: it rotates everything");
	e->begun = mv_time_now();
	e->aware = e->begun;
	if (cli->aware != NULL)
		rc = mv_time_parse(cli->aware, &e->aware, err);
	if (rc == 0 && e->aware > e->begun)
		return mv_err_set(err, MV_EUSAGE,
		    "--aware '%s' is in the future", cli->aware);
	return rc;
}

static void
set_opts(struct emergency *e)
{
	const struct mv_cli *cli = e->s->cli;
	struct mv_rotate *r = &e->r;

	r->revoke.tokens = cli->revoke_tokens;
	r->revoke.sessions = cli->revoke_sessions;
	r->revoke.two_factor = cli->reset_2fa;
	r->opts.all = true;
	r->opts.reason = cli->reason != NULL ? cli->reason : "emergency";
	r->opts.forward_only = true;
	r->opts.skip_undecryptable = true;
	r->opts.in_database = mv_revoke_in_database;
	r->opts.in_database_arg = &r->revoke;
	/* Open connections are let in once, and no statement ends them. */
	if (cli->revoke_tokens || cli->revoke_sessions)
		r->opts.services |= MV_RESTART_STREAMING;
}

static int
count_all(struct emergency *e, struct mv_err *err)
{
	mv_auto(mv_source_clear) struct mv_source_of src = { 0 };
	mv_auto(mv_pg_freep) struct mv_pg *pg = NULL;
	mv_auto(mv_pg_session_freep) struct mv_pg_session *s = NULL;
	struct mv_pg_target target;
	int rc;

	rc = mv_source_open(e->s->c.env, MV_PART_DB, &src, err);
	if (rc < 0)
		return rc;
	target = (struct mv_pg_target){
		.conninfo = src.source.conninfo,
		.password = src.source.db_password,
		.exec_prefix = src.source.exec_prefix,
		.uid = src.source.uid,
		.gid = src.source.gid,
		.pg_bin = src.source.pg_bin,
	};
	rc = mv_pg_new(&target, &pg, err);
	if (rc == 0)
		rc = mv_pg_session_open(pg, NULL, &s, err);
	if (rc == 0)
		rc = mv_exposed_count(s, &e->exposed, err);
	if (rc == 0)
		rc = mv_revoke_count(s, &e->r.revoke, err);
	if (rc == 0)
		rc = mv_emergency_list(&e->r, e->plan, &e->exposed,
		    src.site->env, &e->by_hand, err);
	return mv_err_ctx(err, rc, "count what is within reach");
}

static void
say_all(const struct emergency *e)
{
	const struct mv_revoke *v = &e->r.revoke;
	const struct mv_exposed *x = &e->exposed;
	size_t i;

	mv_rotate_say_plan(&e->r, e->plan);
	mv_say("within reach, if database and env-file were read: %" PRIu64
	    " users, %" PRIu64 " addresses, %" PRIu64 " private messages, %"
	    PRIu64 " tokens\n", x->users, x->addresses, x->messages,
	    x->tokens);
	mv_say("revoked: links in mails and push subscriptions always; apps' "
	    "tokens: %s; sessions: %s; two-factor login: %s\n",
	    asked(v->tokens), asked(v->sessions), asked(v->two_factor));
	for (i = 0; i < v->report.n; i++) {
		const struct mv_disarmed *d = &v->report.list[i];

		mv_say("  %8" PRIu64 "  %s%s%s: %s\n", d->rows,
		    d->fact->table, d->fact->columns != NULL ? "." : "",
		    d->fact->columns != NULL ? d->fact->columns : "",
		    d->problem != NULL ? d->problem : d->fact->what);
	}
}

static void
say_by_hand(const struct emergency *e)
{
	size_t i;

	mv_say("left to do by hand:\n");
	for (i = 0; i < e->by_hand.n; i++)
		mv_say("  [ ] %s\n", e->by_hand.v[i]);
}

static json_t *
by_hand_json(const struct emergency *e)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < e->by_hand.n; i++)
		json_array_append_new(list, json_string(e->by_hand.v[i]));
	return list;
}

/* Nothing has been touched. */
static int
dry_run(struct emergency *e, struct mv_err *err)
{
	const struct mv_exposed *x = &e->exposed;
	json_t *doc = mv_rotate_plan_json(&e->r, e->plan);

	say_by_hand(e);
	if (doc == NULL)
		return mv_err_set(err, MV_ENOMEM, "show the plan");
	json_object_set_new(doc, "emergency", json_true());
	json_object_set_new(doc, "revoke", mv_disarm_json(
	    &e->r.revoke.report));
	json_object_set_new(doc, "exposed", json_pack("{sI sI sI sI sI}",
	    "users", (json_int_t)x->users, "addresses",
	    (json_int_t)x->addresses, "private_messages",
	    (json_int_t)x->messages, "tokens", (json_int_t)x->tokens,
	    "sessions", (json_int_t)x->sessions));
	json_object_set_new(doc, "by_hand", by_hand_json(e));
	json_object_set_new(doc, "snapshot", json_boolean(
	    !e->s->cli->no_snapshot));
	return mv_output_json(doc, err);
}

/* The database and the secrets as they are, before anything changes. */
static int
take_evidence(struct emergency *e, struct mv_err *err)
{
	static const char *const tags[] = { "incident", NULL };
	mv_auto(mv_backup_how_clear) struct mv_backup_how how = { 0 };
	mv_auto(mv_context_clear) struct mv_context c = {
		.upload = &how.upload,
	};
	mv_auto(mv_source_clear) struct mv_source_of src = { 0 };
	mv_auto(mv_backup_report_clear) struct mv_backup_report report = { 0 };
	const struct mv_cli *given = e->s->cli;
	struct mv_cli cli = {
		.config = given->config, .env = given->env,
		.stores = given->stores, .state_dir = given->state_dir,
		.passphrase_file = given->passphrase_file,
	};
	size_t i;
	int rc;

	mv_say("taking a snapshot as evidence\n");
	rc = mv_context_configure(&cli, &c, err);
	if (rc == 0)
		rc = mv_backup_how(&cli, c.env, &how, err);
	how.opts.parts = MV_PART_DB | MV_PART_SECRETS;
	how.opts.tags = tags;
	how.opts.pinned = true;
	if (rc == 0)
		rc = mv_context_open(&cli, MV_WANT_WRITE, &c, err);
	if (rc == 0)
		rc = mv_source_open(c.env, how.opts.parts, &src, err);
	if (rc == 0)
		rc = mv_job_backup(c.repo, &src.source, &how.opts, &report,
		    err);
	if (rc < 0) {
		mv_hint("nothing was changed; --no-snapshot goes on without "
		    "evidence");
		return mv_err_ctx(err, rc, "the snapshot as evidence");
	}
	mv_hint(NULL);
	for (i = 0; i < report.problems.n; i++)
		mv_output_problem("%s", report.problems.names[i]);
	mv_hex_encode(report.snapshot.b, sizeof(report.snapshot.b),
	    e->snapshot);
	mv_say("snapshot %.12s, pinned\n", e->snapshot);
	return 0;
}

/* On the disk before anything is rotated, and known to the journal. */
static int
open_record(struct emergency *e, struct mv_err *err)
{
	const struct mv_incident_facts facts = {
		.environment = e->s->c.name,
		.host = e->r.host,
		.operator_name = e->r.place.operator_name,
		.reason = e->s->cli->reason,
		.mastodon = e->plan->version,
		.database = e->plan->database,
		.server = e->plan->server,
		.aware = e->aware,
		.begun = e->begun,
		.snapshot = e->snapshot[0] != '\0' ? e->snapshot : NULL,
		.exposed = &e->exposed,
		.revoke = &e->r.revoke,
		.by_hand = e->by_hand.v,
		.nby_hand = e->by_hand.n,
	};
	mv_auto(mv_freep) char *path = NULL;
	json_t *doc = NULL;
	int rc;

	rc = mv_incident_new(&facts, &doc, err);
	if (rc == 0)
		rc = mv_incident_write(e->s->c.state_dir, doc, &path, err);
	json_decref(doc);
	if (rc < 0)
		return rc;
	if (json_object_set_new(e->r.extra, "emergency", json_pack(
	    "{ss sb sb sb}", "record", path, "tokens", e->r.revoke.tokens,
	    "sessions", e->r.revoke.sessions, "two_factor",
	    e->r.revoke.two_factor)) < 0)
		return mv_err_set(err, MV_ENOMEM, "note the record");
	return 0;
}

static void
say_deadline(const struct emergency *e)
{
	char when[MV_TIME_TEXT];

	mv_time_local(e->aware + MV_INCIDENT_HOURS * 3600, when);
	mv_say("the authority is to be told by %s (72 hours); 'mastvault "
	    "secrets incident' shows the record again, with drafts\n", when);
}

/* What is done is told, whatever went wrong behind it. */
static int
finish(struct emergency *e, const struct mv_rotation_report *report, int rc,
    struct mv_err *err)
{
	const struct mv_revoke *v = &e->r.revoke;
	struct mv_err other = { 0 };
	json_t *doc;
	size_t i;
	int end;

	end = mv_emergency_end(&e->r, report, rc, &other);
	for (i = 0; i < v->report.n; i++) {
		if (v->report.list[i].problem == NULL)
			continue;
		mv_output_problem("not revoked: %s",
		    v->report.list[i].problem);
		*e->s->exit = MV_EXIT_PARTIAL;
	}
	for (i = 0; i < report->rows.n; i++)
		if (report->rows.columns[i].undecryptable > 0)
			*e->s->exit = MV_EXIT_PARTIAL;
	if (rc == 0)
		mv_rotate_say_report(report);
	say_by_hand(e);
	say_deadline(e);
	doc = mv_rotate_report_json(&e->r, report);
	if (doc != NULL) {
		json_object_set_new(doc, "snapshot", e->snapshot[0] != '\0' ?
		    json_string(e->snapshot) : json_null());
		json_object_set_new(doc, "revoked",
		    mv_disarm_json(&v->report));
		json_object_set_new(doc, "by_hand", by_hand_json(e));
		json_object_set(doc, "record", json_object_get(
		    json_object_get(e->r.extra, "emergency"), "record"));
	}
	if (rc < 0) {
		(void)!mv_output_json(doc, NULL);
		return rc;
	}
	if (end < 0) {
		json_decref(doc);
		if (err != NULL)
			*err = other;
		return end;
	}
	return mv_output_json(doc, err);
}

static int
carry_out(struct emergency *e, struct mv_err *err)
{
	mv_auto(mv_rotation_report_clear) struct mv_rotation_report report =
	    { 0 };
	int rc = 0;

	if (!e->s->cli->no_snapshot)
		rc = take_evidence(e, err);
	if (rc == 0)
		rc = open_record(e, err);
	if (rc < 0)
		return rc;
	mv_disarm_report_clear(&e->r.revoke.report);
	rc = mv_rotate_run(&e->r, e->plan, &report, err);
	return finish(e, &report, rc, err);
}

int
mv_secrets_emergency(struct mv_secrets *s, struct mv_err *err)
{
	mv_auto(emergency_clear) struct emergency e = { .s = s };
	int rc;

	rc = check_usage(&e, err);
	if (rc == 0)
		rc = mv_rotate_settle(s, err);
	if (rc == 0)
		rc = mv_rotate_init(&e.r, s, NULL, err);
	if (rc < 0)
		return rc;
	set_opts(&e);
	rc = mv_rotation_plan_new(&e.r.place, &e.r.opts, &e.plan, err);
	if (rc == 0)
		rc = count_all(&e, err);
	if (rc < 0)
		return rc;
	say_all(&e);
	if (s->cli->dry_run)
		return dry_run(&e, err);
	rc = mv_rotate_feasible(&e.r, e.plan, err);
	if (rc == 0)
		rc = mv_rotate_confirm(&e.r, "Emergency: this replaces every "
		    "secret and does not go back", err);
	return rc < 0 ? rc : carry_out(&e, err);
}
