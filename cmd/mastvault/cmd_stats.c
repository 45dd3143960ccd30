/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "base/time.h"
#include "job/stats.h"
#include "mastvault/commands.h"
#include "mastvault/context.h"
#include "mastvault/output.h"

/* 1 GiB in 256 MiB is 4. */
static double
ratio(uint64_t logical, uint64_t stored)
{
	return stored > 0 ? (double)logical / (double)stored : 0;
}

static int
on_part(const struct mv_stats_part *p, void *arg, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf what = { 0 };
	char logical[MV_HUMAN_TEXT], stored[MV_HUMAN_TEXT];
	json_t *parts = arg;

	mv_buf_printf(&what, "%s: ", p->part);
	if (p->name != NULL) {
		mv_safe_put(&what, p->schema, strlen(p->schema));
		mv_buf_put_str(&what, ".");
		mv_safe_put(&what, p->name, strlen(p->name));
	} else {
		mv_buf_put_str(&what, p->what);
	}
	if (mv_buf_cstr(&what) == NULL)
		return mv_buf_failed(&what, err);
	mv_human_bytes(p->logical, logical);
	mv_human_bytes(p->size.stored, stored);
	mv_list("%11s  %11s  %6.1f  %s\n", logical, stored,
	    ratio(p->logical, p->size.stored), (char *)what.p);
	if (json_array_append_new(parts, json_pack("{ss ss sI sI sI sI}",
	    "part", p->part, "what", (char *)what.p + strlen(p->part) + 2,
	    "logical", (json_int_t)p->logical, "stored",
	    (json_int_t)p->size.stored, "chunks", (json_int_t)p->size.chunks,
	    "segments", (json_int_t)p->size.segments)) < 0)
		return mv_err_set(err, MV_ENOMEM, "describe a part");
	return 0;
}

static void
say_missing(uint64_t missing, enum mv_exit *exit)
{
	if (missing == 0)
		return;
	mv_output_problem("%llu segments are in no pack that is there: "
	    "'mastvault check' names what that affects",
	    (unsigned long long)missing);
	*exit = MV_EXIT_CORRUPT;
}

/* One snapshot; all others are looked at for what only it holds. */
static int
stats_one(struct mv_context *c, struct mv_sizes *sizes,
    const struct mv_snapshot *snap, enum mv_exit *exit, struct mv_err *err)
{
	char id[65], logical[MV_HUMAN_TEXT], stored[MV_HUMAN_TEXT];
	char unique[MV_HUMAN_TEXT];
	json_t *parts = json_array();
	struct mv_stats s = { 0 };
	int rc;

	mv_list("%11s  %11s  %6s  %s\n", "size", "stored", "ratio", "what");
	rc = mv_job_stats(c->repo, sizes, snap, on_part, parts, &s, err);
	if (rc < 0) {
		json_decref(parts);
		return rc;
	}
	mv_hex_encode(snap->id.b, sizeof(snap->id.b), id);
	mv_human_bytes(s.logical, logical);
	mv_human_bytes(s.size.stored, stored);
	mv_human_bytes(s.size.unique, unique);
	mv_list("%11s  %11s  %6.1f  snapshot %.12s\n", logical, stored,
	    ratio(s.logical, s.size.stored), id);
	mv_list("%11s  %11s  %6s  of that in no other snapshot\n", "",
	    unique, "");
	say_missing(s.size.missing, exit);
	return mv_output_json(json_pack("{ss ss sI sI sI sf sI so}",
	    "environment", c->name, "snapshot", id, "logical",
	    (json_int_t)s.logical, "stored", (json_int_t)s.size.stored,
	    "unique", (json_int_t)s.size.unique, "ratio",
	    ratio(s.logical, s.size.stored), "added", (json_int_t)snap->added,
	    "parts", parts), err);
}

/* What the whole repository comes to. */
struct all {
	uint64_t logical, added;	/* added: by all but the first */
	uint64_t packs, pack_bytes;
	struct mv_size size;
	double days;
};

static int
gather(struct mv_context *c, struct mv_sizes *sizes,
    const struct mv_snapshots *list, struct all *a, struct mv_err *err)
{
	uint64_t logical;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < list->n; i++) {
		rc = mv_job_logical(c->repo, &list->list[i], &logical, err);
		if (rc < 0)
			return rc;
		a->logical += logical;
		a->added += i > 0 ? list->list[i].added : 0;
	}
	if (list->n > 0)
		a->days = (double)(list->list[list->n - 1].finished -
		    list->list[0].finished) / 86400;
	mv_sizes_all(sizes, &a->size);
	return rc < 0 ? rc : mv_sizes_packs(sizes, &a->packs, &a->pack_bytes,
	    err);
}

static void
say_all(const struct all *a, size_t n)
{
	char text[MV_HUMAN_TEXT];

	mv_list("%zu snapshots over %.1f days\n", n, a->days);
	mv_human_bytes(a->logical, text);
	mv_list("%12s  in all of them, each counted whole\n", text);
	mv_human_bytes(a->size.stored, text);
	mv_list("%12s  stored for them (ratio %.1f)\n", text,
	    ratio(a->logical, a->size.stored));
	mv_human_bytes(a->pack_bytes, text);
	mv_list("%12s  in %llu packs, in each store\n", text,
	    (unsigned long long)a->packs);
	if (n < 2)
		return;
	mv_human_bytes(a->added / (n - 1), text);
	mv_list("%12s  added by a run on average, after the first\n", text);
}

static int
stats_all(struct mv_context *c, struct mv_sizes *sizes,
    const struct mv_snapshots *list, enum mv_exit *exit, struct mv_err *err)
{
	struct all a = { 0 };
	int rc;

	rc = gather(c, sizes, list, &a, err);
	if (rc < 0)
		return rc;
	say_all(&a, list->n);
	say_missing(a.size.missing, exit);
	return mv_output_json(json_pack("{ss sI sf sI sI sf sI sI so}",
	    "environment", c->name, "snapshots", (json_int_t)list->n, "days",
	    a.days, "logical", (json_int_t)a.logical, "stored",
	    (json_int_t)a.size.stored, "ratio",
	    ratio(a.logical, a.size.stored), "packs", (json_int_t)a.packs,
	    "pack_bytes", (json_int_t)a.pack_bytes, "added_per_run",
	    list->n < 2 ? json_null() :
	    json_integer((json_int_t)(a.added / (list->n - 1)))), err);
}

static int
run(const struct mv_cli *cli, struct mv_context *c,
    const struct mv_snapshots *list, enum mv_exit *exit, struct mv_err *err)
{
	mv_auto(mv_sizes_freep) struct mv_sizes *sizes = NULL;
	const struct mv_snapshot *snap = NULL;
	size_t i;
	int rc = 0;

	if (cli->operands.n > 0)
		rc = mv_snapshots_find(list, cli->operands.v[0], 0, &snap,
		    err);
	if (rc == 0)
		rc = mv_sizes_new(c->repo, &sizes, err);
	for (i = 0; rc == 0 && i < list->n; i++)
		rc = mv_sizes_add(sizes, &list->list[i], err);
	if (rc < 0)
		return rc;
	return snap != NULL ? stats_one(c, sizes, snap, exit, err) :
	    stats_all(c, sizes, list, exit, err);
}

int
mv_cmd_stats(const struct mv_cli *cli, enum mv_exit *exit,
    struct mv_err *err)
{
	mv_auto(mv_context_clear) struct mv_context c = { 0 };
	mv_auto(mv_snapshots_clear) struct mv_snapshots list = { 0 };
	int rc;

	if (cli->all && cli->operands.n > 0)
		return mv_err_set(err, MV_EUSAGE,
		    "'stats' takes a snapshot or '--all', not both");
	rc = mv_context_open(cli, MV_WANT_DATA, &c, err);
	if (rc == 0)
		rc = mv_load_snapshots(cli, &c, &list, exit, err);
	return rc < 0 ? rc : run(cli, &c, &list, exit, err);
}
