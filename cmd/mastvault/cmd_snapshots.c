/* SPDX-License-Identifier: MIT */
#include <jansson.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "base/time.h"
#include "job/restore.h"
#include "mastvault/commands.h"
#include "mastvault/context.h"
#include "mastvault/output.h"

/* Tags and the like are for readers; without a reader's key they are absent. */
static json_t *
detail_json(struct mv_context *c, const struct mv_snapshot *s)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };

	if (mv_job_detail(c->repo, s, &text, NULL) < 0)
		return NULL;
	return json_loadb((const char *)text.p, text.len, 0, NULL);
}

static json_t *
snapshot_json(struct mv_context *c, const struct mv_snapshot *s)
{
	char id[65], when[MV_TIME_TEXT], began[MV_TIME_TEXT];
	char head[MV_HEAD_TEXT];
	json_t *doc, *detail;

	mv_hex_encode(s->id.b, sizeof(s->id.b), id);
	mv_time_utc(s->finished, when);
	mv_time_utc(s->started, began);
	mv_snapshot_head(s, head);
	doc = json_pack("{ss ss ss ss sI sI sI so sb sb ss}", "id", id, "time",
	    when, "started", began, "environment", c->name, "sequence",
	    (json_int_t)s->seq, "writer", (json_int_t)s->writer,
	    "bytes_added", (json_int_t)s->added, "parts",
	    mv_parts_json(s->parts), "incomplete",
	    (s->parts & MV_PART_INCOMPLETE) != 0, "pinned",
	    (s->parts & MV_PART_PINNED) != 0, "head", head);
	detail = detail_json(c, s);
	if (doc != NULL && detail != NULL)
		json_object_set_new(doc, "detail", detail);
	else
		json_decref(detail);
	return doc;
}

static void
print_row(const struct mv_snapshot *s)
{
	char id[MV_SHORT_ID], when[MV_TIME_TEXT], parts[MV_PARTS_TEXT];
	char added[MV_HUMAN_TEXT];

	mv_short_id(&s->id, id);
	mv_time_local(s->finished, when);
	mv_human_bytes(s->added, added);
	mv_parts_text(s->parts, parts);
	mv_list("%s  %s  %10s  %s\n", id, when, added, parts);
}

int
mv_cmd_snapshots(const struct mv_cli *cli, enum mv_exit *exit,
    struct mv_err *err)
{
	mv_auto(mv_context_clear) struct mv_context c = { 0 };
	mv_auto(mv_snapshots_clear) struct mv_snapshots list = { 0 };
	size_t i;
	json_t *doc;
	int rc;

	rc = mv_context_open(cli, MV_WANT_LIST, &c, err);
	if (rc == 0)
		rc = mv_load_snapshots(cli, &c, &list, exit, err);
	if (rc < 0)
		return rc;
	if (list.nproblems > list.behind)
		*exit = MV_EXIT_CORRUPT;
	if (list.n == 0)
		mv_say("no snapshots yet in '%s'\n", c.name);
	else
		mv_list("%-12s  %-19s  %10s  %s\n", "snapshot", "finished",
		    "added", "holds");
	doc = json_array();
	for (i = 0; i < list.n; i++) {
		print_row(&list.list[i]);
		if (mv_output_is_json())
			json_array_append_new(doc,
			    snapshot_json(&c, &list.list[i]));
	}
	return mv_output_json(doc, err);
}
