/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "mastodon/dotenv_edit.h"
#include "mastodon/secret_facts.h"
#include "mastodon/secret_make.h"
#include "mastodon/vapid.h"
#include "mastvault/output.h"
#include "mastvault/secrets.h"

#define VALUE_MAX ((size_t)64 << 10)

/* One or, for VAPID, two new values. */
struct fresh {
	struct mv_dotenv_change changes[2];
	size_t n;
	struct mv_sbuf text;		/* what changes[0] points to, */
	struct mv_secret *made;		/* or this */
	char public[MV_VAPID_PUBLIC_TEXT + 1];
};

static void
fresh_clear(struct fresh *f)
{
	mv_sbuf_clear(&f->text);
	mv_secret_free(f->made);
}

static int
read_value(const char *name, struct fresh *f, struct mv_err *err)
{
	int rc;

	if (isatty(STDIN_FILENO)) {
		mv_hint("'mastvault secrets set %.64s < FILE', or --generate",
		    name);
		return mv_err_set(err, MV_EUSAGE, "the value is read from "
		    "standard input, and not from a terminal, which shows it");
	}
	rc = mv_sbuf_read_fd(&f->text, STDIN_FILENO, VALUE_MAX, "the value",
	    err);
	if (rc < 0)
		return rc;
	/* echo(1) adds a line's end. */
	if (f->text.len > 0 && f->text.p[f->text.len - 1] == '\n')
		f->text.len--;
	if (f->text.len == 0)
		return mv_err_set(err, MV_EUSAGE,
		    "nothing came from standard input");
	f->changes[0] = (struct mv_dotenv_change){
		.key = name, .value = f->text.p, .len = f->text.len,
	};
	f->n = 1;
	return 0;
}

static int
make_pair(struct fresh *f, struct mv_err *err)
{
	int rc = mv_vapid_generate(&f->text, f->public, err);

	f->changes[0] = (struct mv_dotenv_change){
		.key = "VAPID_PRIVATE_KEY", .value = f->text.p,
		.len = f->text.len,
	};
	f->changes[1] = (struct mv_dotenv_change){
		.key = "VAPID_PUBLIC_KEY", .value = f->public,
		.len = strlen(f->public),
	};
	f->n = 2;
	return rc;
}

static int
generate(const char *name, struct fresh *f, struct mv_err *err)
{
	const struct mv_secret_fact *fact = mv_secret_fact_find(name);
	int rc;

	if (fact == NULL || fact->make == MV_MAKE_GIVEN)
		return mv_err_set(err, MV_EUSAGE, "'%.64s' cannot be made "
		    "here: somebody else gives it out", name);
	if (fact->make == MV_MAKE_VAPID)
		return make_pair(f, err);
	rc = mv_secret_make(fact, &f->made, err);
	if (rc < 0)
		return rc;
	f->changes[0] = (struct mv_dotenv_change){
		.key = name, .value = mv_secret_bytes(f->made),
		.len = mv_secret_len(f->made),
	};
	f->n = 1;
	return 0;
}

/* Append next to the vault; it continues from what old has. */
static int
commit(struct mv_secrets *s, const struct mv_vault_file *next,
    const struct mv_dotenv *old, const char *reason, struct mv_err *err)
{
	mv_auto(mv_vault_changes_clear) struct mv_vault_changes c = { 0 };
	mv_auto(mv_dotenv_freep) struct mv_dotenv *env = NULL;
	json_t *names;
	uint64_t number = 0;
	size_t i;
	int rc;

	rc = mv_vault_settings(next, &env, err);
	if (rc == 0)
		rc = mv_vault_compare(old, env, &c, err);
	if (rc == 0)
		rc = mv_secrets_spare_rows(s, &c, err);
	if (rc == 0)
		rc = mv_secrets_append(s, next, reason, &number, err);
	if (rc < 0)
		return rc;
	names = json_array();
	for (i = 0; i < c.n; i++) {
		mv_say("%s%s", i > 0 ? ", " : "changed: ", c.list[i].name);
		json_array_append_new(names, json_string(c.list[i].name));
	}
	mv_say("%sversion %" PRIu64 "; it is in force once 'secrets render' "
	    "has written the env-file and Mastodon was restarted\n",
	    c.n > 0 ? "\n" : "", number);
	return mv_output_json(json_pack("{ss sI so}", "environment",
	    s->c.name, "version", (json_int_t)number, "changed", names), err);
}

int
mv_secrets_set(struct mv_secrets *s, struct mv_err *err)
{
	mv_auto(mv_vault_file_clear) struct mv_vault_file f = { 0 };
	mv_auto(mv_dotenv_freep) struct mv_dotenv *env = NULL;
	mv_auto(mv_sbuf_clear) struct mv_sbuf text = { 0 };
	mv_auto(fresh_clear) struct fresh fresh = { 0 };
	int rc;

	rc = mv_secrets_newest(s, &f, &env, err);
	if (rc == 0)
		rc = s->cli->generate ? generate(s->args[0], &fresh, err) :
		    read_value(s->args[0], &fresh, err);
	if (rc == 0)
		rc = mv_dotenv_edit(f.bytes.p, f.bytes.len, fresh.changes,
		    fresh.n, &text, err);
	if (rc < 0)
		return rc;
	mv_sbuf_clear(&f.bytes);
	f.bytes = text;
	text = (struct mv_sbuf){ 0 };
	return commit(s, &f, env, "set", err);
}

int
mv_secrets_rollback(struct mv_secrets *s, struct mv_err *err)
{
	mv_auto(mv_vault_file_clear) struct mv_vault_file old = { 0 };
	mv_auto(mv_dotenv_freep) struct mv_dotenv *env = NULL;
	const struct mv_vault_version *v = NULL;
	char reason[64];
	int rc;

	rc = mv_secrets_version(s, s->args[0], &v, err);
	if (rc == 0)
		rc = mv_secrets_newest(s, NULL, &env, err);
	if (rc == 0)
		rc = mv_vault_open(s->c.repo, v, &old, err);
	if (rc < 0)
		return rc;
	if (v == &s->v.list[s->v.n - 1])
		return mv_err_set(err, MV_EUSAGE,
		    "version %" PRIu64 " is the newest one", v->number);
	(void)snprintf(reason, sizeof(reason), "rollback to version %" PRIu64,
	    v->number);
	rc = commit(s, &old, env, reason, err);
	if (rc == 0)
		mv_say("Rows of the database are not converted.\n");
	return rc;
}

/* Is this value of key's in any version? */
static int
is_kept(struct mv_secrets *s, const struct mv_dotenv *env, const char *key,
    bool *kept, struct mv_err *err)
{
	size_t i;

	*kept = false;
	for (i = s->v.n; i > 0 && !*kept; i--) {
		mv_auto(mv_vault_file_clear) struct mv_vault_file f = { 0 };
		mv_auto(mv_dotenv_freep) struct mv_dotenv *old = NULL;
		int rc = mv_vault_open(s->c.repo, &s->v.list[i - 1], &f, err);

		/* Sealed to others, or no settings: not known to be kept. */
		if (rc == MV_EAUTH) {
			mv_err_clear(err);
			continue;
		}
		if (rc < 0)
			return rc;
		*kept = mv_vault_settings(&f, &old, NULL) == 0 &&
		    mv_vault_same(env, old, key);
	}
	return 0;
}

/*
 * The text of a file that is no version's, brought to the newest values.
 * What only this file has would be lost, or would stay against the version.
 */
static int
adapt(struct mv_secrets *s, const struct mv_vault_file *there,
    const struct mv_dotenv *env, struct mv_sbuf *out, struct mv_err *err)
{
	mv_auto(mv_vault_changes_clear) struct mv_vault_changes c = { 0 };
	mv_auto(mv_dotenv_freep) struct mv_dotenv *now = NULL;
	mv_auto(mv_freep) struct mv_dotenv_change *changes = NULL;
	const uint8_t *p = NULL;
	bool kept = true;
	size_t i, n = 0;
	int rc;

	rc = mv_vault_settings(there, &now, err);
	if (rc == 0)
		rc = mv_vault_compare(now, env, &c, err);
	changes = calloc(c.n + 1, sizeof(*changes));
	if (rc == 0 && changes == NULL)
		rc = mv_err_set(err, MV_ENOMEM, "render");
	for (i = 0; rc == 0 && i < c.n; i++) {
		struct mv_dotenv_change *change = &changes[n++];

		change->key = c.list[i].name;
		change->returns = true;
		if (c.list[i].how == MV_VAULT_GONE)
			kept = false;
		else if (c.list[i].how == MV_VAULT_CHANGED)
			rc = is_kept(s, now, change->key, &kept, err);
		if (rc == 0 && !kept) {
			mv_hint("'mastvault secrets import' keeps it, as a "
			    "new version");
			rc = mv_err_set(err, MV_EREFUSED, "%s of '%s' is in "
			    "no version and would be lost", change->key,
			    there->path);
		}
		if (rc == 0)
			rc = mv_dotenv_get(env, change->key, &p, &change->len,
			    err);
		change->value = p;
	}
	return rc < 0 ? rc : mv_dotenv_edit(there->bytes.p, there->bytes.len,
	    changes, n, out, err);
}

/* Whose the file is to be: as it is, else whose the directory is. */
static void
owner_of(const char *path, struct stat *st)
{
	mv_auto(mv_freep) char *dir = strdup(path);
	char *slash = dir != NULL ? strrchr(dir, '/') : NULL;

	if (stat(path, st) == 0)
		return;
	st->st_uid = (uid_t)-1;
	st->st_gid = (gid_t)-1;
	if (slash == NULL || geteuid() != 0)
		return;
	*slash = '\0';
	(void)stat(dir, st);
}

/* The bytes that are to stand in path. */
static int
compose(struct mv_secrets *s, const char *path, struct mv_sbuf *out,
    struct mv_err *err)
{
	mv_auto(mv_vault_file_clear) struct mv_vault_file newest = { 0 };
	mv_auto(mv_vault_file_clear) struct mv_vault_file there = { 0 };
	mv_auto(mv_dotenv_freep) struct mv_dotenv *env = NULL;
	uint64_t number = 1;
	int rc;

	rc = mv_secrets_newest(s, &newest, &env, err);
	if (rc == 0 && access(path, F_OK) == 0) {
		rc = mv_secrets_read(path, &there, err);
		if (rc == 0)
			rc = mv_vault_which(s->c.repo, &s->v, &there.bytes,
			    &number, err);
	}
	if (rc == 0 && number == 0 && there.bytes.len > 0)
		return adapt(s, &there, env, out, err);
	return rc < 0 ? rc : mv_sbuf_put(out, newest.bytes.p,
	    newest.bytes.len, err);
}

int
mv_secrets_render(struct mv_secrets *s, struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf text = { 0 };
	mv_auto(mv_freep) char *path = NULL;
	uint64_t number;
	struct stat st;
	int rc;

	rc = s->cli->output != NULL ?
	    mv_path_absolute(s->cli->output, &path, err) :
	    mv_secrets_path(s, &path, err);
	if (rc == 0)
		rc = compose(s, path, &text, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "render");
	owner_of(path, &st);
	rc = mv_file_replace(path, text.p, text.len, 0600, st.st_uid,
	    st.st_gid, err);
	if (rc < 0)
		return rc;
	number = s->v.list[s->v.n - 1].number;
	mv_say("%s holds version %" PRIu64 "\n", path, number);
	return mv_output_json(json_pack("{ss ss sI}", "environment",
	    s->c.name, "file", path, "version", (json_int_t)number), err);
}
