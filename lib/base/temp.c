/* SPDX-License-Identifier: MIT */
#include "base/temp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hex.h"

#define PREFIX ".mv-"
#define SUFFIX ".tmp"
#define RANDOM_BYTES 8
#define NAME_LEN (strlen(PREFIX) + 2 * RANDOM_BYTES + strlen(SUFFIX))
#define TRIES 16
#define OLD (24 * 60 * 60)

static int
random_name(char out[MV_TEMP_NAME])
{
	uint8_t r[RANDOM_BYTES];
	char hex[2 * RANDOM_BYTES + 1];

	if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
		return -1;
	mv_hex_encode(r, sizeof(r), hex);
	(void)snprintf(out, MV_TEMP_NAME, PREFIX "%s" SUFFIX, hex);
	return 0;
}

static int
is_temp_name(const char *name)
{
	uint8_t r[RANDOM_BYTES];

	return strlen(name) == NAME_LEN &&
	    memcmp(name, PREFIX, strlen(PREFIX)) == 0 &&
	    strcmp(name + NAME_LEN - strlen(SUFFIX), SUFFIX) == 0 &&
	    mv_hex_decode(name + strlen(PREFIX), 2 * RANDOM_BYTES, r,
	    RANDOM_BYTES) == 0;
}

/*
 * Lock a file just made.  A sweep may have come between open and flock, taken
 * the lock first and removed the name: then there is nothing left to link.
 */
static int
lock_and_see(int fd)
{
	struct stat st;

	while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
		continue;
	return fstat(fd, &st) == 0 && st.st_nlink > 0;
}

int
mv_temp_open(struct mv_temp *t, int dirfd, mode_t mode, const char *what,
    struct mv_err *err)
{
	mv_auto(mv_fd_closep) int fd = -1;
	int i;

	for (i = 0; i < TRIES; i++) {
		if (random_name(t->name) < 0)
			return mv_err_sys(err, "random name for '%s'", what);
		fd = openat(dirfd, t->name, O_RDWR | O_CREAT | O_EXCL |
		    O_NOFOLLOW | O_CLOEXEC, mode);
		if (fd < 0 && errno != EEXIST)
			return mv_err_sys(err, "create temporary for '%s'",
			    what);
		if (fd >= 0 && lock_and_see(fd)) {
			t->dirfd = dirfd;
			t->fd = mv_take_fd(&fd);
			return 0;
		}
		if (fd >= 0)
			(void)unlinkat(dirfd, t->name, 0);
		mv_fd_closep(&fd);
	}
	return mv_err_set(err, MV_EIO, "no temporary to be had for '%s'", what);
}

/* Not every file system has hard links; a few of those have this instead. */
static int
link_or_move(struct mv_temp *t, int todir, const char *name)
{
	if (linkat(t->dirfd, t->name, todir, name, 0) == 0)
		return 0;
	if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
		return -1;
	return renameat2(t->dirfd, t->name, todir, name, RENAME_NOREPLACE);
}

int
mv_temp_link(struct mv_temp *t, int todir, const char *name, const char *what,
    struct mv_err *err)
{
	if (link_or_move(t, todir, name) < 0)
		return mv_err_sys(err, "link '%s'", what);
	mv_temp_clear(t);
	return 0;
}

int
mv_temp_rename(struct mv_temp *t, int todir, const char *name,
    const char *what, struct mv_err *err)
{
	if (renameat(t->dirfd, t->name, todir, name) < 0)
		return mv_err_sys(err, "rename to '%s'", what);
	mv_fd_closep(&t->fd);
	return 0;
}

void
mv_temp_clear(struct mv_temp *t)
{
	/* Unlinked while the lock is held, so a sweep never meets it. */
	if (t->fd >= 0)
		(void)unlinkat(t->dirfd, t->name, 0);
	mv_fd_closep(&t->fd);
}

/* True when no living writer can own it. */
static int
is_stale(int fd)
{
	struct stat st;

	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 1;
	if (errno == EWOULDBLOCK || errno == EINTR)
		return 0;
	return fstat(fd, &st) == 0 && st.st_mtime < time(NULL) - OLD;
}

static void
sweep_one(int dirfd, const char *name)
{
	mv_auto(mv_fd_closep) int fd = -1;
	struct stat st;

	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    is_stale(fd))
		(void)unlinkat(dirfd, name, 0);
}

void
mv_temp_sweep(int dirfd)
{
	struct dirent *e;
	DIR *dir;
	int fd;

	fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	dir = fdopendir(fd);
	if (dir == NULL) {
		(void)close(fd);
		return;
	}
	while ((e = readdir(dir)) != NULL)
		if (is_temp_name(e->d_name))
			sweep_one(dirfd, e->d_name);
	(void)closedir(dir);
}
