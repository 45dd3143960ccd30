/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/temp.h"

/* Split path in place: *dir is where it lies, the result its last part. */
static char *
split(char *path, const char **dir)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL) {
		*dir = ".";
		return path;
	}
	*dir = slash == path ? "/" : path;
	*slash = '\0';
	return slash + 1;
}

static int
open_dir(const char *path, int *out, struct mv_err *err)
{
	*out = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*out < 0)
		return mv_err_sys(err, "open directory '%s'", path);
	return 0;
}

static int
sync_fd(int dirfd, const char *path, struct mv_err *err)
{
	if (fsync(dirfd) < 0)
		return mv_err_sys(err, "fsync directory '%s'", path);
	return 0;
}

/* What a file becomes, apart from its bytes. */
struct looks {
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

/* The owner first: changing it would take set-id bits of the mode away. */
static int
dress(int fd, const struct looks *looks, const char *what, struct mv_err *err)
{
	if ((looks->uid != (uid_t)-1 || looks->gid != (gid_t)-1) &&
	    fchown(fd, looks->uid, looks->gid) < 0)
		return mv_err_sys(err, "chown '%s'", what);
	if (fchmod(fd, looks->mode) < 0)
		return mv_err_sys(err, "chmod '%s'", what);
	return 0;
}

/* Write buf as path, which is cut in two on the way. */
static int
write_whole(char *path, const char *what, const void *buf, size_t len,
    const struct looks *looks, int replace, struct mv_err *err)
{
	mv_auto(mv_fd_closep) int dirfd = -1;
	mv_auto(mv_temp_clear) struct mv_temp temp = MV_TEMP_INIT;
	const char *dir;
	char *base = split(path, &dir);
	int rc;

	rc = open_dir(dir, &dirfd, err);
	if (rc < 0)
		return rc;
	mv_temp_sweep(dirfd);
	/* 0600 until it is complete, whatever it is to be. */
	rc = mv_temp_open(&temp, dirfd, 0600, what, err);
	if (rc < 0)
		return rc;
	rc = mv_fd_write(temp.fd, buf, len, what, err);
	if (rc < 0)
		return rc;
	rc = dress(temp.fd, looks, what, err);
	if (rc < 0)
		return rc;
	if (fsync(temp.fd) < 0)
		return mv_err_sys(err, "fsync '%s'", what);
	if (replace)
		rc = mv_temp_rename(&temp, dirfd, base, what, err);
	else
		rc = mv_temp_link(&temp, dirfd, base, what, err);
	if (rc < 0)
		return rc;
	return sync_fd(dirfd, dir, err);
}

int
mv_file_replace(const char *path, const void *buf, size_t len, mode_t mode,
    uid_t uid, gid_t gid, struct mv_err *err)
{
	const struct looks looks = { .mode = mode, .uid = uid, .gid = gid };
	mv_auto(mv_freep) char *real = realpath(path, NULL);

	/* Behind a symbolic link it is the file that changes, not the link. */
	if (real == NULL && errno == ENOENT)
		real = strdup(path);
	if (real == NULL)
		return mv_err_sys(err, "replace '%s'", path);
	return write_whole(real, path, buf, len, &looks, 1, err);
}

int
mv_file_create(const char *path, const void *buf, size_t len, mode_t mode,
    struct mv_err *err)
{
	const struct looks looks = { .mode = mode, .uid = (uid_t)-1,
	    .gid = (gid_t)-1 };
	mv_auto(mv_freep) char *copy = strdup(path);

	if (copy == NULL)
		return mv_err_sys(err, "create '%s'", path);
	return write_whole(copy, path, buf, len, &looks, 0, err);
}

int
mv_file_create_there(const char *path, const void *buf, size_t len,
    mode_t mode, struct mv_err *err)
{
	struct looks looks = { .mode = mode, .uid = (uid_t)-1,
	    .gid = (gid_t)-1 };
	mv_auto(mv_freep) char *copy = strdup(path), *whole = strdup(path);
	const char *dir;
	struct stat st;

	if (copy == NULL || whole == NULL)
		return mv_err_sys(err, "create '%s'", path);
	(void)split(copy, &dir);
	if (geteuid() == 0 && stat(dir, &st) == 0) {
		looks.uid = st.st_uid;
		looks.gid = st.st_gid;
	}
	return write_whole(whole, path, buf, len, &looks, 0, err);
}

int
mv_file_read(const char *path, size_t max, struct mv_buf *out,
    struct mv_err *err)
{
	mv_auto(mv_fd_closep) int fd = -1;
	size_t total = 0, want = 4096, got;
	int rc;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return mv_err_sys(err, "open '%s'", path);
	do {
		if (mv_buf_reserve(out, want) < 0)
			return mv_err_set(err, MV_ENOMEM, "read '%s'", path);
		rc = mv_fd_read(fd, out->p + out->len, want, &got, path, err);
		if (rc < 0)
			return rc;
		if (got > max - total)
			return mv_err_set(err, MV_EUSAGE,
			    "'%s' is longer than %zu bytes", path, max);
		out->len += got;
		total += got;
	} while (got == want);
	return 0;
}

int
mv_dir_sync(const char *path, struct mv_err *err)
{
	mv_auto(mv_fd_closep) int fd = -1;
	int rc;

	rc = open_dir(path, &fd, err);
	if (rc < 0)
		return rc;
	return sync_fd(fd, path, err);
}

static int
sync_parent(const char *path, struct mv_err *err)
{
	mv_auto(mv_freep) char *copy = strdup(path);
	const char *dir;

	if (copy == NULL)
		return mv_err_sys(err, "fsync parent of '%s'", path);
	(void)split(copy, &dir);
	return mv_dir_sync(dir, err);
}

/* One directory whose parent is there; errno says what went wrong. */
static int
make_one(const char *path, mode_t mode, struct mv_err *err)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return sync_parent(path, err);
	if (errno != EEXIST)
		return mv_err_sys(err, "mkdir '%s'", path);
	if (stat(path, &st) < 0)
		return mv_err_sys(err, "stat '%s'", path);
	if (!S_ISDIR(st.st_mode))
		return mv_err_set(err, MV_EEXIST, "'%s' is no directory", path);
	return 0;
}

int
mv_dir_make(const char *path, mode_t mode, struct mv_err *err)
{
	mv_auto(mv_freep) char *copy = strdup(path);
	char *p;
	int rc;

	if (copy == NULL)
		return mv_err_sys(err, "mkdir '%s'", path);
	/* From the top; what is there already costs a system call each. */
	for (p = copy + 1; *copy != '\0' && *p != '\0'; p++) {
		if (*p != '/' || p[-1] == '/')
			continue;
		*p = '\0';
		rc = make_one(copy, mode, err);
		if (rc < 0)
			return rc;
		*p = '/';
	}
	for (; p > copy + 1 && p[-1] == '/'; p--)
		p[-1] = '\0';
	return make_one(copy, mode, err);
}

int
mv_file_lock(const char *path, int *fd, struct mv_err *err)
{
	mv_auto(mv_fd_closep) int lock = -1;

	lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0)
		return mv_err_sys(err, "open lock '%s'", path);
	while (flock(lock, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return mv_err_set(err, MV_EAGAIN,
			    "'%s' is held by another process", path);
		if (errno != EINTR)
			return mv_err_sys(err, "lock '%s'", path);
	}
	*fd = mv_take_fd(&lock);
	return 0;
}
