/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/time.h"
#include "mastvault/backup_how.h"
#include "mastvault/commands.h"
#include "mastvault/context.h"
#include "mastvault/hooks.h"
#include "mastvault/print_named.h"
#include "mastvault/output.h"
#include "mastvault/priority.h"
#include "mastvault/source.h"

static json_t *
redis_json(const struct mv_backup_report *r)
{
	char saved[MV_TIME_TEXT];

	mv_time_utc(r->redis_time, saved);
	return json_pack("{sI ss}", "bytes", (json_int_t)r->redis_bytes,
	    "saved", saved);
}

static json_t *
report_json(const struct mv_context *c, const struct mv_cli *cli,
    const struct mv_backup_report *r)
{
	char id[65];
	json_t *doc;

	mv_hex_encode(r->snapshot.b, sizeof(r->snapshot.b), id);
	doc = json_pack("{ss ss sI sI sI sI sf}", "snapshot", id,
	    "environment", c->name, "bytes_read",
	    (json_int_t)r->stats.bytes_read, "bytes_new",
	    (json_int_t)r->stats.bytes_new, "bytes_added",
	    (json_int_t)r->stats.bytes_added, "bytes_resumed",
	    (json_int_t)r->stats.bytes_resumed, "seconds", r->seconds);
	if (doc == NULL)
		return NULL;
	json_object_set_new(doc, "dry_run", json_boolean(cli->dry_run));
	if (cli->dry_run)
		json_object_set_new(doc, "snapshot", json_null());
	else
		json_object_set_new(doc, "head", json_string(r->head));
	json_object_set_new(doc, "database", (r->parts & MV_PART_DB) == 0 ?
	    json_null() : json_pack("{sI sI sI sI sf}", "bytes",
	    (json_int_t)r->db_bytes, "tables", (json_int_t)r->tables,
	    "copied_tables", (json_int_t)r->copied_tables, "rows",
	    (json_int_t)r->rows, "seconds", r->db_seconds));
	json_object_set_new(doc, "media", (r->parts & MV_PART_MEDIA) == 0 ?
	    json_null() : json_pack("{sI sI sI sf so so so}", "bytes",
	    (json_int_t)r->media_bytes, "files", (json_int_t)r->files,
	    "unchanged", (json_int_t)r->files_unchanged, "seconds",
	    r->media_seconds, "vanished", mv_named_json(&r->vanished),
	    "changing", mv_named_json(&r->changing), "unreadable",
	    mv_named_json(&r->unreadable)));
	json_object_set_new(doc, "media_absent", r->media_absent != NULL ?
	    json_string(r->media_absent) : json_null());
	json_object_set_new(doc, "problems", mv_named_json(&r->problems));
	json_object_set_new(doc, "secrets", (r->parts & MV_PART_SECRETS) == 0 ?
	    json_null() : json_pack("{sI sb}", "version",
	    (json_int_t)r->vault_version, "added", r->vault_added));
	json_object_set_new(doc, "encrypted", r->encrypted == NULL ?
	    json_null() : json_incref(r->encrypted));
	json_object_set_new(doc, "redis", (r->parts & MV_PART_REDIS) == 0 ?
	    json_null() : redis_json(r));
	return doc;
}

static void
say_parts(const struct mv_backup_report *r)
{
	char bytes[MV_HUMAN_TEXT], took[MV_HUMAN_TEXT];

	if ((r->parts & MV_PART_DB) != 0) {
		mv_human_bytes(r->db_bytes, bytes);
		mv_human_seconds(r->db_seconds, took);
		mv_say("database  %llu tables, %s in %s\n",
		    (unsigned long long)r->tables, bytes, took);
	}
	if ((r->parts & MV_PART_MEDIA) != 0) {
		mv_human_bytes(r->media_bytes, bytes);
		mv_human_seconds(r->media_seconds, took);
		mv_say("media     %llu files (%llu unchanged), %s in %s\n",
		    (unsigned long long)r->files,
		    (unsigned long long)r->files_unchanged, bytes, took);
	}
	if (r->media_absent != NULL)
		mv_say("media     %s\n", r->media_absent);
	if ((r->parts & MV_PART_SECRETS) != 0 && r->vault_version > 0)
		mv_say("secrets   version %llu%s\n",
		    (unsigned long long)r->vault_version,
		    r->vault_added ? ", new" : ", unchanged");
	mv_human_bytes(r->redis_bytes, bytes);
	mv_time_local(r->redis_time, took);
	if ((r->parts & MV_PART_REDIS) != 0)
		mv_say("redis     %s, as Redis saved it on %s\n", bytes, took);
	if (r->vanished.total > 0)
		mv_say("%llu files vanished while they were being read, as "
		    "files do\n", (unsigned long long)r->vanished.total);
}

static void
say_report(const struct mv_cli *cli, const struct mv_backup_report *r)
{
	char id[MV_SHORT_ID], read[MV_HUMAN_TEXT], added[MV_HUMAN_TEXT];
	char took[MV_HUMAN_TEXT];

	say_parts(r);
	mv_short_id(&r->snapshot, id);
	mv_human_bytes(r->stats.bytes_read, read);
	mv_human_bytes(r->stats.bytes_added, added);
	mv_human_seconds(r->seconds, took);
	if (cli->dry_run) {
		mv_human_bytes(r->stats.bytes_new, added);
		mv_say("dry run: %s read, %s new before compression, in %s; "
		    "nothing was stored\n", read, added, took);
		return;
	}
	mv_say("snapshot %s: %s read, %s added, in %s\n", id, read, added,
	    took);
	mv_say("head %s\n", r->head);
}

static int
demand_redis(const struct mv_cli *cli, const struct mv_context *c,
    uint32_t parts, struct mv_err *err)
{
	if (cli->only == NULL || (parts & MV_PART_REDIS) == 0 ||
	    c->env->redis != NULL)
		return 0;
	return mv_err_set(err, MV_EUSAGE,
	    "[%s] names no file as 'redis'", c->name);
}

static int
back_up(const struct mv_cli *cli, struct mv_context *c,
    const struct mv_backup_opts *opts, struct mv_backup_report *report,
    struct mv_err *err)
{
	mv_auto(mv_source_clear) struct mv_source_of src = { 0 };
	int rc;

	rc = mv_context_open(cli, MV_WANT_WRITE, c, err);
	if (rc == 0)
		rc = mv_source_open(c->env, opts->parts, &src, err);
	if (rc == 0)
		rc = mv_source_exclude(&src, c->env, cli, err);
	if (rc < 0)
		return rc;
	src.source.pg_snapshot = cli->pg_snapshot;
	rc = mv_job_backup(c->repo, &src.source, opts, report, err);
	/* Hints so far were about pgbouncer. */
	if (rc != MV_EREFUSED)
		mv_hint(NULL);
	return rc;
}

/* What comes after a failure must not hide it. */
static void
tell_failure(const struct mv_context *c, const struct mv_err *why)
{
	char text[MV_ERR_TEXT_MAX];
	struct mv_hook_facts f = {
		.result = why->code == MV_EINTR ? "interrupted" : "failed",
		.error = text, .exit_code = mv_exit_of(why),
	};
	struct mv_err err = { 0 };

	(void)mv_err_text(why, text, sizeof(text));
	if (mv_hook_run(c->env, MV_HOOK_FAILURE, &f, &err) < 0) {
		(void)mv_err_text(&err, text, sizeof(text));
		mv_warn("%s", text);
	}
}

/* The snapshot is made, so a hook that fails now is a part that failed. */
static void
tell_success(const struct mv_context *c, const struct mv_backup_report *r,
    enum mv_exit *exit)
{
	char id[65];
	struct mv_hook_facts f = {
		.result = *exit == MV_EXIT_DONE ? "done" : "incomplete",
		.snapshot = id, .head = r->head, .exit_code = (int)*exit,
	};
	struct mv_err err = { 0 };

	mv_hex_encode(r->snapshot.b, sizeof(r->snapshot.b), id);
	if (mv_hook_run(c->env, MV_HOOK_AFTER, &f, &err) < 0) {
		mv_output_error(&err);
		*exit = MV_EXIT_PARTIAL;
	}
}

static int
with_hooks(const struct mv_cli *cli, struct mv_context *c,
    const struct mv_backup_opts *opts, struct mv_backup_report *report,
    struct mv_err *err)
{
	const struct mv_hook_facts none = { 0 };
	int rc;

	rc = demand_redis(cli, c, opts->parts, err);
	if (rc < 0 || cli->dry_run)
		return rc < 0 ? rc : back_up(cli, c, opts, report, err);
	rc = mv_hook_run(c->env, MV_HOOK_BEFORE, &none, err);
	if (rc == 0)
		rc = back_up(cli, c, opts, report, err);
	if (rc < 0)
		tell_failure(c, err);
	return rc;
}

int
mv_cmd_backup(const struct mv_cli *cli, enum mv_exit *exit,
    struct mv_err *err)
{
	mv_auto(mv_backup_how_clear) struct mv_backup_how how = { 0 };
	mv_auto(mv_context_clear) struct mv_context c = {
		.upload = &how.upload,
	};
	mv_auto(mv_backup_report_clear) struct mv_backup_report report = { 0 };
	uint32_t parts;
	int rc;

	rc = mv_parts_parse(cli->only, &parts, err);
	if (rc < 0)
		return rc;
	mv_priority_low();
	rc = mv_context_configure(cli, &c, err);
	if (rc == 0)
		rc = mv_backup_how(cli, c.env, &how, err);
	if (rc < 0)
		return rc;
	how.opts.parts = parts;
	how.opts.tags = mv_strv_const(&cli->tags);
	how.opts.dry_run = cli->dry_run;
	how.opts.allow_shrink = cli->allow_shrink;
	rc = with_hooks(cli, &c, &how.opts, &report, err);
	if (rc < 0)
		return rc;
	if (report.changing.total > 0 || report.unreadable.total > 0 ||
	    report.problems.total > 0)
		*exit = MV_EXIT_PARTIAL;
	for (size_t i = 0; i < report.problems.n; i++)
		mv_output_problem("%s", report.problems.names[i]);
	mv_named_problem(&report.unreadable,
	    "could not be read and are not in the snapshot");
	mv_named_problem(&report.changing,
	    "kept changing and were stored as last read");
	if (!cli->dry_run)
		tell_success(&c, &report, exit);
	say_report(cli, &report);
	return mv_output_json(report_json(&c, cli, &report), err);
}
