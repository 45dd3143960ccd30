/* SPDX-License-Identifier: MIT */
#include "mastvault/context.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "format/enrol.h"
#include "job/setup.h"
#include "mastvault/backends.h"
#include "mastvault/output.h"

#define OWNER "owner.key"
#define WRITER "writer.key"
#define READER "reader.key"
#define MAINTAINER "maintainer.key"
#define VAULT "vault.key"
#define KEY_FILE_MAX ((size_t)1 << 20)

const char *const mv_key_names[] = {
	OWNER, WRITER, READER, MAINTAINER, VAULT, "recovery.kit", NULL,
};

void
mv_context_clear(struct mv_context *c)
{
	size_t i;

	mv_repo_free(c->repo);
	mv_keyset_free(c->keys);
	for (i = 0; i < c->nstores; i++)
		mv_store_free(c->stores[i]);
	free(c->stores);
	mv_pass_source_clear(&c->pass);
	mv_strv_clear(&c->urls);
	free(c->state_dir);
	free(c->name);
	mv_config_clear(&c->config);
	*c = (struct mv_context){ 0 };
}

int
mv_path_in(const char *dir, const char *name, char **out, struct mv_err *err)
{
	if (asprintf(out, "%s/%s", dir, name) >= 0)
		return 0;
	*out = NULL;
	return mv_err_set(err, MV_ENOMEM, "path in '%s'", dir);
}

int
mv_path_absolute(const char *path, char **out, struct mv_err *err)
{
	mv_auto(mv_freep) char *cwd = NULL;

	if (path[0] != '/') {
		cwd = getcwd(NULL, 0);
		if (cwd == NULL)
			return mv_err_sys(err, "find the working directory");
		return mv_path_in(cwd, path, out, err);
	}
	*out = strdup(path);
	if (*out == NULL)
		return mv_err_set(err, MV_ENOMEM, "path '%s'", path);
	return 0;
}

int
mv_path_named(const char *what, const char *path, struct mv_err *err)
{
	if (access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR))
		return 0;
	return mv_err_set(err, MV_EUSAGE, "there is no %s '%s'", what, path);
}

static int
copy(const char *text, char **out, struct mv_err *err)
{
	*out = strdup(text);
	if (*out == NULL)
		return mv_err_set(err, MV_ENOMEM, "copy a name");
	return 0;
}

static int
copy_list(const struct mv_strv *from, struct mv_strv *to, struct mv_err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < from->n && rc == 0; i++)
		rc = mv_strv_add(to, from->v[i], strlen(from->v[i]), err);
	return rc;
}

/* What keys say of themselves, to be released; NULL for nothing. */
static json_t *
note_of(const struct mv_keyset *keys)
{
	if (keys == NULL || keys->note == NULL)
		return NULL;
	return json_loads(keys->note, 0, NULL);
}

static const char *
environment_in(const json_t *note)
{
	return json_string_value(json_object_get(note, "environment"));
}

/*
 * Of several environments, where nobody chose, the one that the keys are of:
 * sections are called so.
 */
static int
pick(const struct mv_cli *cli, const char *path, struct mv_context *c,
    struct mv_err *err)
{
	json_t *note = c->config.n > 1 ? note_of(c->keys) : NULL;
	const char *name = cli->env != NULL ? cli->env : environment_in(note);
	int rc;

	rc = mv_config_pick(&c->config, path, name, &c->env, err);
	json_decref(note);
	return rc;
}

int
mv_context_configure(const struct mv_cli *cli, struct mv_context *c,
    struct mv_err *err)
{
	const char *path = mv_config_path(cli->config);
	int rc;

	if (c->env != NULL)
		return 0;
	rc = mv_config_load(path, &c->config, err);
	if (rc == MV_ENOTFOUND) {
		/* Not having said what to do is a matter of usage. */
		mv_err_clear(err);
		mv_hint("'mastvault init' makes one; -c names another; "
		    "--kit FILE needs none");
		return mv_err_set(err, MV_EUSAGE,
		    "there is no configuration '%s'", path);
	}
	if (rc == 0)
		rc = pick(cli, path, c, err);
	if (rc == 0)
		rc = copy(c->env->name, &c->name, err);
	if (rc < 0)
		return rc;
	c->pass.file = cli->passphrase_file;
	if (c->pass.file == NULL) {
		c->pass.file = c->env->passphrase_file;
		c->pass.command = c->env->passphrase_command;
	}
	rc = copy(cli->state_dir != NULL ? cli->state_dir : c->env->state_dir,
	    &c->state_dir, err);
	if (rc == 0)
		rc = copy_list(cli->stores.n > 0 ? &cli->stores :
		    &c->env->stores, &c->urls, err);
	return rc;
}

int
mv_context_load_key(struct mv_context *c, const char *path,
    struct mv_keyset **out, struct mv_err *err)
{
	struct stat st;
	int rc;

	rc = mv_path_named("key file", path, err);
	if (rc < 0)
		return rc;
	if (stat(path, &st) < 0)
		return mv_err_sys(err, "key file '%s'", path);
	if ((st.st_mode & 077) != 0) {
		mv_hint("chmod 0600 '%s', and ask who may have read it", path);
		return mv_err_set(err, MV_EUSAGE,
		    "key file '%s' can be read by others (mode %04o)", path,
		    (unsigned)st.st_mode & 07777);
	}
	rc = mv_job_load_key(path, mv_pass_of, &c->pass, out, err);
	if (rc < 0 || !mv_keyset_is_pending(*out))
		return rc;
	mv_keyset_freep(out);
	mv_hint("the owner admits it with 'mastvault key add LINE'; then "
	    "'mastvault key accept ENROLMENT %s'", path);
	return mv_err_set(err, MV_EUSAGE,
	    "the key in '%s' is no member of a repository yet", path);
}

/* What a host cannot do without the key that it does not have. */
static int
missing_key(struct mv_context *c, const char *path, const char *name,
    struct mv_err *err)
{
	c->lacks_key = true;
	if (strcmp(name, READER) == 0)
		mv_hint("where the recovery kit is: --kit FILE; or do it on "
		    "a host that has a reader's key");
	else if (strcmp(name, OWNER) == 0)
		mv_hint("where the recovery kit is: --kit FILE");
	else if (strcmp(name, WRITER) == 0)
		mv_hint("'mastvault key new --role writer' makes one, which "
		    "the owner must admit");
	return mv_err_set(err, MV_EAUTH, "%s: there is no '%s'",
	    strcmp(name, READER) == 0 ? "this host cannot read backups" :
	    strcmp(name, WRITER) == 0 ? "this host cannot write backups" :
	    strcmp(name, OWNER) == 0 ?
	    "this host can neither admit nor remove keys" :
	    "this host has not the key for that", path);
}

/*
 * Staging must not work with production's keys because a section was copied:
 * each file notes the environment that it was made for.
 */
static int
check_environment(const struct mv_context *c, const char *path,
    const struct mv_keyset *keys, struct mv_err *err)
{
	json_t *note = note_of(keys);
	const char *name = environment_in(note);
	int rc = 0;

	if (name != NULL && strcmp(name, c->name) != 0) {
		mv_hint("each environment has keys, stores and a state "
		    "directory of its own; where [%s] is meant, call the "
		    "section so", name);
		rc = mv_err_set(err, MV_EUSAGE,
		    "[%s] names a key of the environment '%s', '%s'",
		    c->name, name, path);
	}
	json_decref(note);
	return rc;
}

/* Load a file of the key directory into c->keys; skip a missing one if so. */
static int
add_key(struct mv_context *c, const char *name, bool optional,
    struct mv_err *err)
{
	mv_auto(mv_keyset_freep) struct mv_keyset *keys = NULL;
	mv_auto(mv_freep) char *path = NULL;
	int rc;

	rc = mv_path_in(c->env->key_dir, name, &path, err);
	if (rc < 0)
		return rc;
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return optional ? 0 : missing_key(c, path, name, err);
	rc = mv_context_load_key(c, path, &keys, err);
	if (rc < 0)
		return rc;
	rc = check_environment(c, path, keys, err);
	if (rc < 0)
		return rc;
	if (c->keys != NULL)
		return mv_keyset_merge(c->keys, keys, err);
	c->keys = mv_take(&keys);
	return 0;
}

/* Can the reader's key be opened: without a passphrase, or with somebody there? */
static int
reader_opens(struct mv_context *c, bool *opens, struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf text = { 0 };
	mv_auto(mv_freep) char *path = NULL;
	int protected = 0, rc;

	*opens = false;
	rc = mv_path_in(c->env->key_dir, READER, &path, err);
	if (rc < 0 || access(path, R_OK) < 0)
		return rc;
	rc = mv_sbuf_read_file(&text, path, KEY_FILE_MAX, err);
	if (rc == 0)
		rc = mv_keyfile_protected(text.p, text.len, &protected, err);
	*opens = !protected || mv_pass_is_unattended(&c->pass) ||
	    isatty(STDIN_FILENO);
	return mv_err_ctx(err, rc, "key file '%s'", path);
}

/* Any key that opens the structure, but the reader's only as the last. */
static int
add_structure(struct mv_context *c, struct mv_err *err)
{
	int rc;

	rc = add_key(c, WRITER, true, err);
	if (rc == 0 && c->keys == NULL)
		rc = add_key(c, MAINTAINER, true, err);
	/* A host that only reads has no other, but can list. */
	if (rc == 0 && c->keys == NULL)
		rc = add_key(c, READER, false, err);
	return rc;
}

static int
load_keys(struct mv_context *c, enum mv_want want, struct mv_err *err)
{
	bool reader = want == MV_WANT_DATA || want == MV_WANT_OWN;
	int rc;

	rc = mv_path_named("directory of keys", c->env->key_dir, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "[%s], 'key-dir'", c->name);
	if (want == MV_WANT_VAULT)
		return add_key(c, VAULT, false, err);
	if (want == MV_WANT_BEST)
		rc = reader_opens(c, &reader, err);
	if (rc == 0 && want == MV_WANT_OWN)
		rc = add_key(c, OWNER, false, err);
	if (rc == 0 && reader)
		rc = add_key(c, READER, false, err);
	else if (rc == 0 && want == MV_WANT_WRITE)
		rc = add_key(c, WRITER, false, err);
	else if (rc == 0)
		rc = add_structure(c, err);
	if (rc == 0 && want != MV_WANT_LIST)
		rc = add_key(c, VAULT, want != MV_WANT_WRITE, err);
	return rc;
}

/* Environment and stores stand in the kit's note. */
static int
read_note(struct mv_context *c, const struct mv_cli *cli, const char *path,
    struct mv_err *err)
{
	const char *url, *name;
	json_t *note = note_of(c->keys), *item;
	size_t i;
	int rc = 0;

	name = environment_in(note);
	if (c->name == NULL)
		rc = copy(name != NULL ? name : "unknown", &c->name, err);
	if (rc == 0 && cli->stores.n > 0 && c->urls.n == 0)
		rc = copy_list(&cli->stores, &c->urls, err);
	else if (c->urls.n == 0)
		json_array_foreach(json_object_get(note, "stores"), i, item) {
			url = json_string_value(item);
			if (url != NULL && rc == 0)
				rc = mv_strv_add(&c->urls, url, strlen(url),
				    err);
		}
	json_decref(note);
	if (rc == 0 && c->urls.n == 0) {
		mv_hint("--store URL says where the repository is");
		return mv_err_set(err, MV_EUSAGE, "'%s' names no store", path);
	}
	return rc;
}

int
mv_context_kit(const struct mv_cli *cli, struct mv_context *c,
    const char *path, struct mv_err *err)
{
	int rc = 0;

	if (cli->passphrase_file != NULL)
		c->pass.file = cli->passphrase_file;
	if (c->keys == NULL)
		rc = mv_context_load_key(c, path, &c->keys, err);
	if (rc == 0)
		rc = read_note(c, cli, path, err);
	if (rc == 0 && cli->state_dir != NULL && c->state_dir == NULL)
		rc = copy(cli->state_dir, &c->state_dir, err);
	return rc;
}

static int
limit_upload(struct mv_context *c, struct mv_store **st, struct mv_err *err)
{
	struct mv_store *limited = NULL;
	int rc;

	rc = mv_store_limit(st, c->upload, &limited, err);
	if (rc == 0)
		*st = limited;
	return rc;
}

int
mv_context_stores(struct mv_context *c, unsigned min_free,
    struct mv_err *err)
{
	size_t i;
	int rc;

	c->stores = calloc(c->urls.n, sizeof(struct mv_store *));
	if (c->stores == NULL)
		return mv_err_set(err, MV_ENOMEM, "open the stores");
	for (i = 0; i < c->urls.n; i++) {
		mv_auto(mv_store_freep) struct mv_store *st = NULL;

		rc = mv_store_open(mv_backends, c->urls.v[i], &st, err);
		if (rc == 0 && min_free > 0)
			rc = mv_store_min_free(&st, min_free, &c->stores[i],
			    err);
		else if (rc == 0)
			c->stores[i] = mv_take(&st);
		if (rc == 0 && c->upload != NULL)
			rc = limit_upload(c, &c->stores[i], err);
		if (rc == MV_EUSAGE && c->urls.v[i][0] == '/')
			mv_hint("a directory is written as file://%s",
			    c->urls.v[i]);
		if (rc < 0)
			return mv_err_ctx(err, rc, "store '%s'",
			    c->urls.v[i]);
		c->nstores++;
	}
	return 0;
}

static void
hint_for(int rc)
{
	if (rc == MV_ENOREPO)
		mv_hint("is it mounted? 'mastvault init' makes a new "
		    "repository, --store URL names another place");
	else if (rc == MV_EAUTH)
		mv_hint("is this the right key file or kit for this store, "
		    "and the right passphrase?");
}

int
mv_context_connect(struct mv_context *c, unsigned min_free,
    struct mv_err *err)
{
	struct mv_repo_opts opts = { 0 };
	int rc;

	rc = mv_context_stores(c, min_free, err);
	if (rc == 0 && c->state_dir != NULL)
		rc = mv_dir_make(c->state_dir, 0700, err);
	if (rc < 0)
		return rc;
	opts.stores = c->stores;
	opts.nstores = c->nstores;
	opts.keys = c->keys;
	opts.state_dir = c->state_dir;
	rc = mv_repo_open(&opts, &c->repo, err);
	hint_for(rc);
	return rc;
}

/* Is it the lack of a key's file, which has its hint, or a wrong one? */
static bool
is_wrong_key(const struct mv_context *c, const struct mv_err *err)
{
	return err->code == MV_EAUTH && err->sys_errno == 0 && !c->lacks_key;
}

int
mv_context_open(const struct mv_cli *cli, enum mv_want want,
    struct mv_context *c, struct mv_err *err)
{
	int rc;

	if (cli->kit != NULL) {
		rc = mv_context_kit(cli, c, cli->kit, err);
	} else {
		rc = mv_context_configure(cli, c, err);
		if (rc == 0)
			rc = load_keys(c, want, err);
	}
	if (rc < 0) {
		if (is_wrong_key(c, err))
			hint_for(rc);
		return rc;
	}
	return mv_context_connect(c, want == MV_WANT_WRITE && c->env != NULL ?
	    c->env->min_free : 0, err);
}
