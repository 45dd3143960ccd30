/* SPDX-License-Identifier: MIT */
#include "job/setup.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/time.h"

#define KEY_FILE_MAX (1u << 20)

void
mv_setup_report_clear(struct mv_setup_report *r)
{
	free(r->owner);
	free(r->writer);
	free(r->reader);
	free(r->vault);
	free(r->kit);
	*r = (struct mv_setup_report){ 0 };
}

/*
 * One file to write: what it is called, which keys it holds, and whether it
 * must be usable unattended, which a passphrase would prevent.
 */
struct key_file {
	const char *what;
	char *path;
	struct mv_keyset *keys;
	bool unattended;
	bool kit;
	const char *comment;
};

static const char writer_comment[] =
    "Adds snapshots. Cannot read backups and cannot delete.\n"
    "Stays on the server that makes the backups, unattended.\n";
static const char vault_comment[] =
    "Opens and changes the secrets (.env.production) of this environment.\n"
    "Stays on the server; cannot read the backups' database or media.\n";
static const char reader_comment[] =
    "Reads all backups of this environment: for restores and drills.\n"
    "Safer elsewhere than on the server that makes the backups.\n";
static const char owner_comment[] =
    "Admits and expels keys. Needed only for that: keep it off the server.\n";

/*
 * The note that goes into every key file, for the day when it is all that
 * is left.
 */
static char *
note_json(const struct mv_setup_opts *opts, bool kit)
{
	json_t *doc = json_object(), *stores = json_array();
	char when[MV_TIME_TEXT], *text;
	size_t i;

	for (i = 0; opts->urls[i] != NULL; i++)
		json_array_append_new(stores, json_string(opts->urls[i]));
	json_object_set_new(doc, "environment",
	    json_string(opts->environment));
	json_object_set_new(doc, "stores", stores);
	if (kit) {
		mv_time_utc(mv_time_now(), when);
		json_object_set_new(doc, "created", json_string(when));
		json_object_set_new(doc, "program",
		    json_string(opts->program));
		json_object_set_new(doc, "format",
		    json_integer(MV_FORMAT_VERSION));
		json_object_set_new(doc, "host_keys", json_array());
		json_object_set_new(doc, "mastodon",
		    json_string(opts->mastodon));
	}
	text = json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(doc);
	return text;
}

/* What a person needs to read when the server is gone. */
static char *
kit_comment(const struct mv_setup_opts *opts, const char *repo_hex)
{
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };
	char when[MV_TIME_TEXT];
	size_t i;

	mv_time_utc(mv_time_now(), when);
	mv_buf_printf(&b, "RECOVERY KIT of the Mastodon environment '%s'\n\n"
	    "Whoever has this file%s can read every backup and all secrets.\n"
	    "Print it, keep two copies in two places, none of them the server.\n\n",
	    opts->environment,
	    opts->pass.p != NULL ? " and its passphrase" : "");
	mv_buf_printf(&b, "made:        %s by %s, format %d\n", when,
	    opts->program, MV_FORMAT_VERSION);
	mv_buf_printf(&b, "server:      %s, %s\n", opts->host, opts->mastodon);
	mv_buf_printf(&b, "repository:  %s\n", repo_hex);
	for (i = 0; opts->urls[i] != NULL; i++)
		mv_buf_printf(&b, "store:       %s\n", opts->urls[i]);
	mv_buf_put_str(&b, "credentials: (write here what opens the stores)\n\n"
	    "On an empty machine, with mastvault, PostgreSQL and the directory of\n"
	    "Mastodon, as root:\n\n"
	    "  mastvault snapshots --kit THIS_FILE\n"
	    "  mastvault restore --kit THIS_FILE latest \\\n"
	    "      --create-roles --database dbname=mastodon_production \\\n"
	    "      --media /home/mastodon/live/public/system \\\n"
	    "      --env-file /home/mastodon/live/.env.production\n\n"
	    "Then let the role of Mastodon log in (su - postgres -c psql), with\n"
	    "DB_PASS of .env.production where it has one:\n\n"
	    "  ALTER ROLE mastodon LOGIN PASSWORD '...';\n\n"
	    "Add --store URL when the store has moved. Lines that start with #\n"
	    "may be changed; the rest may not.\n");
	return mv_buf_failed(&b, NULL) < 0 || mv_buf_cstr(&b) == NULL ? NULL :
	    strdup((char *)b.p);
}

static int
refuse_existing(const struct key_file *files, size_t n, struct mv_err *err)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (access(files[i].path, F_OK) == 0)
			return mv_err_set(err, MV_EEXIST,
			    "'%s' exists already and is never overwritten",
			    files[i].path);
	return 0;
}

static int
write_key_file(const struct key_file *f, const struct mv_setup_opts *opts,
    const char *repo_hex, struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf text = { 0 };
	mv_auto(mv_freep) char *comment = NULL;
	int rc;

	if (f->kit)
		comment = kit_comment(opts, repo_hex);
	else if (asprintf(&comment,
	    "mastvault %s key of '%s', repository %s\n%s", f->what,
	    opts->environment, repo_hex, f->comment) < 0)
		comment = NULL;
	f->keys->note = note_json(opts, f->kit);
	if (comment == NULL || f->keys->note == NULL)
		return mv_err_set(err, MV_EUSAGE,
		    "a name for '%s' is not UTF-8, or memory is out", f->path);
	rc = mv_keyfile_encode(f->keys, f->unattended ? NULL : &opts->pass,
	    comment, &text, err);
	if (rc == 0)
		rc = mv_file_create(f->path, text.p, text.len, 0600, err);
	return mv_err_ctx(err, rc, "write the %s key", f->what);
}

int
mv_job_write_kit(struct mv_keyset *keys, const struct mv_setup_opts *opts,
    struct mv_err *err)
{
	mv_auto(mv_freep) char *path = strdup(opts->kit);
	const struct key_file file = {
		.what = "recovery kit", .path = path, .keys = keys,
		.kit = true,
	};
	char repo[2 * sizeof(keys->repo.b) + 1];

	if (path == NULL)
		return mv_err_set(err, MV_ENOMEM, "write a recovery kit");
	mv_hex_encode(keys->repo.b, sizeof(keys->repo.b), repo);
	return write_key_file(&file, opts, repo, err);
}

static char *
in_dir(const char *dir, const char *name)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

/* Removes what this run wrote, when the repository could not be made. */
static void
unwrite(const struct key_file *files, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		(void)unlink(files[i].path);
}

static int
write_all(const struct key_file *files, size_t n,
    const struct mv_setup_opts *opts, const char *repo_hex,
    struct mv_err *err)
{
	size_t i;
	int rc;

	for (i = 0; i < n; i++) {
		rc = write_key_file(&files[i], opts, repo_hex, err);
		if (rc < 0) {
			unwrite(files, i);
			return rc;
		}
	}
	return 0;
}

int
mv_job_setup(struct mv_store *const stores[], size_t nstores,
    const struct mv_setup_opts *opts, struct mv_setup_report *out,
    struct mv_err *err)
{
	mv_auto(mv_repo_plan_clear) struct mv_repo_plan plan = { 0 };
	mv_auto(mv_setup_report_clear) struct mv_setup_report rep = {
		.owner = in_dir(opts->key_dir, "owner.key"),
		.writer = in_dir(opts->key_dir, "writer.key"),
		.reader = in_dir(opts->key_dir, "reader.key"),
		.vault = in_dir(opts->key_dir, "vault.key"),
		.kit = strdup(opts->kit),
	};
	int rc;

	if (rep.owner == NULL || rep.writer == NULL || rep.reader == NULL ||
	    rep.vault == NULL || rep.kit == NULL)
		return mv_err_set(err, MV_ENOMEM, "set up");
	rc = mv_repo_plan(opts->environment, opts->host, &plan, err);
	if (rc < 0)
		return rc;
	mv_hex_encode(plan.keys.owner->repo.b, MV_REPO_ID_BYTES, rep.repo_hex);

	const struct key_file files[] = {
		{ "owner", rep.owner, plan.keys.owner, .comment = owner_comment },
		{ "writer", rep.writer, plan.keys.writer, .unattended = true,
		    .comment = writer_comment },
		{ "reader", rep.reader, plan.keys.reader, .comment = reader_comment },
		{ "vault", rep.vault, plan.keys.vault, .unattended = true,
		    .comment = vault_comment },
		{ "recovery kit", rep.kit, plan.keys.kit, .kit = true },
	};
	rc = refuse_existing(files, MV_ARRAY_LEN(files), err);
	if (rc == 0)
		rc = mv_dir_make(opts->key_dir, 0700, err);
	if (rc == 0)
		rc = mv_repo_refuse_existing(stores, nstores, err);
	if (rc == 0)
		rc = write_all(files, MV_ARRAY_LEN(files), opts, rep.repo_hex,
		    err);
	if (rc < 0)
		return rc;
	/*
	 * From here on the files stay, whatever happens: a store may have the
	 * keyring although its put reported a failure.
	 */
	rc = mv_repo_plan_commit(&plan, stores, nstores, err);
	if (rc < 0)
		return mv_err_ctx(err, rc,
		    "make the repository (the key files are written)");
	*out = rep;
	rep = (struct mv_setup_report){ 0 };
	return 0;
}

int
mv_job_load_key(const char *path, int (*pass_of)(const char *path,
	struct mv_sbuf *out, void *arg, struct mv_err *err),
    void *arg, struct mv_keyset **out, struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf text = { 0 };
	mv_auto(mv_sbuf_clear) struct mv_sbuf pass = { 0 };
	struct mv_passphrase p = { 0 };
	int protected = 0, rc;

	rc = mv_sbuf_read_file(&text, path, KEY_FILE_MAX, err);
	if (rc == 0)
		rc = mv_keyfile_protected(text.p, text.len, &protected, err);
	if (rc == 0 && protected)
		rc = pass_of(path, &pass, arg, err);
	if (rc == 0) {
		p.p = protected ? pass.p : NULL;
		p.len = pass.len;
		rc = mv_keyfile_decode(text.p, text.len, &p, out, err);
	}
	return mv_err_ctx(err, rc, "key file '%s'", path);
}
