/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/time.h"
#include "mastvault/commands.h"
#include "mastvault/context.h"
#include "mastvault/output.h"
#include "mastvault/priority.h"
#include "repo/check.h"

#define PARTS_MAX 10000

/* "2/7" */
static int
parse_part(const char *text, struct mv_check_opts *opts, struct mv_err *err)
{
	unsigned part = 0, parts = 0;
	int end = 0;

	if (text == NULL)
		return 0;
	if (sscanf(text, "%5u/%5u%n", &part, &parts, &end) != 2 ||
	    text[end] != '\0' || part < 1 || part > parts ||
	    parts > PARTS_MAX)
		return mv_err_set(err, MV_EUSAGE,
		    "'--read-data=%.32s': as 2/7, for the second of seven parts",
		    text);
	opts->part = part;
	opts->parts = parts;
	return 0;
}

/* A JSON string or null. */
static json_t *
text_json(const char *text)
{
	mv_auto(mv_buf_clear) struct mv_buf safe = { 0 };

	if (text == NULL)
		return json_null();
	mv_safe_put(&safe, text, strlen(text));
	return json_string(mv_buf_cstr(&safe));
}

static json_t *
report_json(const struct mv_context *c, const struct mv_check_report *r,
    double seconds)
{
	json_t *damaged = json_array(), *warnings = json_array();
	json_t *behind = json_array();
	size_t i;

	for (i = 0; i < r->ndamaged; i++)
		json_array_append_new(damaged, json_pack("{so so so so}",
		    "object", text_json(r->damaged[i].object),
		    "store", text_json(r->damaged[i].store),
		    "what", text_json(r->damaged[i].what),
		    "affects", text_json(r->damaged[i].affects)));
	for (i = 0; i < r->nwarnings; i++)
		json_array_append_new(warnings, text_json(r->warnings[i]));
	for (i = 0; i < r->nbehind; i++)
		json_array_append_new(behind, text_json(r->behind[i]));
	return json_pack("{ss so so so sI sI sI sI sb sI sI sf}",
	    "environment", c->name, "damaged", damaged, "behind", behind,
	    "warnings", warnings, "snapshots",
	    (json_int_t)r->snapshots, "packs", (json_int_t)r->packs,
	    "segments", (json_int_t)r->segments, "bytes", (json_int_t)r->bytes,
	    "contents_verified", r->contents, "indexes_dropped",
	    (json_int_t)r->indexes_dropped, "packs_indexed",
	    (json_int_t)r->packs_indexed, "seconds", seconds);
}

static void
report_people(const struct mv_cli *cli, const struct mv_check_report *r,
    double seconds)
{
	char bytes[MV_HUMAN_TEXT], took[MV_HUMAN_TEXT];
	size_t i;

	for (i = 0; i < r->nwarnings; i++)
		mv_say("note: %s\n", r->warnings[i]);
	for (i = 0; i < r->ndamaged; i++) {
		const struct mv_damage *d = &r->damaged[i];

		mv_output_problem("damaged: '%s'%s%s%s: %s%s%s", d->object,
		    d->store != NULL ? " in '" : "",
		    d->store != NULL ? d->store : "",
		    d->store != NULL ? "'" : "", d->what,
		    d->affects != NULL ? "; affects " : "",
		    d->affects != NULL ? d->affects : "");
	}
	for (i = 0; i < r->nbehind; i++)
		mv_output_problem("%s", r->behind[i]);
	mv_human_bytes(r->bytes, bytes);
	mv_human_seconds(seconds, took);
	mv_say("%llu snapshots, %llu packs, %llu segments: %s, %s read in "
	    "%s\n", (unsigned long long)r->snapshots,
	    (unsigned long long)r->packs, (unsigned long long)r->segments,
	    r->ndamaged == 0 ? "no damage found" : "DAMAGED", bytes, took);
	if (cli->repair_index)
		mv_say("%llu index objects removed, %llu packs indexed "
		    "anew\n", (unsigned long long)r->indexes_dropped,
		    (unsigned long long)r->packs_indexed);
	if (cli->read_data && !r->contents)
		mv_say("Contents were not decrypted: that takes a reader's "
		    "key or the recovery kit.\n");
}

static void
on_progress(uint64_t done, uint64_t total, void *arg)
{
	struct mv_progress *p = arg;

	p->bytes(done, total, p->arg);
}

int
mv_cmd_check(const struct mv_cli *cli, enum mv_exit *exit, struct mv_err *err)
{
	mv_auto(mv_context_clear) struct mv_context c = { 0 };
	mv_auto(mv_check_report_clear) struct mv_check_report report = { 0 };
	struct mv_progress progress = mv_output_progress();
	struct mv_check_opts opts = {
		.read_data = cli->read_data,
		.expect = cli->expect,
		.repair_index = cli->repair_index,
		.progress = on_progress,
		.arg = &progress,
	};
	double began = mv_time_monotonic(), seconds;
	int rc;

	rc = parse_part(cli->read_part, &opts, err);
	if (rc == 0)
		rc = mv_context_open(cli, cli->repair_index ? MV_WANT_WRITE :
		    cli->read_data ? MV_WANT_BEST : MV_WANT_LIST, &c, err);
	if (rc < 0)
		return rc;
	mv_priority_low();
	progress.phase("check", progress.arg);
	rc = mv_repo_check(c.repo, &opts, &report, err);
	if (rc < 0)
		return rc;
	if (report.ndamaged > 0)
		*exit = MV_EXIT_CORRUPT;
	else if (report.unreachable > 0 || report.nbehind > 0)
		*exit = MV_EXIT_PARTIAL;
	seconds = mv_time_monotonic() - began;
	report_people(cli, &report, seconds);
	return mv_output_json(report_json(&c, &report, seconds), err);
}
