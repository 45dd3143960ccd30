/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/temp.h"
#include "local/local_internal.h"

#define TMP_DIR ".tmp"
#define DIR_MODE 0700
#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* The lock is held. */
static int
open_root(struct local *l, struct mv_err *err)
{
	if (l->rootfd >= 0)
		return 0;
	l->rootfd = open(l->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->rootfd < 0 && errno == ENOENT)
		return mv_err_set(err, MV_ENOREPO, "'%s' does not exist",
		    l->root);
	if (l->rootfd < 0)
		return mv_err_sys(err, "open directory '%s'", l->root);
	return 0;
}

int
mv_local_root(struct local *l, struct mv_err *err)
{
	int rc;

	pthread_mutex_lock(&l->lock);
	rc = open_root(l, err);
	pthread_mutex_unlock(&l->lock);
	return rc;
}

/* Make part below fd; *made says whether it was not there. */
static int
make_dir(int fd, const char *part, int *made, struct mv_err *err)
{
	*made = mkdirat(fd, part, DIR_MODE) == 0;
	if (!*made && errno != EEXIST)
		return mv_err_sys(err, "mkdir '%s'", part);
	return 0;
}

/* The lock is held, the root open. */
static int
open_tmp(struct local *l, struct mv_err *err)
{
	int made, rc;

	if (l->tmpfd >= 0)
		return 0;
	rc = make_dir(l->rootfd, TMP_DIR, &made, err);
	if (rc < 0)
		return rc;
	l->tmpfd = openat(l->rootfd, TMP_DIR, OPEN_DIR);
	if (l->tmpfd < 0)
		return mv_err_sys(err, "open directory '%s/" TMP_DIR "'",
		    l->root);
	mv_temp_sweep(l->tmpfd);
	return 0;
}

int
mv_local_tmp(struct local *l, struct mv_err *err)
{
	int rc;

	pthread_mutex_lock(&l->lock);
	rc = open_root(l, err);
	if (rc == 0)
		rc = open_tmp(l, err);
	pthread_mutex_unlock(&l->lock);
	return rc;
}

static int
is_durable(struct local *l, const char *path)
{
	size_t i;
	int found = 0;

	pthread_mutex_lock(&l->lock);
	for (i = 0; i < l->ndurable && !found; i++)
		found = strcmp(l->durable[i], path) == 0;
	pthread_mutex_unlock(&l->lock);
	return found;
}

/* Without memory it is forgotten, which costs an fsync the next time. */
static void
note_durable(struct local *l, const char *path)
{
	char *copy = strdup(path), **p;

	pthread_mutex_lock(&l->lock);
	p = realloc(l->durable, (l->ndurable + 1) * sizeof(*p));
	if (p != NULL)
		l->durable = p;
	if (p != NULL && copy != NULL)
		l->durable[l->ndurable++] = mv_take(&copy);
	pthread_mutex_unlock(&l->lock);
	free(copy);
}

/*
 * Whoever made a directory may not have synced its parent yet, or may have
 * been killed before: so each process syncs once, whether it made it or not.
 */
static int
sync_parent(struct local *l, int parent, const char *path, int made,
    struct mv_err *err)
{
	if (!made && is_durable(l, path))
		return 0;
	if (fsync(parent) < 0)
		return mv_err_sys(err, "fsync parent of '%s'", path);
	note_durable(l, path);
	return 0;
}

/* One step down: *fd becomes the directory path, whose last part is part. */
static int
step(struct local *l, int *fd, const char *path, const char *part, int make,
    struct mv_err *err)
{
	mv_auto(mv_fd_closep) int next = openat(*fd, part, OPEN_DIR);
	int made = 0, rc;

	if (next < 0 && errno == ENOENT && make) {
		rc = make_dir(*fd, part, &made, err);
		if (rc < 0)
			return rc;
		next = openat(*fd, part, OPEN_DIR);
	}
	if (next < 0 && (errno == ENOTDIR || errno == ELOOP))
		return mv_err_set(err, MV_ECORRUPT, "'%s/%s' is no directory",
		    l->root, path);
	if (next < 0)
		return mv_err_sys(err, "open directory '%s/%s'", l->root, path);
	if (make) {
		rc = sync_parent(l, *fd, path, made, err);
		if (rc < 0)
			return rc;
	}
	mv_fd_closep(fd);
	*fd = mv_take_fd(&next);
	return 0;
}

int
mv_local_dir(struct local *l, const char *name, int make, int *dirfd,
    const char **last, struct mv_err *err)
{
	mv_auto(mv_fd_closep) int fd = -1;
	char path[MV_NAME_MAX + 1];
	const char *part = name, *slash;
	int rc;

	rc = mv_local_root(l, err);
	if (rc < 0)
		return rc;
	fd = fcntl(l->rootfd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return mv_err_sys(err, "open directory '%s'", l->root);
	for (; (slash = strchr(part, '/')) != NULL; part = slash + 1) {
		memcpy(path, name, (size_t)(slash - name));
		path[slash - name] = '\0';
		rc = step(l, &fd, path, path + (part - name), make, err);
		if (rc < 0)
			return rc;
	}
	*last = part;
	*dirfd = mv_take_fd(&fd);
	return 0;
}
