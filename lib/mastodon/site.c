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

/* Read one file into site->env, and note its owner if it is the main one. */
static int
add_file(struct mv_site *site, const char *path, struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf text = { 0 };
	mv_auto(mv_fd_closep) int fd = -1;
	struct stat st;
	int rc;

	/* O_NONBLOCK: a FIFO must not hold us up. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return mv_err_sys(err, "open '%s'", path);
	if (!S_ISREG(st.st_mode))
		return mv_err_set(err, MV_EUSAGE, "'%s' is not a regular file",
		    path);
	rc = mv_sbuf_read_fd(&text, fd, MV_DOTENV_TEXT_MAX, path, err);
	if (rc < 0)
		return rc;
	rc = mv_dotenv_add(site->env, text.p, text.len, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "'%s'", path);
	if (strcmp(path, site->env_file) == 0) {
		site->uid = st.st_uid;
		site->gid = st.st_gid;
	}
	return 0;
}

static int
add_files(struct mv_site *site, const struct mv_site_opts *opts,
    struct mv_err *err)
{
	size_t i;
	int rc;

	if (opts->env_file != NULL) {
		rc = add_file(site, site->env_file, err);
		if (rc < 0)
			return rc;
	}
	for (i = 0; i < MV_ARRAY_LEN(env_files); i++) {
		mv_auto(mv_freep) char *path = NULL;

		if (opts->env_file != NULL && env_files[i] == main_file)
			continue;
		rc = join(opts->dir, env_files[i], &path, err);
		if (rc < 0)
			return rc;
		if (env_files[i] != main_file && access(path, F_OK) < 0)
			continue;
		rc = add_file(site, path, err);
		if (rc < 0)
			return rc;
	}
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
		rc = add_files(site, opts, err);
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
