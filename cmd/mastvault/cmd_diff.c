/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "base/log.h"
#include "job/diff.h"
#include "mastvault/commands.h"
#include "mastvault/context.h"
#include "mastvault/entry.h"
#include "mastvault/output.h"

static const struct {
	unsigned what;
	const char *name;
} whats[] = {
	{ MV_DIFF_TYPE, "type" },
	{ MV_DIFF_CONTENT, "content" },
	{ MV_DIFF_SIZE, "size" },
	{ MV_DIFF_MODE, "mode" },
	{ MV_DIFF_MTIME, "mtime" },
	{ MV_DIFF_OWNER, "owner" },
	{ MV_DIFF_XATTRS, "xattrs" },
	{ MV_DIFF_TARGET, "target" },
};

/* What is known only at the end of the list of files. */
struct lists {
	json_t *tables, *schema;
	uint64_t ntables;
};

static void
lists_clear(struct lists *l)
{
	json_decref(l->tables);
	json_decref(l->schema);
}

static const char *
kind_name(enum mv_diff_kind kind)
{
	return kind == MV_DIFF_ADDED ? "added" : kind == MV_DIFF_REMOVED ?
	    "removed" : "changed";
}

/* As restic has it: content, type, or metadata only. */
static char
letter(const struct mv_diff_entry *e)
{
	if (e->kind != MV_DIFF_CHANGED)
		return e->kind == MV_DIFF_ADDED ? '+' : '-';
	if ((e->what & MV_DIFF_TYPE) != 0)
		return 'T';
	return (e->what & (MV_DIFF_CONTENT | MV_DIFF_SIZE |
	    MV_DIFF_TARGET)) != 0 ? 'M' : 'U';
}

static json_t *
what_json(unsigned what)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(whats); i++)
		if ((what & whats[i].what) != 0)
			json_array_append_new(list,
			    json_string(whats[i].name));
	return list;
}

static json_t *
side_json(const struct mv_entry *e)
{
	return e != NULL ? mv_entry_json(e) : json_null();
}

static int
print_entry(const struct mv_diff_entry *e, const struct mv_entry *any,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf line = { 0 };
	size_t i;
	int rc, n = 0;

	rc = mv_entry_path(any, &line, err);
	if (rc < 0)
		return rc;
	for (i = 0; e->kind == MV_DIFF_CHANGED && i < MV_ARRAY_LEN(whats); i++)
		if ((e->what & whats[i].what) != 0)
			mv_buf_printf(&line, "%s%s", n++ == 0 ? "  (" : ", ",
			    whats[i].name);
	if (n > 0)
		mv_buf_put_str(&line, ")");
	if (mv_buf_cstr(&line) == NULL)
		return mv_buf_failed(&line, err);
	mv_list("%c  %s\n", letter(e), (char *)line.p);
	return mv_output_check(err);
}

static int
on_entry(const struct mv_diff_entry *e, void *arg, struct mv_err *err)
{
	const struct mv_entry *any = e->to != NULL ? e->to : e->from;
	mv_auto(mv_buf_clear) struct mv_buf path = { 0 };
	int rc;

	(void)arg;
	if (!mv_output_is_json())
		return print_entry(e, any, err);
	rc = mv_entry_path(any, &path, err);
	if (rc < 0)
		return rc;
	return mv_stream_item(json_pack("{ss ss so so so}", "path",
	    (char *)path.p, "change", kind_name(e->kind), "what",
	    what_json(e->what), "from", side_json(e->from), "to",
	    side_json(e->to)), err);
}

static json_t *
count_json(int64_t n)
{
	return n < 0 ? json_null() : json_integer(n);
}

static int
print_table(const struct mv_diff_table *t, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf name = { 0 };
	char from[MV_HUMAN_TEXT], to[MV_HUMAN_TEXT];

	mv_safe_put(&name, t->schema, strlen(t->schema));
	mv_buf_put_str(&name, ".");
	mv_safe_put(&name, t->name, strlen(t->name));
	if (t->columns_changed)
		mv_buf_put_str(&name, "  (columns)");
	if (mv_buf_cstr(&name) == NULL)
		return mv_buf_failed(&name, err);
	mv_human_bytes(t->from_bytes < 0 ? 0 : (uint64_t)t->from_bytes, from);
	mv_human_bytes(t->to_bytes < 0 ? 0 : (uint64_t)t->to_bytes, to);
	mv_list("%c  table %s", t->kind == MV_DIFF_ADDED ? '+' :
	    t->kind == MV_DIFF_REMOVED ? '-' : 'M', (char *)name.p);
	if (t->from_rows >= 0 && t->to_rows >= 0)
		mv_list("  %lld -> %lld rows", (long long)t->from_rows,
		    (long long)t->to_rows);
	mv_list(", %s -> %s\n", from, to);
	return mv_output_check(err);
}

static int
on_table(const struct mv_diff_table *t, void *arg, struct mv_err *err)
{
	struct lists *l = arg;

	l->ntables++;
	if (!mv_output_is_json())
		return print_table(t, err);
	if (json_array_append_new(l->tables,
	    json_pack("{ss ss ss sb sb s{so so} s{so so}}",
	    "schema", t->schema, "name", t->name,
	    "change", kind_name(t->kind), "rows_changed", t->rows_changed,
	    "columns_changed", t->columns_changed,
	    "from", "rows", count_json(t->from_rows),
	    "bytes", count_json(t->from_bytes),
	    "to", "rows", count_json(t->to_rows),
	    "bytes", count_json(t->to_bytes))) < 0)
		return mv_err_set(err, MV_ENOMEM, "describe a table");
	return 0;
}

static int
on_schema(const struct mv_diff_schema *s, void *arg, struct mv_err *err)
{
	struct lists *l = arg;

	mv_list("M  database: %s +%llu -%llu, %llu changed\n", s->what,
	    (unsigned long long)s->added, (unsigned long long)s->removed,
	    (unsigned long long)s->changed);
	if (json_array_append_new(l->schema, json_pack("{ss sI sI sI}",
	    "what", s->what, "added", (json_int_t)s->added, "removed",
	    (json_int_t)s->removed, "changed", (json_int_t)s->changed)) < 0)
		return mv_err_set(err, MV_ENOMEM, "describe the schema");
	return 0;
}

static void
say_rest(const struct mv_diff_report *r, uint64_t ntables)
{
	char plus[MV_HUMAN_TEXT], minus[MV_HUMAN_TEXT];

	if (r->secrets_changed)
		mv_list("M  secrets: version %llu -> %llu\n",
		    (unsigned long long)r->from_version,
		    (unsigned long long)r->to_version);
	if (r->redis_changed)
		mv_list("M  redis\n");
	mv_human_bytes(r->bytes_added, plus);
	mv_human_bytes(r->bytes_removed, minus);
	mv_say("files: %llu new (%s), %llu removed (%s), %llu changed; "
	    "tables: %llu changed\n", (unsigned long long)r->added, plus,
	    (unsigned long long)r->removed, minus,
	    (unsigned long long)r->changed, (unsigned long long)ntables);
}

/* Parts of which only one side has something to say. */
static void
say_uncompared(const struct mv_snapshot *from, const struct mv_snapshot *to,
    uint32_t compared)
{
	uint32_t left = (from->parts | to->parts) & ~compared &
	    MV_PARTS;
	char parts[MV_PARTS_TEXT];

	if (left == 0)
		return;
	mv_parts_text(left, parts);
	mv_warn("only one of the two holds: %s", parts);
}

static json_t *
tail_json(struct lists *l, const struct mv_diff_report *r, uint32_t compared)
{
	return json_pack("{sO sO so sb so s{sI sI sI sI sI}}",
	    "tables", l->tables, "schema", l->schema,
	    "secrets", r->secrets_changed ? json_pack("{sI sI}", "from",
	    (json_int_t)r->from_version, "to", (json_int_t)r->to_version) :
	    json_null(), "redis_changed", r->redis_changed,
	    "compared", mv_parts_json(compared),
	    "totals", "added", (json_int_t)r->added, "removed",
	    (json_int_t)r->removed, "changed", (json_int_t)r->changed,
	    "bytes_added", (json_int_t)r->bytes_added, "bytes_removed",
	    (json_int_t)r->bytes_removed);
}

static int
run(struct mv_context *c, const struct mv_snapshot *from,
    const struct mv_snapshot *to, struct mv_err *err)
{
	mv_auto(lists_clear) struct lists lists = {
		.tables = json_array(), .schema = json_array(),
	};
	const struct mv_diff_each each = {
		on_entry, on_table, on_schema, &lists,
	};
	struct mv_diff_report report = { 0 };
	char a[65], b[65];
	int rc;

	mv_hex_encode(from->id.b, sizeof(from->id.b), a);
	mv_hex_encode(to->id.b, sizeof(to->id.b), b);
	rc = mv_stream_begin(json_pack("{ss ss ss}", "environment", c->name,
	    "from", a, "to", b), "files", err);
	if (rc == 0)
		rc = mv_job_diff(c->repo, from, to, &each, &report, err);
	if (rc < 0)
		return rc;
	say_uncompared(from, to, report.compared);
	say_rest(&report, lists.ntables);
	return mv_stream_end(tail_json(&lists, &report, report.compared), err);
}

int
mv_cmd_diff(const struct mv_cli *cli, enum mv_exit *exit, struct mv_err *err)
{
	mv_auto(mv_context_clear) struct mv_context c = { 0 };
	mv_auto(mv_snapshots_clear) struct mv_snapshots list = { 0 };
	const struct mv_snapshot *from, *to;
	int rc;

	rc = mv_context_open(cli, MV_WANT_DATA, &c, err);
	if (rc == 0)
		rc = mv_load_snapshots(cli, &c, &list, exit, err);
	if (rc == 0)
		rc = mv_snapshots_find(&list, cli->operands.v[0], 0, &from,
		    err);
	if (rc == 0)
		rc = mv_snapshots_find(&list, cli->operands.v[1], 0, &to, err);
	if (rc < 0)
		return rc;
	return run(&c, from, to, err);
}
