/* SPDX-License-Identifier: MIT */
#include "vault/incident.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "base/time.h"

#define RECORD_MAX ((size_t)4 << 20)
#define HOUR 3600

static json_t *
time_json(int64_t t)
{
	char text[MV_TIME_TEXT];

	mv_time_utc(t, text);
	return json_string(text);
}

static json_t *
text_json(const char *text)
{
	return text != NULL ? json_string(text) : json_null();
}

static json_t *
exposed_json(const struct mv_exposed *e)
{
	return json_pack("{sI sI sI sI sI sI sI sI sI sI sI sI}", "users",
	    (json_int_t)e->users, "addresses", (json_int_t)e->addresses,
	    "private_messages", (json_int_t)e->messages,
	    "followers_only_posts", (json_int_t)e->followers_only, "tokens",
	    (json_int_t)e->tokens, "sessions", (json_int_t)e->sessions,
	    "two_factor_users", (json_int_t)e->two_factor,
	    "signing_accounts", (json_int_t)e->keys, "applications",
	    (json_int_t)e->applications, "webhooks",
	    (json_int_t)e->webhooks, "fasp_providers",
	    (json_int_t)e->fasp_providers, "relays", (json_int_t)e->relays);
}

int
mv_incident_new(const struct mv_incident_facts *f, json_t **out,
    struct mv_err *err)
{
	json_t *by_hand = json_array(), *doc;
	size_t i;

	for (i = 0; i < f->nby_hand; i++)
		json_array_append_new(by_hand, json_string(f->by_hand[i]));
	doc = json_pack("{ss ss ss so ss ss ss so so so so ss so so s{sb sb sb}"
	    " so so so so so}",
	    "environment", f->environment, "host", f->host, "operator",
	    f->operator_name, "reason", text_json(f->reason), "mastodon",
	    f->mastodon, "database", f->database, "server", f->server,
	    "aware", time_json(f->aware), "deadline",
	    time_json(f->aware + MV_INCIDENT_HOURS * HOUR),
	    "begun", time_json(f->begun), "ended", json_null(), "state",
	    "begun", "snapshot", text_json(f->snapshot), "exposed",
	    exposed_json(f->exposed), "asked", "tokens", f->revoke->tokens,
	    "sessions", f->revoke->sessions, "two_factor",
	    f->revoke->two_factor, "rotated", json_array(), "rows",
	    json_array(), "revoked", json_array(), "by_hand", by_hand,
	    "vault_version", json_null());
	if (doc == NULL)
		return mv_err_set(err, MV_ENOMEM, "write down the incident");
	*out = doc;
	return 0;
}

static json_t *
rows_json(const struct mv_rows_report *rows)
{
	json_t *list = json_array();
	size_t i, k;

	for (i = 0; i < rows->n; i++) {
		const struct mv_rows_column *c = &rows->columns[i];
		json_t *ids = json_array();

		for (k = 0; k < c->undecryptable; k++)
			json_array_append_new(ids, json_string(c->ids[k]));
		json_array_append_new(list, json_pack("{ss ss sI so}",
		    "table", c->fact->table, "column", c->fact->column,
		    "rows", (json_int_t)(c->converted + c->older),
		    "undecryptable", ids));
	}
	return list;
}

int
mv_incident_end(json_t *doc, const struct mv_rotation_report *rotated,
    const struct mv_disarm_report *revoked, int rc, int64_t now,
    struct mv_err *err)
{
	static const char *const states[] = {
		[MV_ROTATION_NOTHING] = "nothing",
		[MV_ROTATION_DONE] = "done",
		[MV_ROTATION_UNDONE] = "undone",
		[MV_ROTATION_UNFINISHED] = "unfinished",
	};
	json_t *names = json_array();
	size_t i;
	int bad = 0;

	for (i = 0; rc == 0 && i < rotated->nnames; i++)
		json_array_append_new(names, json_pack("{ss so}", "name",
		    rotated->names[i], "time", time_json(now)));
	bad |= json_object_set_new(doc, "ended", time_json(now));
	bad |= json_object_set_new(doc, "state",
	    json_string(states[rotated->outcome]));
	bad |= json_object_set_new(doc, "rotated", names);
	bad |= json_object_set_new(doc, "rows", rows_json(&rotated->rows));
	bad |= json_object_set_new(doc, "vault_version",
	    json_integer((json_int_t)rotated->vault_version));
	/* A recovery that found nothing to do knows less than the record. */
	if (revoked->n > 0)
		bad |= json_object_set_new(doc, "revoked",
		    mv_disarm_json(revoked));
	return bad == 0 ? 0 :
	    mv_err_set(err, MV_ENOMEM, "write down the incident");
}

/* "2026-11-23T13:30:00Z" as "20261123T133000Z". */
static void
name_of(const json_t *doc, char out[MV_TIME_TEXT])
{
	const char *p = json_string_value(json_object_get(doc, "begun"));
	size_t n = 0;

	for (; p != NULL && *p != '\0' && n + 1 < MV_TIME_TEXT; p++)
		if (*p != '-' && *p != ':')
			out[n++] = *p;
	out[n] = '\0';
}

static int
choose_path(const char *state_dir, const json_t *doc, char **path,
    struct mv_err *err)
{
	mv_auto(mv_freep) char *dir = NULL;
	char name[MV_TIME_TEXT];
	int rc;

	if (asprintf(&dir, "%s/incidents", state_dir) < 0) {
		dir = NULL;
		return mv_err_set(err, MV_ENOMEM, "name the record");
	}
	rc = mv_dir_make(dir, 0700, err);
	if (rc < 0)
		return rc;
	name_of(doc, name);
	if (asprintf(path, "%s/%s.json", dir, name) < 0) {
		*path = NULL;
		return mv_err_set(err, MV_ENOMEM, "name the record");
	}
	return 0;
}

/* What a person has changed in the text stays; theirs is the last word. */
static int
write_text(const char *path, const json_t *before, const json_t *doc,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf was = { 0 }, is = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf now = { 0 };
	mv_auto(mv_freep) char *file = NULL;
	int rc = 0;

	if (asprintf(&file, "%.*s.txt", (int)(strlen(path) - 5), path) < 0) {
		file = NULL;
		return mv_err_set(err, MV_ENOMEM, "name the record");
	}
	if (before != NULL)
		rc = mv_incident_text(before, &was, err);
	if (rc == 0 && before != NULL &&
	    mv_file_read(file, RECORD_MAX, &is, NULL) == 0 &&
	    (is.len != was.len || memcmp(is.p, was.p, is.len) != 0))
		return 0;
	if (rc == 0)
		rc = mv_incident_text(doc, &now, err);
	return rc < 0 ? rc : mv_file_replace(file, now.p, now.len, 0600,
	    (uid_t)-1, (gid_t)-1, err);
}

static void
json_clear(json_t **doc)
{
	json_decref(*doc);
}

int
mv_incident_write(const char *state_dir, const json_t *doc, char **path,
    struct mv_err *err)
{
	mv_auto(json_clear) json_t *before = NULL;
	mv_auto(mv_freep) char *text = json_dumps(doc, JSON_INDENT(1) |
	    JSON_PRESERVE_ORDER);
	int rc = 0;

	if (text == NULL)
		return mv_err_set(err, MV_ENOMEM, "write down the incident");
	if (*path == NULL)
		rc = choose_path(state_dir, doc, path, err);
	else
		(void)!mv_incident_read(*path, &before, NULL);
	if (rc == 0)
		rc = write_text(*path, before, doc, err);
	if (rc == 0)
		rc = mv_file_replace(*path, text, strlen(text), 0600,
		    (uid_t)-1, (gid_t)-1, err);
	return mv_err_ctx(err, rc, "write down the incident");
}

int
mv_incident_read(const char *path, json_t **out, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	int rc;

	rc = mv_file_read(path, RECORD_MAX, &text, err);
	if (rc == 0)
		rc = mv_json_decode((const char *)text.p, text.len, 0, out,
		    err);
	return mv_err_ctx(err, rc, "record '%s'", path);
}

static void
closedirp(DIR **d)
{
	if (*d != NULL)
		(void)closedir(*d);
}

int
mv_incident_newest(const char *state_dir, char **path, struct mv_err *err)
{
	mv_auto(mv_freep) char *dir = NULL, *best = NULL;
	mv_auto(closedirp) DIR *d = NULL;
	const struct dirent *e;
	size_t len;

	if (asprintf(&dir, "%s/incidents", state_dir) < 0) {
		dir = NULL;
		return mv_err_set(err, MV_ENOMEM, "look for records");
	}
	d = opendir(dir);
	if (d == NULL && errno != ENOENT)
		return mv_err_sys(err, "open '%s'", dir);
	while (d != NULL && (e = readdir(d)) != NULL) {
		len = strlen(e->d_name);
		if (len < 6 || strcmp(e->d_name + len - 5, ".json") != 0 ||
		    (best != NULL && strcmp(e->d_name, best) <= 0))
			continue;
		free(best);
		best = strdup(e->d_name);
		if (best == NULL)
			return mv_err_set(err, MV_ENOMEM, "look for records");
	}
	if (best == NULL)
		return mv_err_set(err, MV_ENOTFOUND,
		    "no emergency was recorded on this host");
	if (asprintf(path, "%s/%s", dir, best) < 0) {
		*path = NULL;
		return mv_err_set(err, MV_ENOMEM, "look for records");
	}
	return 0;
}
