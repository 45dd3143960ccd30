/* SPDX-License-Identifier: MIT */
#include <jansson.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "base/log.h"
#include "job/export.h"
#include "mastvault/commands.h"
#include "mastvault/context.h"
#include "mastvault/output.h"

static int
report(const struct mv_cli *cli, const struct mv_context *c,
    const struct mv_snapshot *snap, const struct mv_export_report *r,
    struct mv_err *err)
{
	char id[65], parts[MV_PARTS_TEXT], took[MV_HUMAN_TEXT];

	mv_hex_encode(snap->id.b, sizeof(snap->id.b), id);
	mv_parts_text(r->parts, parts);
	mv_human_seconds(r->seconds, took);
	mv_say("exported %s in %s; '%s/README.txt' says how to load it\n",
	    parts, took, cli->operands.v[1]);
	mv_say("It is all in clear, the secrets too.\n");
	return mv_output_json(json_pack("{ss ss ss so sI sI sI sf}",
	    "environment", c->name, "snapshot", id, "directory",
	    cli->operands.v[1], "parts", mv_parts_json(r->parts), "db_bytes",
	    (json_int_t)r->db_bytes, "media_bytes",
	    (json_int_t)r->media_bytes, "redis_bytes",
	    (json_int_t)r->redis_bytes, "seconds", r->seconds), err);
}

int
mv_cmd_export(const struct mv_cli *cli, enum mv_exit *exit,
    struct mv_err *err)
{
	mv_auto(mv_context_clear) struct mv_context c = { 0 };
	mv_auto(mv_snapshots_clear) struct mv_snapshots list = { 0 };
	struct mv_export_opts opts = { .progress = mv_output_progress() };
	struct mv_export_report r = { 0 };
	const struct mv_snapshot *snap;
	int rc;

	rc = mv_parts_parse(cli->only, &opts.parts, err);
	if (rc == 0)
		rc = mv_context_open(cli, MV_WANT_DATA, &c, err);
	if (rc == 0)
		rc = mv_load_snapshots(cli, &c, &list, exit, err);
	if (rc == 0)
		rc = mv_snapshots_find(&list, cli->operands.v[0],
		    cli->only != NULL ? opts.parts : 0, &snap, err);
	if (rc < 0)
		return rc;
	if ((snap->parts & MV_PART_INCOMPLETE) != 0)
		mv_warn("this snapshot is incomplete: something could not be "
		    "read when it was made");
	opts.pg_bin = c.env != NULL ? c.env->pg_bin : NULL;
	rc = mv_job_export(c.repo, snap, cli->operands.v[1], &opts, &r, err);
	return rc < 0 ? rc : report(cli, &c, snap, &r, err);
}
