/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "base/time.h"
#include "mastvault/commands.h"
#include "mastvault/output.h"
#include "mastvault/status.h"

static json_t *
texts_json(const struct mv_strv *list)
{
	json_t *out = json_array();
	size_t i;

	for (i = 0; i < list->n; i++) {
		mv_auto(mv_buf_clear) struct mv_buf safe = { 0 };

		mv_safe_put(&safe, list->v[i], strlen(list->v[i]));
		json_array_append_new(out, json_string(mv_buf_cstr(&safe)));
	}
	return out;
}

static const char *
verdict(const struct mv_status *s)
{
	return s->alarms.n > 0 ? "alarm" : s->behind.n > 0 ? "behind" :
	    s->warnings.n > 0 ? "warning" : "ok";
}

static json_t *
snapshot_json(const struct mv_status *s)
{
	char id[2 * sizeof(s->snapshot) + 1], when[MV_TIME_TEXT];

	if (!s->has_snapshot)
		return json_null();
	mv_hex_encode(s->snapshot.b, sizeof(s->snapshot.b), id);
	mv_time_utc(s->finished, when);
	return json_pack("{ss ss sI so sb sb}", "id", id, "time", when, "age",
	    (json_int_t)s->age, "parts", mv_parts_json(s->parts),
	    "media_included", (s->parts & MV_PART_MEDIA) != 0, "incomplete",
	    (s->parts & MV_PART_INCOMPLETE) != 0);
}

static json_t *
stores_json(const struct mv_status *s)
{
	json_t *out = json_array();
	size_t i;

	for (i = 0; i < s->nstores; i++) {
		const struct mv_store_status *st = &s->stores[i];

		json_array_append_new(out, json_pack("{ss sb so so}", "url",
		    st->url, "reachable", st->failed == NULL, "free",
		    st->has_space ? json_integer((json_int_t)st->free_bytes) :
		    json_null(), "total", st->has_space ?
		    json_integer((json_int_t)st->total_bytes) : json_null()));
	}
	return out;
}

static json_t *
status_json(const struct mv_context *c, const struct mv_status *s)
{
	char tested[MV_TIME_TEXT];

	mv_time_utc(s->proof.time, tested);
	return json_pack("{ss ss so sI so sI sI so so so so so so}",
	    "environment", c->name, "status", verdict(s), "snapshot",
	    snapshot_json(s), "max_age", (json_int_t)c->env->max_age,
	    "stores", stores_json(s), "keyring", (json_int_t)s->keyring,
	    "epoch", (json_int_t)s->epoch,
	    "vault", s->has_vault ? json_integer((json_int_t)s->vault) :
	    json_null(), "env_file_current",
	    s->env_file == MV_ENV_UNKNOWN ? json_null() :
	    json_boolean(s->env_file == MV_ENV_SAME), "kit_tested",
	    s->proof.time != 0 ? json_string(tested) : json_null(),
	    "alarms", texts_json(&s->alarms), "behind",
	    texts_json(&s->behind), "warnings", texts_json(&s->warnings));
}

static void
say_snapshot(const struct mv_status *s)
{
	char id[MV_SHORT_ID], when[MV_TIME_TEXT], age[MV_HUMAN_TEXT];
	char parts[MV_PARTS_TEXT];

	if (!s->has_snapshot) {
		mv_say("  last backup  none\n");
		return;
	}
	mv_short_id(&s->snapshot, id);
	mv_time_local(s->finished, when);
	mv_human_seconds((double)s->age, age);
	mv_parts_text(s->parts, parts);
	mv_say("  last backup  %s, %s ago: %s  (%s)\n", when, age, parts, id);
	if ((s->parts & MV_PART_MEDIA) == 0)
		mv_say("               media not included\n");
}

static void
say_stores(const struct mv_status *s)
{
	char left[MV_HUMAN_TEXT], total[MV_HUMAN_TEXT];
	size_t i;

	for (i = 0; i < s->nstores; i++) {
		const struct mv_store_status *st = &s->stores[i];

		mv_human_bytes(st->free_bytes, left);
		mv_human_bytes(st->total_bytes, total);
		if (st->failed != NULL)
			mv_say("  store        %s: UNREACHABLE\n", st->url);
		else if (st->has_space)
			mv_say("  store        %s: %s free of %s\n", st->url,
			    left, total);
		else
			mv_say("  store        %s\n", st->url);
	}
}

static void
say_status(const struct mv_context *c, const struct mv_status *s)
{
	char when[MV_TIME_TEXT] = "never";
	size_t i;

	mv_say("%s: %s\n", c->name, verdict(s));
	say_snapshot(s);
	say_stores(s);
	mv_say("  keyring      %" PRIu64 ", epoch %" PRIu32 "\n", s->keyring,
	    s->epoch);
	if (s->vault > 0)
		mv_say("  secrets      version %" PRIu64 "%s\n", s->vault,
		    s->env_file == MV_ENV_SAME ?
		    ", which is what the env-file is now" : "");
	if (s->proof.time != 0)
		mv_time_local(s->proof.time, when);
	mv_say("  kit tested   %s\n", when);
	for (i = 0; i < s->warnings.n; i++)
		mv_say("  warning: %s\n", s->warnings.v[i]);
	for (i = 0; i < s->behind.n; i++)
		mv_output_problem("'%s': behind: %s", c->name,
		    s->behind.v[i]);
	for (i = 0; i < s->alarms.n; i++)
		mv_output_problem("'%s': ALARM: %s", c->name,
		    s->alarms.v[i]);
}

/* An alarm outweighs a store that is behind, and what failed both. */
static void
worsen(enum mv_exit *exit, enum mv_exit by)
{
	if (*exit == MV_EXIT_DONE || by == MV_EXIT_BAD)
		*exit = by;
}

static int
one(const struct mv_cli *cli, char *name, json_t *list, enum mv_exit *exit,
    struct mv_err *err)
{
	mv_auto(mv_context_clear) struct mv_context c = { 0 };
	mv_auto(mv_status_clear) struct mv_status s = { 0 };
	struct mv_cli of = *cli;	/* its texts stay cli's */
	int rc;

	of.env = name;
	rc = mv_context_open(&of, MV_WANT_STATUS, &c, err);
	if (rc == 0)
		rc = mv_status_gather(&c, &s, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "environment '%s'", name);
	say_status(&c, &s);
	json_array_append_new(list, status_json(&c, &s));
	if (s.behind.n > 0)
		worsen(exit, MV_EXIT_PARTIAL);
	if (s.alarms.n > 0)
		worsen(exit, MV_EXIT_BAD);
	return 0;
}

/*
 * One environment that cannot be opened must not hide the others: it is
 * told, and the last such failure ends the program when all were looked at.
 */
static int
all(const struct mv_cli *cli, const struct mv_config *config, json_t *list,
    enum mv_exit *exit, struct mv_err *err)
{
	struct mv_err why;
	size_t i;
	int rc, failed = 0;

	for (i = 0; i < config->n; i++) {
		if (cli->env != NULL &&
		    strcmp(cli->env, config->envs[i].name) != 0)
			continue;
		why = (struct mv_err){ 0 };
		rc = one(cli, config->envs[i].name, list, exit, &why);
		if (rc == 0)
			continue;
		if (failed < 0)
			mv_output_error(err);
		*err = why;
		failed = rc;
	}
	return failed;
}

int
mv_cmd_status(const struct mv_cli *cli, enum mv_exit *exit,
    struct mv_err *err)
{
	mv_auto(mv_config_clear) struct mv_config config = { 0 };
	mv_auto(mv_context_clear) struct mv_context c = { 0 };
	json_t *list = json_array();
	struct mv_err failed = { 0 };
	int rc;

	/* Says what is wrong with the configuration, or with -e. */
	rc = mv_config_load(mv_config_path(cli->config), &config, &failed);
	if (rc < 0 || config.n == 0 || cli->env != NULL)
		rc = mv_context_configure(cli, &c, err);
	if (rc < 0) {
		json_decref(list);
		return rc;
	}
	failed = (struct mv_err){ 0 };
	rc = all(cli, &config, list, exit, &failed);
	if (rc < 0) {
		mv_output_error(&failed);
		*exit = mv_exit_of(&failed);
	}
	return mv_output_json(list, err);
}
