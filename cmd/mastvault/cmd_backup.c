/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "mastvault/commands.h"
#include "mastvault/context.h"
#include "mastvault/print_named.h"
#include "mastvault/output.h"
#include "mastvault/priority.h"
#include "mastvault/source.h"

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
run(const struct mv_cli *cli, struct mv_context *c,
    const struct mv_backup_source *src, uint32_t parts,
    struct mv_backup_report *report, struct mv_err *err)
{
	const struct mv_backup_opts opts = {
		.parts = parts,
		.tags = mv_strv_const(&cli->tags),
		.dry_run = cli->dry_run,
		.allow_shrink = cli->allow_shrink,
		.jobs = cli->jobs != 0 ? cli->jobs : c->env->jobs,
		.level = (int)c->env->level,
		.progress = mv_output_progress(),
	};

	return mv_job_backup(c->repo, src, &opts, report, err);
}

int
mv_cmd_backup(const struct mv_cli *cli, enum mv_exit *exit,
    struct mv_err *err)
{
	mv_auto(mv_context_clear) struct mv_context c = { 0 };
	mv_auto(mv_source_clear) struct mv_source_of src = { 0 };
	mv_auto(mv_backup_report_clear) struct mv_backup_report report = { 0 };
	uint32_t parts;
	int rc;

	rc = mv_parts_parse(cli->only, &parts, err);
	if (rc < 0)
		return rc;
	mv_priority_low();
	rc = mv_context_open(cli, MV_WANT_WRITE, &c, err);
	if (rc == 0)
		rc = mv_source_open(c.env, parts, &src, err);
	if (rc < 0)
		return rc;
	src.source.pg_snapshot = cli->pg_snapshot;
	rc = run(cli, &c, &src.source, parts, &report, err);
	/* Hints so far were about pgbouncer. */
	if (rc != MV_EREFUSED)
		mv_hint(NULL);
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
	say_report(cli, &report);
	return mv_output_json(report_json(&c, cli, &report), err);
}
