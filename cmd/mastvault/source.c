/* SPDX-License-Identifier: MIT */
#include "mastvault/source.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "mastvault/cli.h"
#include "mastvault/output.h"
#include "postgres/conn.h"

#define EXCLUDE_FILE_MAX ((size_t)1 << 20)

void
mv_source_clear(struct mv_source_of *s)
{
	mv_site_free(s->site);
	mv_strv_clear(&s->database_exec);
	mv_strv_clear(&s->excludes);
	*s = (struct mv_source_of){ 0 };
}

/* The database as configured, else as Mastodon connects to it. */
static int
find_database(const struct mv_config_env *env, struct mv_source_of *s,
    struct mv_err *err)
{
	struct mv_backup_source *src = &s->source;
	int rc = 0;

	src->uid = s->site->uid;
	src->gid = s->site->gid;
	src->pg_bin = env->pg_bin;
	if (env->database_exec != NULL) {
		rc = mv_strv_split(&s->database_exec, env->database_exec, err);
		src->exec_prefix = mv_strv_const(&s->database_exec);
	}
	if (env->database != NULL) {
		/* DB_PASS is DB_USER's: offered to nobody else. */
		src->conninfo = env->database;
		if (mv_pg_same_user(env->database,
		    s->site->database.conninfo))
			src->db_password = s->site->database.password;
		return rc;
	}
	src->conninfo = s->site->database.conninfo;
	src->db_password = s->site->database.password;
	src->pgbouncer_suspected = s->site->database.pooled != NULL;
	if (src->pgbouncer_suspected)
		mv_hint("%s in '%s': write 'database = host=... port=5432 "
		    "dbname=... user=...', past pgbouncer, into the "
		    "configuration", s->site->database.pooled,
		    s->site->env_file);
	return rc;
}

static int
find_media(const struct mv_config_env *env, uint32_t parts,
    struct mv_source_of *s, struct mv_err *err)
{
	struct mv_backup_source *src = &s->source;
	const char *setting = mv_site_media_setting(s->site->media);

	src->exclude = mv_strv_const(&env->excludes);
	if (env->media != NULL && strcmp(env->media, "none") == 0) {
		src->media_reason = setting != NULL ?
		    "they are in object storage" :
		    "the configuration says 'media = none'";
		return 0;
	}
	src->media = env->media != NULL ? env->media : s->site->media_root;
	if (setting == NULL || env->media != NULL ||
	    (parts & MV_PART_MEDIA) == 0)
		return 0;
	mv_hint("write 'media = none' into the configuration if they are "
	    "kept safe elsewhere, or 'media = DIR' if a tree of files "
	    "is to be taken all the same");
	return mv_err_set(err, MV_EUSAGE,
	    "'%s' has %s=true: media are in object storage and would not be "
	    "in the backup", s->site->env_file, setting);
}

static int
exclude_lines(struct mv_strv *list, const char *text, size_t left,
    struct mv_err *err)
{
	const char *end;
	size_t len;
	int rc = 0;

	for (; left > 0 && rc == 0; left -= len + (end != NULL)) {
		const char *from = text, *to;

		end = memchr(text, '\n', left);
		len = end != NULL ? (size_t)(end - text) : left;
		for (to = text + len; from < to && strchr(" \t", *from); from++)
			continue;
		while (to > from && strchr(" \t\r", to[-1]) != NULL)
			to--;
		text += len + (end != NULL);
		if (to > from && *from != '#')
			rc = mv_strv_add(list, from, (size_t)(to - from), err);
	}
	return rc;
}

static int
exclude_files(struct mv_strv *list, const struct mv_strv *files,
    struct mv_err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < files->n && rc == 0; i++) {
		mv_auto(mv_buf_clear) struct mv_buf text = { 0 };

		rc = mv_file_read(files->v[i], EXCLUDE_FILE_MAX, &text, err);
		if (rc == 0 && text.len > 0 &&
		    memchr(text.p, '\0', text.len) != NULL)
			rc = mv_err_set(err, MV_EUSAGE, "'%s' is no text",
			    files->v[i]);
		if (rc == 0)
			rc = exclude_lines(list, (const char *)text.p,
			    text.len, err);
	}
	return rc;
}

static int
exclude_list(struct mv_strv *list, const struct mv_strv *more,
    struct mv_err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < more->n && rc == 0; i++)
		rc = mv_strv_add(list, more->v[i], strlen(more->v[i]), err);
	return rc;
}

int
mv_source_exclude(struct mv_source_of *s, const struct mv_config_env *env,
    const struct mv_cli *cli, struct mv_err *err)
{
	int rc;

	rc = exclude_list(&s->excludes, &env->excludes, err);
	if (rc == 0)
		rc = exclude_files(&s->excludes, &env->exclude_files, err);
	if (rc == 0)
		rc = exclude_list(&s->excludes, &cli->excludes, err);
	if (rc == 0)
		rc = exclude_files(&s->excludes, &cli->exclude_files, err);
	s->source.exclude = mv_strv_const(&s->excludes);
	return rc;
}

int
mv_source_open(const struct mv_config_env *env, uint32_t parts,
    struct mv_source_of *out, struct mv_err *err)
{
	const struct mv_site_opts opts = {
		.dir = env->mastodon, .env_file = env->env_file,
	};
	int rc;

	if (env->mastodon == NULL)
		return mv_err_set(err, MV_EUSAGE, "[%s] has no 'mastodon': "
		    "this host is not one that makes backups", env->name);
	rc = mv_site_open(&opts, &out->site, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "settings of Mastodon");
	if (gethostname(out->host, sizeof(out->host) - 1) < 0)
		(void)snprintf(out->host, sizeof(out->host), "unknown");
	out->source.environment = env->name;
	out->source.host = out->host;
	out->source.program = MV_PROGRAM " " MV_PROGRAM_VERSION;
	out->source.env_file = out->site->env_file;
	out->source.redis = env->redis;
	rc = find_media(env, parts, out, err);
	return rc < 0 ? rc : find_database(env, out, err);
}
