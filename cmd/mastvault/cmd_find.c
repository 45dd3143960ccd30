/* SPDX-License-Identifier: MIT */
#include <jansson.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "base/time.h"
#include "job/find.h"
#include "mastvault/commands.h"
#include "mastvault/context.h"
#include "mastvault/entry.h"
#include "mastvault/output.h"

struct search {
	const struct mv_snapshot *snap;
	char id[65];
	uint64_t here, total;	/* found in this one, in all */
};

static int
on_entry(const struct mv_entry *e, void *arg, struct mv_err *err)
{
	char id[MV_SHORT_ID], when[MV_TIME_TEXT];
	struct search *s = arg;
	json_t *item;

	s->total++;
	if (!mv_output_is_json()) {
		mv_short_id(&s->snap->id, id);
		mv_time_local(s->snap->finished, when);
		if (s->here++ == 0)
			mv_list("snapshot %s  %s\n", id, when);
		return mv_entry_print(e, err);
	}
	item = mv_entry_json(e);
	mv_time_utc(s->snap->finished, when);
	if (item != NULL) {
		json_object_set_new(item, "snapshot", json_string(s->id));
		json_object_set_new(item, "time", json_string(when));
	}
	return mv_stream_item(item, err);
}

/* One that is damaged is told, and the search goes on in the others. */
static int
search_one(struct mv_context *c, const struct mv_find *find,
    struct search *s, enum mv_exit *exit, struct mv_err *err)
{
	struct mv_err why = { 0 };
	char id[MV_SHORT_ID];
	int rc;

	s->here = 0;
	mv_hex_encode(s->snap->id.b, sizeof(s->snap->id.b), s->id);
	rc = mv_job_find(c->repo, s->snap, find, on_entry, s, &why);
	if (rc == MV_ECORRUPT) {
		mv_short_id(&s->snap->id, id);
		(void)mv_err_ctx(&why, rc, "snapshot %s", id);
		mv_output_error(&why);
		*exit = MV_EXIT_CORRUPT;
		return 0;
	}
	if (rc != 0)
		*err = why;
	return rc;
}

static int
search(struct mv_context *c, const struct mv_snapshots *list,
    const struct mv_find *find, enum mv_exit *exit, struct mv_err *err)
{
	struct search s = { 0 };
	size_t i, n = 0;
	int rc;

	rc = mv_stream_begin(NULL, NULL, err);
	/* The newest first: that is what most ask for. */
	for (i = list->n; rc == 0 && i-- > 0;) {
		s.snap = &list->list[i];
		if ((s.snap->parts & MV_PART_MEDIA) == 0)
			continue;
		n++;
		rc = search_one(c, find, &s, exit, err);
	}
	if (rc < 0)
		return rc;
	if (s.total == 0)
		mv_say("nothing found in %zu snapshots\n", n);
	return mv_stream_end(NULL, err);
}

int
mv_cmd_find(const struct mv_cli *cli, enum mv_exit *exit, struct mv_err *err)
{
	mv_auto(mv_context_clear) struct mv_context c = { 0 };
	mv_auto(mv_snapshots_clear) struct mv_snapshots list = { 0 };
	const struct mv_find find = {
		.globs = mv_strv_const(&cli->operands),
		.fold = cli->ignore_case,
	};
	int rc;

	rc = mv_context_open(cli, MV_WANT_DATA, &c, err);
	if (rc == 0)
		rc = mv_load_snapshots(cli, &c, &list, exit, err);
	return rc < 0 ? rc : search(&c, &list, &find, exit, err);
}
