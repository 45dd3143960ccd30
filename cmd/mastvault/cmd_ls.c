/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <string.h>

#include "base/cleanup.h"
#include "job/restore.h"
#include "mastvault/commands.h"
#include "mastvault/context.h"
#include "mastvault/entry.h"
#include "mastvault/output.h"

struct listing {
	struct mv_span only;	/* this file, or what is beneath it */
	uint64_t n;
};

static int
each_entry(const struct mv_entry *e, void *arg, struct mv_err *err)
{
	struct listing *l = arg;

	if (l->only.len > 0 && mv_path_cmp(e->path, l->only) != 0 &&
	    !mv_path_is_beneath(e->path, l->only))
		return 0;
	if (l->n++ == 0 && mv_stream_begin(NULL, NULL, err) < 0)
		return err->code;
	if (!mv_output_is_json())
		return mv_entry_print(e, err);
	return mv_stream_item(mv_entry_json(e), err);
}

static int
each_table(const char *schema, const char *name, int64_t rows,
    uint64_t bytes, void *arg, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf full = { 0 };
	struct listing *l = arg;
	char size[MV_HUMAN_TEXT];

	if (l->n++ == 0 && mv_stream_begin(NULL, NULL, err) < 0)
		return err->code;
	mv_safe_put(&full, schema, strlen(schema));
	mv_buf_put_str(&full, ".");
	mv_safe_put(&full, name, strlen(name));
	if (mv_buf_cstr(&full) == NULL)
		return mv_buf_failed(&full, err);
	mv_human_bytes(bytes, size);
	if (mv_output_is_json())
		return mv_stream_item(json_pack("{ss ss so sI}",
		    "schema", schema, "name", name, "rows", rows < 0 ?
		    json_null() : json_integer(rows), "bytes",
		    (json_int_t)bytes), err);
	if (rows < 0)
		mv_list("%12s  %10s  %s\n", "-", size, (char *)full.p);
	else
		mv_list("%12lld  %10s  %s\n", (long long)rows, size,
		    (char *)full.p);
	return mv_output_check(err);
}

/* "./a/b/" is "a/b". */
static struct mv_span
plain_path(const char *path)
{
	struct mv_span s;

	while (path[0] == '.' && path[1] == '/')
		path += 2;
	s.p = (const uint8_t *)path;
	s.len = strcmp(path, ".") == 0 ? 0 : strlen(path);
	while (s.len > 0 && s.p[s.len - 1] == '/')
		s.len--;
	return s;
}

static int
list(const struct mv_cli *cli, struct mv_context *c,
    const struct mv_snapshot *snap, bool db, struct listing *l,
    struct mv_err *err)
{
	int rc;

	if (db) {
		mv_list("%12s  %10s  %s\n", "rows", "size", "table");
		rc = mv_job_ls_db(c->repo, snap, each_table, l, err);
		if (rc == 0 && l->n == 0)
			rc = mv_stream_begin(NULL, NULL, err);
		return rc < 0 ? rc : mv_stream_end(NULL, err);
	}
	rc = mv_job_ls(c->repo, snap, each_entry, l, err);
	if (rc == 0 && l->n == 0)
		return mv_err_set(err, MV_ENOTFOUND,
		    "the snapshot holds no media file '%s'",
		    cli->operands.n > 1 ? cli->operands.v[1] : ".");
	return rc < 0 ? rc : mv_stream_end(NULL, err);
}

int
mv_cmd_ls(const struct mv_cli *cli, enum mv_exit *exit, struct mv_err *err)
{
	mv_auto(mv_context_clear) struct mv_context c = { 0 };
	mv_auto(mv_snapshots_clear) struct mv_snapshots snaps = { 0 };
	const char *what = cli->operands.n > 1 ? cli->operands.v[1] : ".";
	bool db = strcmp(what, "db") == 0;
	struct listing l = { .only = plain_path(what) };
	const struct mv_snapshot *snap;
	int rc;

	rc = mv_context_open(cli, MV_WANT_DATA, &c, err);
	if (rc == 0)
		rc = mv_load_snapshots(cli, &c, &snaps, exit, err);
	if (rc == 0)
		rc = mv_snapshots_find(&snaps, cli->operands.v[0],
		    db ? MV_PART_DB : MV_PART_MEDIA, &snap, err);
	if (rc < 0)
		return rc;
	return list(cli, &c, snap, db, &l, err);
}
