/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "mastvault/output.h"
#include "mastvault/rotate.h"

/* Of undecryptable rows, for people: the rest is in --json. */
#define IDS_SHOWN 20

static const char *const outcomes[] = {
	[MV_ROTATION_NOTHING] = "nothing",
	[MV_ROTATION_DONE] = "done",
	[MV_ROTATION_UNDONE] = "undone",
	[MV_ROTATION_UNFINISHED] = "unfinished",
};

/* What happens to people and other servers. */
static const char *
consequence(const struct mv_secret_fact *f)
{
	switch (f->effect) {
	case MV_EFFECT_SESSIONS:
		return "everybody has to log in again in the browser, and "
		    "links in mails that were sent no longer work";
	case MV_EFFECT_ROWS:
		return "rows are encrypted anew; Mastodon is down meanwhile";
	case MV_EFFECT_PUSH:
		return "push subscriptions end; browsers and apps subscribe "
		    "again by themselves";
	case MV_EFFECT_ROLE:
		return "whatever else logs in as this role needs the new "
		    "password, too";
	case MV_EFFECT_REDIS:
		return "whatever else uses this Redis needs the new password, "
		    "too";
	case MV_EFFECT_OUTSIDE:
		return "must be valid at the provider already";
	case MV_EFFECT_NONE:
		break;
	}
	return "nothing else changes";
}

static void
say_columns(const struct mv_rows_report *rows, bool planned)
{
	size_t i, k;

	for (i = 0; i < rows->n; i++) {
		const struct mv_rows_column *c = &rows->columns[i];

		mv_say("  %s.%s: %" PRIu64 " rows, %" PRIu64 " %s", c->fact->
		    table, c->fact->column, c->total, c->converted + c->older,
		    planned ? "to encrypt anew" : "encrypted anew");
		if (c->undecryptable == 0) {
			mv_say("\n");
			continue;
		}
		mv_say(", %" PRIu64 " that open with no key: id",
		    c->undecryptable);
		for (k = 0; k < c->undecryptable && k < IDS_SHOWN; k++)
			mv_say(" %s", c->ids[k]);
		mv_say("%s\n", k < c->undecryptable ? " ..." : "");
	}
}

void
mv_rotate_say_plan(const struct mv_rotate *r,
    const struct mv_rotation_plan *plan)
{
	mv_auto(mv_buf_clear) struct mv_buf how = { 0 };
	char services[MV_SERVICES_TEXT];
	size_t i;

	mv_say("%s on %s: Mastodon %s, database '%s' on %s\n", r->s->c.name,
	    r->host, plan->version, plan->database, plan->server);
	for (i = 0; i < plan->n; i++)
		mv_say("  %s protects %s: %s\n", plan->items[i].fact->name,
		    plan->items[i].fact->protects,
		    consequence(plan->items[i].fact));
	say_columns(&plan->counts, true);
	if (plan->push)
		mv_say("  %" PRIu64 " push subscriptions end\n",
		    plan->subscriptions);
	mv_services_text(plan->services, ", ", services);
	mv_services_describe(&r->services, plan->services, &how);
	if (plan->services != 0)
		mv_say("  restarted: %s (%s)\n", services,
		    mv_buf_cstr(&how) != NULL ? (char *)how.p : "");
	for (i = 0; i < plan->nleft; i++)
		mv_say("  left as it is: %s\n", plan->left[i]);
}

void
mv_rotate_say_report(const struct mv_rotation_report *report)
{
	size_t i;

	switch (report->outcome) {
	case MV_ROTATION_NOTHING:
		mv_say("no rotation was under way\n");
		return;
	case MV_ROTATION_UNDONE:
		mv_say("the rotation was undone: all is as it was before, "
		    "version %" PRIu64 "\n", report->vault_version);
		return;
	case MV_ROTATION_DONE:
	case MV_ROTATION_UNFINISHED:
		break;
	}
	mv_say("rotated:");
	for (i = 0; i < report->nnames; i++)
		mv_say(" %s", report->names[i]);
	mv_say("\n");
	say_columns(&report->rows, false);
	if (report->swept > 0)
		mv_say("  %" PRIu64 " more that were written with the old key "
		    "meanwhile\n", report->swept);
	if (report->subscriptions > 0)
		mv_say("  %" PRIu64 " push subscriptions ended\n",
		    report->subscriptions);
	mv_say("version %" PRIu64 "\n", report->vault_version);
}

static json_t *
rows_json(const struct mv_rows_report *rows, bool undecryptable)
{
	json_t *doc = json_object(), *ids;
	char name[128];
	size_t i, k;

	for (i = 0; i < rows->n; i++) {
		const struct mv_rows_column *c = &rows->columns[i];

		(void)snprintf(name, sizeof(name), "%s.%s", c->fact->table,
		    c->fact->column);
		if (!undecryptable) {
			json_object_set_new(doc, name, json_integer(
			    (json_int_t)(c->converted + c->older)));
			continue;
		}
		ids = json_array();
		for (k = 0; k < c->undecryptable && c->ids != NULL; k++)
			json_array_append_new(ids, json_integer(
			    strtoll(c->ids[k], NULL, 10)));
		json_object_set_new(doc, name, ids);
	}
	return doc;
}

json_t *
mv_rotate_plan_json(const struct mv_rotate *r,
    const struct mv_rotation_plan *plan)
{
	json_t *names = json_array(), *left = json_array(), *doc;
	char services[MV_SERVICES_TEXT];
	size_t i;

	for (i = 0; i < plan->n; i++)
		json_array_append_new(names, json_pack("{ss ss ss}", "name",
		    plan->items[i].fact->name, "protects",
		    plan->items[i].fact->protects, "consequence",
		    consequence(plan->items[i].fact)));
	for (i = 0; i < plan->nleft; i++)
		json_array_append_new(left, json_string(plan->left[i]));
	mv_services_text(plan->services, " ", services);
	doc = json_pack("{ss ss ss ss ss so so so so sI so ss sb}",
	    "environment", r->s->c.name, "host", r->host, "mastodon",
	    plan->version, "database", plan->database, "server",
	    plan->server, "rotate", names, "left", left, "rows",
	    rows_json(&plan->counts, false), "undecryptable",
	    rows_json(&plan->counts, true), "subscriptions",
	    (json_int_t)plan->subscriptions, "services",
	    mv_services_json(&r->services), "restart", services, "dry_run",
	    1);
	return doc;
}

json_t *
mv_rotate_report_json(const struct mv_rotate *r,
    const struct mv_rotation_report *report)
{
	json_t *names = json_array();
	size_t i;

	for (i = 0; i < report->nnames; i++)
		json_array_append_new(names, json_string(report->names[i]));
	return json_pack("{ss ss ss so so so sI sI sI}", "environment",
	    r->s->c.name, "outcome", outcomes[report->outcome], "step",
	    mv_rotation_step_name(report->step), "rotated", names, "rows",
	    rows_json(&report->rows, false), "undecryptable",
	    rows_json(&report->rows, true), "swept",
	    (json_int_t)report->swept, "subscriptions",
	    (json_int_t)report->subscriptions, "vault_version",
	    (json_int_t)report->vault_version);
}
