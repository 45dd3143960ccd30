/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "base/log.h"
#include "job/restore.h"
#include "mastvault/commands.h"
#include "mastvault/context.h"
#include "mastvault/print_named.h"
#include "mastvault/restore_guard.h"
#include "mastvault/output.h"

/* What has a target is restored; --only narrows it. */
static int
choose_parts(const struct mv_cli *cli, uint32_t *out, struct mv_err *err)
{
	uint32_t given = 0, only;
	int rc;

	if (cli->database != NULL)
		given |= MV_PART_DB;
	if (cli->media != NULL)
		given |= MV_PART_MEDIA;
	if (cli->env_file != NULL)
		given |= MV_PART_SECRETS;
	if (cli->redis != NULL)
		given |= MV_PART_REDIS;
	rc = mv_parts_parse(cli->only, &only, err);
	if (rc < 0)
		return rc;
	if (cli->only != NULL && (only & ~given) != 0)
		return mv_err_set(err, MV_EUSAGE,
		    "'--only %s' names what has no target: --database, "
		    "--media, --env-file or --redis", cli->only);
	*out = given & only;
	if (cli->reencrypt && (*out & MV_PART_DB) == 0)
		return mv_err_set(err, MV_EUSAGE, "'--reencrypt' converts rows "
		    "of the database, which is not restored: --database");
	if (*out == 0)
		return mv_err_set(err, MV_EUSAGE, "where to restore to is not "
		    "said: --database, --media, --env-file or --redis");
	return 0;
}

static json_t *
reencrypted_json(const struct mv_restore_report *r)
{
	json_t *columns = NULL;

	if (r->reencrypted_to == 0 || mv_rows_report_json(&r->reencrypted,
	    SIZE_MAX, &columns, NULL) < 0)
		return json_null();
	return json_pack("{sI sI so}", "version",
	    (json_int_t)r->reencrypted_to, "rows",
	    (json_int_t)mv_rows_converted(&r->reencrypted), "columns",
	    columns);
}

/* What a restore left as unreadable as it was. */
static void
say_undecryptable(const struct mv_rows_report *rows)
{
	size_t i;

	for (i = 0; i < rows->n; i++) {
		const struct mv_rows_column *c = &rows->columns[i];

		if (c->undecryptable > 0)
			mv_output_problem("%llu row%s of '%s.%s' (the first "
			    "has id %s): none of the snapshot's secrets "
			    "decrypts them, and they stay as they are",
			    (unsigned long long)c->undecryptable,
			    c->undecryptable == 1 ? "" : "s", c->fact->table,
			    c->fact->column, c->ids[0]);
	}
}

static json_t *
report_json(const struct mv_context *c, const struct mv_snapshot *s,
    uint32_t parts, bool defused, const struct mv_restore_report *r)
{
	char id[65];

	mv_hex_encode(s->id.b, sizeof(s->id.b), id);
	return json_pack("{ss ss sf so so so so so so so}", "snapshot", id,
	    "environment", c->name, "seconds", r->seconds,
	    "database", (parts & MV_PART_DB) == 0 ? json_null() :
	    json_pack("{sI sI sI so}", "tables", (json_int_t)r->tables,
	    "rows", (json_int_t)r->rows, "bytes", (json_int_t)r->db_bytes,
	    "old_database", r->old_database != NULL ?
	    json_string(r->old_database) : json_null()),
	    "media", (parts & MV_PART_MEDIA) == 0 ? json_null() :
	    json_pack("{sI sI sI}", "files", (json_int_t)r->files, "kept",
	    (json_int_t)r->files_kept, "bytes", (json_int_t)r->media_bytes),
	    "secrets", (parts & MV_PART_SECRETS) == 0 || defused ?
	    json_null() :
	    json_pack("{sI}", "version", (json_int_t)r->vault_version),
	    "reencrypted", reencrypted_json(r),
	    "owners_not_set", mv_named_json(&r->owners),
	    "notes", mv_named_json(&r->notes), "defused", !defused ?
	    json_null() : mv_disarm_json(&r->defused));
}

/* All rows are there, and Mastodon may not read them. */
static void
say_missing_owner(const struct mv_restore_report *r, enum mv_exit *exit)
{
	if (r->missing_owner == NULL)
		return;
	mv_hint("--create-roles makes it, --no-owner says that it is meant so; "
	    "or now, in that database: REASSIGN OWNED BY ... TO ...");
	mv_output_problem("the database belongs to the role that restored it, "
	    "not to '%s', which is missing here", r->missing_owner);
	*exit = MV_EXIT_PARTIAL;
}

/* Exactly what was changed, and what nobody but the admin can do. */
static void
say_defused(const struct mv_cli *cli, const struct mv_restore_report *r)
{
	const struct mv_harm_fact *f;
	size_t i;

	if (!cli->defused)
		return;
	for (i = 0; i < r->defused.n; i++) {
		f = r->defused.list[i].fact;
		mv_say("%-10s %8llu  %s%s%s: %s\n",
		    mv_harm_kind_name(f->kind),
		    (unsigned long long)r->defused.list[i].rows, f->table,
		    f->columns != NULL ? "." : "",
		    f->columns != NULL ? f->columns : "", f->what);
	}
	if (cli->env_file != NULL && r->env_made)
		mv_say("env-file   '%s' is new, with secrets of its own\n",
		    cli->env_file);
	else if (cli->env_file != NULL)
		mv_say("env-file   '%s' was there and shares no secret\n",
		    cli->env_file);
	mv_say("before Mastodon is started on it: LOCAL_DOMAIN of its own, "
	    "LIMITED_FEDERATION_MODE=true, SMTP_DELIVERY_METHOD=test, a Redis "
	    "and a place for media that nobody else uses; posts and messages "
	    "are people's own, still\n");
}

static void
say_report(uint32_t parts, const struct mv_restore_report *r)
{
	char text[MV_HUMAN_TEXT];
	size_t i;

	for (i = 0; i < r->notes.n; i++)
		mv_say("note: %s\n", r->notes.names[i]);
	if ((parts & MV_PART_DB) != 0)
		mv_say("database  %llu tables, %llu rows in the large ones\n",
		    (unsigned long long)r->tables,
		    (unsigned long long)r->rows);
	if (r->old_database != NULL)
		mv_say("          the old one is now '%s'; drop it when "
		    "you no longer need it\n", r->old_database);
	if (r->reencrypted_to != 0)
		mv_say("          %llu rows converted to the secrets of "
		    "version %llu\n",
		    (unsigned long long)mv_rows_converted(&r->reencrypted),
		    (unsigned long long)r->reencrypted_to);
	mv_human_bytes(r->media_bytes, text);
	if ((parts & MV_PART_MEDIA) != 0)
		mv_say("media     %llu files, %s; %llu were there already\n",
		    (unsigned long long)r->files, text,
		    (unsigned long long)r->files_kept);
	if ((parts & MV_PART_REDIS) != 0)
		mv_say("redis     the dump; its file must belong to Redis\n");
	if ((parts & MV_PART_SECRETS) != 0 && r->vault_version > 0)
		mv_say("secrets   version %llu\n",
		    (unsigned long long)r->vault_version);
	mv_human_seconds(r->seconds, text);
	mv_say("restored in %s\n", text);
}

/* A fresh machine has never seen this store: only a head can tell. */
static void
warn_of_withheld(const struct mv_cli *cli, const struct mv_context *c)
{
	if (cli->expect == NULL && c->state_dir == NULL)
		mv_say("note: nothing here tells whether the store withholds "
		    "later snapshots; --expect HEAD would (a backup's last "
		    "line, also in its mail)\n");
}

static int
run(const struct mv_cli *cli, struct mv_context *c,
    const struct mv_snapshot *snap, uint32_t parts,
    struct mv_restore_report *report, struct mv_err *err)
{
	mv_auto(mv_strv_clear) struct mv_strv prefix = { 0 };
	struct mv_restore_opts opts = {
		.parts = parts,
		.conninfo = cli->database,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
		.replace = cli->replace,
		.defused = cli->defused,
		.no_owner = cli->no_owner,
		.create_roles = cli->create_roles,
		.reencrypt = cli->reencrypt,
		.jobs = cli->jobs,
		.media = cli->media,
		.overwrite = cli->overwrite,
		.paths = mv_strv_const(&cli->paths),
		.env_file = cli->env_file,
		.redis = cli->redis,
		.progress = mv_output_progress(),
	};
	int rc;

	if (c->env != NULL) {
		opts.pg_bin = c->env->pg_bin;
		if (c->env->database_exec != NULL) {
			rc = mv_strv_split(&prefix, c->env->database_exec,
			    err);
			if (rc < 0)
				return rc;
			opts.exec_prefix = mv_strv_const(&prefix);
		}
	}
	return mv_job_restore(c->repo, snap, &opts, report, err);
}

int
mv_cmd_restore(const struct mv_cli *cli, enum mv_exit *exit,
    struct mv_err *err)
{
	mv_auto(mv_context_clear) struct mv_context c = { 0 };
	mv_auto(mv_snapshots_clear) struct mv_snapshots list = { 0 };
	mv_auto(mv_restore_report_clear) struct mv_restore_report report = { 0 };
	const struct mv_snapshot *snap;
	uint32_t parts = 0;
	int rc;

	rc = choose_parts(cli, &parts, err);
	if (rc == 0)
		rc = mv_context_open(cli, MV_WANT_DATA, &c, err);
	if (rc == 0)
		rc = mv_restore_guard(cli, &c, err);
	if (rc == 0)
		rc = mv_load_snapshots(cli, &c, &list, exit, err);
	if (rc == 0)
		rc = mv_snapshots_find(&list, cli->operands.v[0], parts, &snap,
		    err);
	if (rc < 0)
		return rc;
	warn_of_withheld(cli, &c);
	if ((snap->parts & MV_PART_INCOMPLETE) != 0)
		mv_warn("this snapshot is incomplete: something could not be "
		    "read when it was made");
	rc = run(cli, &c, snap, parts, &report, err);
	if (rc == MV_EAUTH && cli->reencrypt)
		mv_hint("--reencrypt needs a vault key, the host's or the "
		    "kit's, to which every version of the snapshot is sealed");
	if (rc < 0)
		return rc;
	if (report.owners.total + mv_rows_bad(&report.reencrypted) > 0)
		*exit = MV_EXIT_PARTIAL;
	say_undecryptable(&report.reencrypted);
	say_missing_owner(&report, exit);
	mv_named_problem(&report.owners,
	    "files do not have their owner, which only root can set");
	say_report(parts, &report);
	say_defused(cli, &report);
	return mv_output_json(report_json(&c, snap, parts, cli->defused,
	    &report), err);
}
