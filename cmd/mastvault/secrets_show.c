/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/time.h"
#include "mastodon/secret_facts.h"
#include "mastvault/output.h"
#include "mastvault/secrets.h"

int
mv_secrets_list(struct mv_secrets *s, struct mv_err *err)
{
	mv_auto(mv_vault_ages_clear) struct mv_vault_ages ages = { 0 };
	char utc[MV_TIME_TEXT], local[MV_TIME_TEXT];
	json_t *doc = json_array();
	size_t i;
	int rc;

	rc = mv_vault_ages(s->c.repo, &s->v, &ages, err);
	if (rc < 0) {
		json_decref(doc);
		return rc;
	}
	mv_list("%-45s %8s  %7s  %s\n", "name", "version", "values", "since");
	for (i = 0; i < ages.n; i++) {
		const struct mv_vault_age *a = &ages.list[i];
		bool secret = mv_secret_fact_find(a->name) != NULL;

		if (!secret && !s->cli->all)
			continue;
		mv_time_local(a->time, local);
		mv_time_utc(a->time, utc);
		mv_list("%-45s %8" PRIu64 "  %7u  %s\n", a->name, a->version,
		    a->values, local);
		json_array_append_new(doc, json_pack("{ss sb sI ss sI}",
		    "name", a->name, "secret", secret, "version",
		    (json_int_t)a->version, "since", utc, "values",
		    (json_int_t)a->values));
	}
	return mv_output_json(doc, err);
}

/* What a terminal would obey, or show as several lines. */
static bool
has_control(const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] < ' ' || p[i] == 0x7f)
			return true;
	return false;
}

int
mv_secrets_get(struct mv_secrets *s, struct mv_err *err)
{
	mv_auto(mv_dotenv_freep) struct mv_dotenv *env = NULL;
	const uint8_t *p = NULL;
	size_t len = 0;
	int rc;

	if (s->cli->json)
		return mv_err_set(err, MV_EUSAGE,
		    "'secrets get' writes a value, not JSON");
	rc = mv_secrets_newest(s, NULL, &env, err);
	if (rc == 0)
		rc = mv_dotenv_get(env, s->args[0], &p, &len, err);
	if (rc < 0)
		return rc;
	if (p == NULL)
		return mv_err_set(err, MV_ENOTFOUND,
		    "the newest version does not set '%.64s'", s->args[0]);
	if (isatty(STDOUT_FILENO) && has_control(p, len))
		return mv_err_set(err, MV_EREFUSED, "the value of '%.64s' is "
		    "not for terminals: redirect it", s->args[0]);
	/* Past stdio, whose buffer would keep it. */
	rc = mv_output_bytes(p, len, err);
	return rc < 0 ? rc : mv_output_bytes("\n", 1, err);
}

static void
put_safe(struct mv_buf *b, const char *text)
{
	mv_buf_reset(b);
	mv_safe_put(b, text, strlen(text));
}

static json_t *
done_json(const struct mv_vault_note *note)
{
	json_t *doc = json_object();
	size_t i;

	for (i = 0; i < note->ndone; i++)
		json_object_set_new(doc, note->done[i].what,
		    json_integer((json_int_t)note->done[i].rows));
	return doc;
}

static int
show_version(struct mv_secrets *s, const struct mv_vault_version *v,
    json_t *doc, struct mv_err *err)
{
	mv_auto(mv_vault_file_clear) struct mv_vault_file f = { 0 };
	mv_auto(mv_vault_note_clear) struct mv_vault_note note = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf who = { 0 }, host = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf why = { 0 };
	char utc[MV_TIME_TEXT], local[MV_TIME_TEXT];
	struct mv_err own = { 0 };
	json_t *names = json_array();
	size_t i;
	int rc;

	rc = mv_vault_open_noted(s->c.repo, v, &f, &note, &own);
	if (rc < 0 && rc != MV_EAUTH) {
		json_decref(names);
		return mv_err_set(err, rc, "open vault version %" PRIu64,
		    v->number);
	}
	mv_time_local(v->time, local);
	mv_time_utc(v->time, utc);
	for (i = 0; i < note.nchanges; i++)
		json_array_append_new(names, json_string(note.changes[i]));
	json_array_append_new(doc, json_pack("{sI ss so so so so so sb}",
	    "version",
	    (json_int_t)v->number, "time", utc,
	    "host", rc < 0 ? json_null() : json_string(note.host),
	    "operator", rc < 0 ? json_null() : json_string(note.operator_name),
	    "reason", rc < 0 ? json_null() : json_string(note.reason),
	    "changes", names, "done", done_json(&note), "pending",
	    note.pending));
	if (rc < 0) {
		mv_list("%4" PRIu64 "  %s  (not sealed to the key here)\n",
		    v->number, local);
		return 0;
	}
	put_safe(&who, note.operator_name);
	put_safe(&host, note.host);
	put_safe(&why, note.reason);
	if (mv_buf_cstr(&who) == NULL || mv_buf_cstr(&host) == NULL ||
	    mv_buf_cstr(&why) == NULL)
		return mv_err_set(err, MV_ENOMEM, "list vault versions");
	mv_list("%4" PRIu64 "  %s  %s@%s  %s%s\n", v->number, local,
	    (const char *)who.p, (const char *)host.p, (const char *)why.p,
	    note.pending ? " (pending)" : "");
	for (i = 0; i < note.nchanges; i++)
		mv_list("%s%s%s", i == 0 ? "      " : ", ", note.changes[i],
		    i + 1 == note.nchanges ? "\n" : "");
	for (i = 0; i < note.ndone; i++)
		mv_list("      %s: %" PRIu64 " rows\n", note.done[i].what,
		    note.done[i].rows);
	return 0;
}

int
mv_secrets_history(struct mv_secrets *s, struct mv_err *err)
{
	json_t *doc = json_array();
	size_t i;
	int rc = 0;

	for (i = s->v.n; rc == 0 && i > 0; i--)
		rc = show_version(s, &s->v.list[i - 1], doc, err);
	if (rc < 0) {
		json_decref(doc);
		return rc;
	}
	return mv_output_json(doc, err);
}

/* One version's settings. */
static int
settings_of(struct mv_secrets *s, const char *word, struct mv_dotenv **out,
    struct mv_err *err)
{
	mv_auto(mv_vault_file_clear) struct mv_vault_file f = { 0 };
	const struct mv_vault_version *v = NULL;
	int rc;

	rc = mv_secrets_version(s, word, &v, err);
	if (rc == 0)
		rc = mv_vault_open(s->c.repo, v, &f, err);
	return rc < 0 ? rc : mv_vault_settings(&f, out, err);
}

int
mv_secrets_diff(struct mv_secrets *s, struct mv_err *err)
{
	static const struct {
		const char *sign, *word;
	} how[] = {
		[MV_VAULT_NEW] = { "+", "added" },
		[MV_VAULT_GONE] = { "-", "removed" },
		[MV_VAULT_CHANGED] = { "M", "changed" },
	};
	mv_auto(mv_vault_changes_clear) struct mv_vault_changes c = { 0 };
	mv_auto(mv_dotenv_freep) struct mv_dotenv *a = NULL, *b = NULL;
	json_t *doc;
	size_t i;
	int rc;

	rc = settings_of(s, s->args[0], &a, err);
	if (rc == 0)
		rc = settings_of(s, s->args[1], &b, err);
	if (rc == 0)
		rc = mv_vault_compare(a, b, &c, err);
	if (rc < 0)
		return rc;
	doc = json_array();
	for (i = 0; i < c.n; i++) {
		mv_list("%s %s\n", how[c.list[i].how].sign, c.list[i].name);
		json_array_append_new(doc, json_pack("{ss ss}", "name",
		    c.list[i].name, "change", how[c.list[i].how].word));
	}
	return mv_output_json(doc, err);
}
