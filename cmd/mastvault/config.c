/* SPDX-License-Identifier: MIT */
#include "mastvault/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/temp.h"
#include "mastvault/config_internal.h"

const char *
mv_config_path(const char *given)
{
	const char *path = given;

	if (path == NULL)
		path = getenv("MASTVAULT_CONFIG");
	return path != NULL && path[0] != '\0' ? path : MV_CONFIG_DEFAULT;
}

static int
check_owner(int fd, const char *path, struct stat *st, struct mv_err *err)
{
	if (fstat(fd, st) < 0)
		return mv_err_sys(err, "stat '%s'", path);
	if (!S_ISREG(st->st_mode))
		return mv_err_set(err, MV_EUSAGE, "'%s' is not a regular file",
		    path);
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return mv_err_set(err, MV_EUSAGE,
		    "'%s' belongs to uid %u, neither to root nor to us", path,
		    (unsigned)st->st_uid);
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return mv_err_set(err, MV_EUSAGE,
		    "'%s' can be changed by others (mode %04o): "
		    "it names commands that we run", path,
		    (unsigned)st->st_mode & 07777);
	return 0;
}

static int
read_text(const char *path, struct mv_buf *text, struct stat *st,
    struct mv_err *err)
{
	mv_auto(mv_fd_closep) int fd = -1;
	size_t got;
	int rc;

	/* O_NONBLOCK: a FIFO must not hold us up. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return mv_err_sys(err, "open '%s'", path);
	rc = check_owner(fd, path, st, err);
	if (rc < 0)
		return rc;
	if (mv_buf_reserve(text, MV_CONFIG_MAX + 1) < 0)
		return mv_buf_failed(text, err);
	rc = mv_fd_read(fd, text->p, MV_CONFIG_MAX + 1, &got, path, err);
	if (rc < 0)
		return rc;
	if (got > MV_CONFIG_MAX)
		return mv_err_set(err, MV_EUSAGE,
		    "'%s' is longer than %d bytes", path, MV_CONFIG_MAX);
	text->len = got;
	return 0;
}

int
mv_config_load(const char *path, struct mv_config *out, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	struct stat st;
	int rc;

	rc = read_text(path, &text, &st, err);
	if (rc < 0)
		return rc;
	return mv_config_parse(path, text.p, text.len, out, err);
}

int
mv_config_pick(const struct mv_config *c, const char *path, const char *name,
    const struct mv_config_env **out, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf names = { 0 };
	const char *list;
	size_t i;

	for (i = 0; i < c->n; i++) {
		if (name == NULL ? c->n == 1 :
		    strcmp(c->envs[i].name, name) == 0) {
			*out = &c->envs[i];
			return 0;
		}
		mv_buf_printf(&names, "%s%s", i > 0 ? ", " : "",
		    c->envs[i].name);
	}
	list = mv_buf_cstr(&names);
	if (list == NULL)
		return mv_buf_failed(&names, err);
	if (c->n == 0)
		return mv_err_set(err, MV_EUSAGE,
		    "'%s' describes no environment", path);
	if (name == NULL)
		return mv_err_set(err, MV_EUSAGE,
		    "'%s' describes several environments, choose one with -e: "
		    "%s", path, list);
	return mv_err_set(err, MV_EUSAGE,
	    "'%s' describes no environment '%s', but: %s", path, name, list);
}

static void
put_line(struct mv_buf *out, const char *key, const char *value)
{
	mv_buf_printf(out, "%s = %s\n", key, value);
}

int
mv_config_print(const struct mv_config_env *env, struct mv_buf *out,
    struct mv_err *err)
{
	size_t i, j;

	mv_buf_printf(out, "[%s]\n", env->name);
	for (i = 0; i < mv_config_nkeys; i++) {
		const struct mv_config_key *key = &mv_config_keys[i];
		const void *member = (const char *)env + key->offset;
		const struct mv_strv *list = member;
		char *const *text = member;

		switch (key->kind) {
		case MV_CONFIG_LIST:
			for (j = 0; j < list->n; j++)
				put_line(out, key->name, list->v[j]);
			break;
		case MV_CONFIG_PERCENT:
		case MV_CONFIG_NUMBER:
		case MV_CONFIG_AGE:
			/* Their defaults may become better ones. */
			break;
		case MV_CONFIG_TEXT:
		case MV_CONFIG_RATE:
		case MV_CONFIG_PATH:
		case MV_CONFIG_MEDIA:
			if (*text != NULL)
				put_line(out, key->name, *text);
			break;
		}
	}
	return mv_buf_failed(out, err);
}

static int
same_list(const struct mv_strv *a, const struct mv_strv *b)
{
	size_t i;

	if (a->n != b->n)
		return 0;
	for (i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return 0;
	return 1;
}

/* A line break in a value would begin another key: read back what was printed. */
static int
check_printed(const struct mv_config_env *env, const struct mv_buf *text,
    struct mv_err *err)
{
	mv_auto(mv_config_clear) struct mv_config c = { 0 };
	size_t i;
	int rc;

	rc = mv_config_parse("new section", text->p, text->len, &c, err);
	if (rc < 0)
		return rc;
	if (c.n != 1 || strcmp(c.envs[0].name, env->name) != 0 ||
	    !same_list(&env->stores, &c.envs[0].stores))
		return mv_err_set(err, MV_EUSAGE,
		    "a value that a configuration cannot hold");
	for (i = 0; i < mv_config_nkeys; i++) {
		const struct mv_config_key *key = &mv_config_keys[i];
		char *const *a = (const void *)((const char *)env +
		    key->offset);
		char *const *b = (const void *)((const char *)&c.envs[0] +
		    key->offset);

		if (key->kind != MV_CONFIG_TEXT &&
		    key->kind != MV_CONFIG_PATH && key->kind != MV_CONFIG_MEDIA)
			continue;
		if (*a != NULL && (*b == NULL || strcmp(*a, *b) != 0))
			return mv_err_set(err, MV_EUSAGE,
			    "'%s': a configuration cannot hold this value",
			    key->name);
	}
	return 0;
}

int
mv_config_check(const struct mv_config_env *env, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	int rc;

	rc = mv_config_print(env, &text, err);
	if (rc == 0)
		rc = check_printed(env, &text, err);
	return mv_err_ctx(err, rc, "configure '%s'", env->name);
}

static int
make_parent(const char *path, struct mv_err *err)
{
	const char *slash = strrchr(path, '/');
	mv_auto(mv_freep) char *dir = NULL;

	if (slash == NULL || slash == path)
		return 0;
	dir = strndup(path, (size_t)(slash - path));
	if (dir == NULL)
		return mv_err_set(err, MV_ENOMEM, "'%s'", path);
	return mv_dir_make(dir, 0755, err);
}

/* Cut path to the nearest directory above it that is there. */
static const char *
nearest_dir(char *path)
{
	char *slash;

	while ((slash = strrchr(path, '/')) != NULL && slash != path) {
		*slash = '\0';
		if (access(path, F_OK) == 0 || errno != ENOENT)
			return path;
	}
	return slash != NULL ? "/" : ".";
}

int
mv_config_try(const char *path, struct mv_err *err)
{
	/* Behind a symbolic link it is the file that is replaced. */
	mv_auto(mv_freep) char *real = realpath(path, NULL);
	mv_auto(mv_fd_closep) int dirfd = -1;
	mv_auto(mv_temp_clear) struct mv_temp temp = MV_TEMP_INIT;
	struct stat st;
	const char *dir;
	bool is_there;
	int rc;

	if (real == NULL && errno == ENOENT)
		real = strdup(path);
	if (real == NULL)
		return mv_err_sys(err, "find '%s'", path);
	is_there = stat(real, &st) == 0;
	dir = nearest_dir(real);
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return mv_err_sys(err, "open directory '%s'", dir);
	rc = mv_temp_open(&temp, dirfd, 0600, path, err);
	/* The owner stays who it is. */
	if (rc == 0 && is_there && fchown(temp.fd, st.st_uid, st.st_gid) < 0)
		rc = mv_err_sys(err, "chown '%s'", path);
	return rc;
}

int
mv_config_append(const char *path, const struct mv_config_env *env,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 }, added = { 0 };
	mv_auto(mv_config_clear) struct mv_config old = { 0 };
	struct stat st;
	size_t i;
	int rc;

	rc = mv_config_print(env, &added, err);
	if (rc == 0)
		rc = check_printed(env, &added, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "configure '%s'", env->name);
	if (access(path, F_OK) < 0) {
		rc = make_parent(path, err);
		if (rc < 0)
			return rc;
		return mv_file_create(path, added.p, added.len, 0600, err);
	}
	rc = read_text(path, &text, &st, err);
	if (rc == 0)
		rc = mv_config_parse(path, text.p, text.len, &old, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < old.n; i++)
		if (strcmp(old.envs[i].name, env->name) == 0)
			return mv_err_set(err, MV_EEXIST,
			    "'%s' describes '%s' already, in line %u", path,
			    env->name, old.envs[i].line);
	if (text.len > 0 && text.p[text.len - 1] != '\n')
		mv_buf_put_str(&text, "\n");
	mv_buf_put_str(&text, text.len > 0 ? "\n" : "");
	mv_buf_put(&text, added.p, added.len);
	rc = mv_buf_failed(&text, err);
	if (rc < 0)
		return rc;
	return mv_file_replace(path, text.p, text.len, st.st_mode & 07777,
	    st.st_uid, st.st_gid, err);
}
