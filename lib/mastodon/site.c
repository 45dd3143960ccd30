/* SPDX-License-Identifier: MIT */
#include "mastodon/site.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static const char main_file[] = ".env.production";

/* In Rails' order. */
static const char *const env_files[] = {
	".env.production.local", ".env.local", main_file, ".env",
};

static const char *const media_settings[] = {
	[MV_SITE_MEDIA_FILES] = NULL,
	[MV_SITE_MEDIA_S3] = "S3_ENABLED",
	[MV_SITE_MEDIA_SWIFT] = "SWIFT_ENABLED",
	[MV_SITE_MEDIA_AZURE] = "AZURE_ENABLED",
};

void
mv_site_free(struct mv_site *site)
{
	if (site == NULL)
		return;
	mv_dotenv_free(site->env);
	mv_database_clear(&site->database);
	free(site->env_file);
	free(site->media_root);
	free(site);
}

void
mv_site_freep(struct mv_site **site)
{
	mv_site_free(*site);
	*site = NULL;
}

const char *
mv_site_media_setting(enum mv_site_media media)
{
	return media_settings[media];
}

static int
join(const char *dir, const char *name, char **out, struct mv_err *err)
{
	if (asprintf(out, "%s/%s", dir, name) < 0) {
		*out = NULL;
		return mv_err_set(err, MV_ENOMEM, "path in '%s'", dir);
	}
	return 0;
}

/* Read one regular file. */
static int
read_text(const char *path, struct mv_sbuf *text, struct stat *st,
    struct mv_err *err)
{
	mv_auto(mv_fd_closep) int fd = -1;

	/* O_NONBLOCK: a FIFO must not hold us up. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, st) < 0)
		return mv_err_sys(err, "open '%s'", path);
	if (!S_ISREG(st->st_mode))
		return mv_err_set(err, MV_EUSAGE, "'%s' is not a regular file",
		    path);
	return mv_sbuf_read_fd(text, fd, MV_DOTENV_TEXT_MAX, path, err);
}

/* Call fn for each file that is there, the one that wins first. */
static int
each_file(const struct mv_site_opts *opts,
    int (*fn)(const char *path, bool secrets, void *arg, struct mv_err *err),
    void *arg, struct mv_err *err)
{
	size_t i;
	int rc = 0;

	if (opts->env_file != NULL)
		rc = fn(opts->env_file, true, arg, err);
	for (i = 0; rc == 0 && i < MV_ARRAY_LEN(env_files); i++) {
		mv_auto(mv_freep) char *path = NULL;
		bool is_main = env_files[i] == main_file;

		if (opts->env_file != NULL && is_main)
			continue;
		rc = join(opts->dir, env_files[i], &path, err);
		if (rc == 0 && (is_main || access(path, F_OK) == 0))
			rc = fn(path, is_main, arg, err);
	}
	return rc;
}

/* Read one file into site->env, and note its owner if it is the main one. */
static int
add_file(const char *path, bool secrets, void *arg, struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf text = { 0 };
	struct mv_site *site = arg;
	struct stat st;
	int rc;

	rc = read_text(path, &text, &st, err);
	if (rc < 0)
		return rc;
	rc = mv_dotenv_add(site->env, text.p, text.len, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "'%s'", path);
	if (secrets) {
		site->uid = st.st_uid;
		site->gid = st.st_gid;
	}
	return 0;
}

/* instead: settings to be, of a text that is not on the disk. */
struct instead {
	const void *text;
	size_t len;
	struct mv_dotenv *env;
};

static int
add_instead(const char *path, bool secrets, void *arg, struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf text = { 0 };
	struct instead *in = arg;
	struct stat st;
	int rc = 0;

	if (!secrets)
		rc = read_text(path, &text, &st, err);
	if (rc == 0)
		rc = secrets ? mv_dotenv_add(in->env, in->text, in->len, err) :
		    mv_dotenv_add(in->env, text.p, text.len, err);
	return mv_err_ctx(err, rc, "'%s'", path);
}

int
mv_site_settings(const struct mv_site_opts *opts, const void *text,
    size_t len, struct mv_dotenv **out, struct mv_err *err)
{
	mv_auto(mv_dotenv_freep) struct mv_dotenv *env = NULL;
	struct instead in = { .text = text, .len = len };
	int rc;

	rc = mv_dotenv_new(&env, err);
	in.env = env;
	if (rc == 0)
		rc = each_file(opts, add_instead, &in, err);
	if (rc < 0)
		return rc;
	*out = mv_take(&env);
	return 0;
}

/* winner: the first file that sets a key. */
struct winner {
	const char *key;
	char *path;
	bool secrets;
};

static int
look_for(const char *path, bool secrets, void *arg, struct mv_err *err)
{
	mv_auto(mv_dotenv_freep) struct mv_dotenv *env = NULL;
	mv_auto(mv_sbuf_clear) struct mv_sbuf text = { 0 };
	struct winner *w = arg;
	struct stat st;
	size_t i;
	int rc;

	if (w->path != NULL)
		return 0;
	rc = mv_dotenv_new(&env, err);
	if (rc == 0)
		rc = read_text(path, &text, &st, err);
	if (rc == 0)
		rc = mv_err_ctx(err, mv_dotenv_add(env, text.p, text.len,
		    err), "'%s'", path);
	for (i = 0; rc == 0 && w->path == NULL && i < mv_dotenv_count(env);
	    i++) {
		if (strcmp(mv_dotenv_key(env, i), w->key) != 0)
			continue;
		w->secrets = secrets;
		w->path = strdup(path);
		if (w->path == NULL)
			rc = mv_err_set(err, MV_ENOMEM, "name of a file");
	}
	return rc;
}

int
mv_site_winner(const struct mv_site_opts *opts, const char *key, char **path,
    bool *is_env_file, struct mv_err *err)
{
	struct winner w = { .key = key };
	int rc = each_file(opts, look_for, &w, err);

	if (rc < 0) {
		free(w.path);
		return rc;
	}
	*path = w.path;
	*is_env_file = w.secrets;
	return 0;
}

/* PAPERCLIP_ROOT_PATH may begin with ":rails_root", or be relative to it. */
static int
find_media(struct mv_site *site, const char *dir, struct mv_err *err)
{
	static const char root[] = ":rails_root";
	mv_auto(mv_freep) char *path = NULL;
	const uint8_t *p;
	const char *rest;
	size_t len, n;
	int rc;

	for (n = MV_SITE_MEDIA_S3; n < MV_ARRAY_LEN(media_settings); n++)
		if (site->media == MV_SITE_MEDIA_FILES &&
		    mv_dotenv_is(site->env, media_settings[n], "true"))
			site->media = (enum mv_site_media)n;
	rc = mv_dotenv_get(site->env, "PAPERCLIP_ROOT_PATH", &p, &len, err);
	if (rc < 0)
		return rc;
	if (p == NULL)
		return join(dir, "public/system", &site->media_root, err);
	path = strndup((const char *)p, len);
	if (path == NULL)
		return mv_err_set(err, MV_ENOMEM, "PAPERCLIP_ROOT_PATH");
	rest = path;
	if (strncmp(path, root, sizeof(root) - 1) == 0) {
		rest += sizeof(root) - 1;
		while (*rest == '/')
			rest++;
	} else if (path[0] == '/') {
		site->media_root = mv_take(&path);
		return 0;
	}
	return join(dir, rest, &site->media_root, err);
}

int
mv_site_open(const struct mv_site_opts *opts, struct mv_site **out,
    struct mv_err *err)
{
	mv_auto(mv_site_freep) struct mv_site *site = NULL;
	int rc;

	site = calloc(1, sizeof(*site));
	if (site == NULL)
		return mv_err_set(err, MV_ENOMEM, "settings of Mastodon");
	rc = mv_dotenv_new(&site->env, err);
	if (rc < 0)
		return rc;
	if (opts->env_file == NULL) {
		rc = join(opts->dir, main_file, &site->env_file, err);
	} else {
		site->env_file = strdup(opts->env_file);
		if (site->env_file == NULL)
			rc = mv_err_set(err, MV_ENOMEM, "name of a file");
	}
	if (rc == 0)
		rc = each_file(opts, add_file, site, err);
	if (rc == 0)
		rc = mv_err_ctx(err, mv_database_init(&site->database,
		    site->env, err), "'%s'", site->env_file);
	if (rc == 0)
		rc = find_media(site, opts->dir, err);
	if (rc < 0)
		return rc;
	*out = mv_take(&site);
	return 0;
}
