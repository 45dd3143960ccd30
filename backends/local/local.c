/* SPDX-License-Identifier: MIT */
#include "local/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/temp.h"
#include "local/local_internal.h"

#define SCHEME "file"
#define URL_PREFIX SCHEME "://"

static struct local *
local_of(struct mv_store *st)
{
	/* base is the first member. */
	return (struct local *)(void *)st;
}

static void
local_free(struct mv_store *st)
{
	struct local *l = local_of(st);
	size_t i;

	mv_fd_closep(&l->tmpfd);
	mv_fd_closep(&l->rootfd);
	for (i = 0; i < l->ndurable; i++)
		free(l->durable[i]);
	free(l->durable);
	free(l->root);
	free(l->base.url);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}

static void
local_freep(struct local **l)
{
	if (*l != NULL)
		local_free(&(*l)->base);
	*l = NULL;
}

static int
local_open(const char *url, struct mv_store **out, struct mv_err *err)
{
	mv_auto(local_freep) struct local *l = NULL;
	const char *path = url + strlen(URL_PREFIX);
	size_t len;

	if (strncmp(url, URL_PREFIX, strlen(URL_PREFIX)) != 0 || *path != '/')
		return mv_err_set(err, MV_EUSAGE, "'%s' must be file:// and an "
		    "absolute path, as in 'file:///srv/backup'", url);
	for (len = strlen(path); len > 0 && path[len - 1] == '/'; len--)
		continue;
	if (len == 0)
		return mv_err_set(err, MV_EUSAGE,
		    "'%s' is the root of the file system", url);
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return mv_err_set(err, MV_ENOMEM, "open '%s'", url);
	l->base.ops = &mv_store_local;
	l->rootfd = l->tmpfd = -1;
	(void)pthread_mutex_init(&l->lock, NULL);
	l->base.url = strdup(url);
	l->root = strndup(path, len);
	if (l->base.url == NULL || l->root == NULL)
		return mv_err_set(err, MV_ENOMEM, "open '%s'", url);
	*out = &mv_take(&l)->base;
	return 0;
}

static int
local_create(struct mv_store *st, struct mv_err *err)
{
	struct local *l = local_of(st);
	int rc;

	rc = mv_dir_make(l->root, 0700, err);
	if (rc < 0)
		return rc;
	return mv_local_tmp(l, err);
}

static int
sync_dir(int fd, const char *name, struct mv_err *err)
{
	if (fsync(fd) < 0)
		return mv_err_sys(err, "fsync directory of '%s'", name);
	return 0;
}

static int
taken(int dirfd, const char *name, struct mv_err *err)
{
	int rc;

	/* Its writer may have been killed between link and fsync. */
	rc = sync_dir(dirfd, name, err);
	if (rc < 0)
		return rc;
	return mv_err_set(err, MV_EEXIST, "'%s' is there already", name);
}

/* Fill the temporary and make its bytes durable. */
static int
fill(const struct mv_temp *temp, const char *name, const void *buf, size_t len,
    struct mv_err *err)
{
	int rc;

	rc = mv_fd_write(temp->fd, buf, len, name, err);
	if (rc < 0)
		return rc;
	if (fsync(temp->fd) < 0)
		return mv_err_sys(err, "fsync '%s'", name);
	/* A backup must not push the database out of the page cache. */
	(void)posix_fadvise(temp->fd, 0, 0, POSIX_FADV_DONTNEED);
	return 0;
}

static int
local_put(struct mv_store *st, const char *name, const void *buf, size_t len,
    struct mv_err *err)
{
	struct local *l = local_of(st);
	mv_auto(mv_fd_closep) int dirfd = -1;
	mv_auto(mv_temp_clear) struct mv_temp temp = MV_TEMP_INIT;
	struct mv_err why = { 0 };
	struct stat sb;
	const char *last;
	int rc;

	rc = mv_local_tmp(l, err);
	if (rc < 0)
		return rc;
	rc = mv_local_dir(l, name, 1, &dirfd, &last, err);
	if (rc < 0)
		return rc;
	/* Only to save the work: link below is what decides. */
	if (fstatat(dirfd, last, &sb, AT_SYMLINK_NOFOLLOW) == 0)
		return taken(dirfd, name, err);
	rc = mv_temp_open(&temp, l->tmpfd, 0400, name, err);
	if (rc < 0)
		return rc;
	rc = fill(&temp, name, buf, len, err);
	if (rc < 0)
		return rc;
	rc = mv_temp_link(&temp, dirfd, last, name, &why);
	if (rc == MV_EEXIST)
		return taken(dirfd, name, err);
	if (rc == 0)
		return sync_dir(dirfd, name, err);
	if (err != NULL)
		*err = why;
	return rc;
}

/* Open an object to read; sb is what it is. */
static int
open_object(struct local *l, const char *name, int *out, struct stat *sb,
    struct mv_err *err)
{
	mv_auto(mv_fd_closep) int dirfd = -1;
	mv_auto(mv_fd_closep) int fd = -1;
	const char *last;
	int rc;

	rc = mv_local_dir(l, name, 0, &dirfd, &last, err);
	if (rc < 0)
		return rc;
	/* A fifo under that name must not hold us up. */
	fd = openat(dirfd, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno != ELOOP && errno != ENXIO)
		return mv_err_sys(err, "open '%s/%s'", l->root, name);
	if (fd >= 0 && fstat(fd, sb) < 0)
		return mv_err_sys(err, "stat '%s/%s'", l->root, name);
	if (fd < 0 || !S_ISREG(sb->st_mode))
		return mv_err_set(err, MV_ECORRUPT, "'%s/%s' is no plain file",
		    l->root, name);
	*out = mv_take_fd(&fd);
	return 0;
}

static int
local_get(struct mv_store *st, const char *name, uint64_t offset, void *buf,
    size_t len, size_t *got, struct mv_err *err)
{
	mv_auto(mv_fd_closep) int fd = -1;
	struct stat sb;
	int rc;

	rc = open_object(local_of(st), name, &fd, &sb, err);
	if (rc < 0)
		return rc;
	return mv_fd_pread(fd, buf, len, offset, got, name, err);
}

static int
local_size(struct mv_store *st, const char *name, uint64_t *out,
    struct mv_err *err)
{
	mv_auto(mv_fd_closep) int fd = -1;
	struct stat sb;
	int rc;

	rc = open_object(local_of(st), name, &fd, &sb, err);
	if (rc < 0)
		return rc;
	*out = (uint64_t)sb.st_size;
	return 0;
}

static int
local_remove(struct mv_store *st, const char *name, struct mv_err *err)
{
	struct local *l = local_of(st);
	mv_auto(mv_fd_closep) int dirfd = -1;
	const char *last;
	int rc;

	rc = mv_local_dir(l, name, 0, &dirfd, &last, err);
	if (rc < 0)
		return rc;
	if (unlinkat(dirfd, last, 0) < 0)
		return mv_err_sys(err, "unlink '%s/%s'", l->root, name);
	/* Prune removes in an order, which a power cut must not undo. */
	return sync_dir(dirfd, name, err);
}

static int
local_space(struct mv_store *st, uint64_t *free_bytes, uint64_t *total_bytes,
    struct mv_err *err)
{
	struct local *l = local_of(st);
	struct statvfs vfs;
	int rc;

	rc = mv_local_root(l, err);
	if (rc < 0)
		return rc;
	if (fstatvfs(l->rootfd, &vfs) < 0)
		return mv_err_sys(err, "statvfs '%s'", l->root);
	*free_bytes = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	*total_bytes = (uint64_t)vfs.f_blocks * vfs.f_frsize;
	return 0;
}

const struct mv_store_ops mv_store_local = {
	.scheme = SCHEME,
	.open = local_open,
	.free = local_free,
	.create = local_create,
	.put = local_put,
	.get = local_get,
	.size = local_size,
	.list = mv_local_list,
	.remove = local_remove,
	.space = local_space,
};
