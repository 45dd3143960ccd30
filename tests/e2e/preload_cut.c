/* SPDX-License-Identifier: MIT */
/*
 * preload_cut: LD_PRELOAD that writes down what a power cut would keep.
 *
 *   MV_CUT=DIR   DIR/log gets one line for each change of names and each
 *		  fsync, in the order in which they happened; DIR/N is what a
 *		  file held when it was synced for the N-th time
 *
 *	new INODE			  a file or directory was made
 *	name DIR-INODE INODE KIND NAME	  an entry came to be (KIND d or f)
 *	gone DIR-INODE NAME		  an entry went
 *	file INODE N			  the file is on the disk, as in DIR/N
 *	dir INODE			  the directory's entries are
 *	all				  everything is (syncfs)
 *
 * tests/e2e/power_cut.py makes of it the tree that is there afterwards.
 * Calls are made one at a time, so the log's order is the true one.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char cut_dir[4096];
static int logfd = -1;
static unsigned long nfiles;

static void *
next(const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (p == NULL)
		abort();
	return p;
}

#define REAL(name) ((__typeof__(&name))next(#name))

__attribute__((constructor)) static void
start(void)
{
	const char *dir = getenv("MV_CUT");
	char path[sizeof(cut_dir) + 8];

	if (dir == NULL || strlen(dir) >= sizeof(cut_dir) ||
	    strcmp(program_invocation_short_name, "mastvault") != 0)
		return;
	memcpy(cut_dir, dir, strlen(dir) + 1);
	(void)snprintf(path, sizeof(path), "%s/log", dir);
	logfd = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
	    0600);
	if (logfd < 0)
		abort();
}

__attribute__((format(printf, 1, 2))) static void
note(const char *fmt, ...)
{
	char line[4096];
	va_list ap;
	int n;

	if (logfd < 0)
		return;
	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line) ||
	    REAL(write)(logfd, line, (size_t)n) != n)
		abort();
}

static unsigned long
inode_at(int dir, const char *path, int flags, mode_t *mode)
{
	struct stat st;

	if (fstatat(dir, path, &st, flags) < 0)
		return 0;
	if (mode != NULL)
		*mode = st.st_mode;
	return st.st_ino;
}

/* The inode of the directory that path lies in. */
static unsigned long
parent_of(int dir, const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char parent[4096];

	*name = slash == NULL ? path : slash + 1;
	if (slash == NULL)
		return inode_at(dir, "", AT_EMPTY_PATH, NULL) != 0 ?
		    inode_at(dir, "", AT_EMPTY_PATH, NULL) :
		    inode_at(AT_FDCWD, ".", 0, NULL);
	(void)snprintf(parent, sizeof(parent), "%.*s",
	    (int)(slash == path ? 1 : slash - path), path);
	return inode_at(dir, parent, 0, NULL);
}

static void
note_name(int dir, const char *path)
{
	const char *name;
	unsigned long parent, inode;
	mode_t mode = 0;

	parent = parent_of(dir, path, &name);
	inode = inode_at(dir, path, AT_SYMLINK_NOFOLLOW, &mode);
	note("name %lu %lu %c %s\n", parent, inode,
	    S_ISDIR(mode) ? 'd' : 'f', name);
}

static void
note_new(int dir, const char *path)
{
	/* Numbers are used again. */
	note("new %lu\n", inode_at(dir, path, AT_SYMLINK_NOFOLLOW, NULL));
	note_name(dir, path);
}

static void
note_gone(int dir, const char *path)
{
	const char *name;
	unsigned long parent = parent_of(dir, path, &name);

	note("gone %lu %s\n", parent, name);
}

static void
copy(int fd, unsigned long n)
{
	char path[sizeof(cut_dir) + 32], buf[65536];
	off_t at = 0;
	ssize_t got;
	int from, to;

	/* fd may be open for writing only. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	from = REAL(open)(path, O_RDONLY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "%s/%lu", cut_dir, n);
	to = REAL(open)(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (from < 0 || to < 0)
		abort();
	while ((got = REAL(pread)(from, buf, sizeof(buf), at)) > 0) {
		if (REAL(write)(to, buf, (size_t)got) != got)
			abort();
		at += got;
	}
	close(from);
	close(to);
}

int
fsync(int fd)
{
	struct stat st;
	int rc;

	pthread_mutex_lock(&lock);
	rc = REAL(fsync)(fd);
	if (rc == 0 && logfd >= 0 && fstat(fd, &st) == 0) {
		if (S_ISDIR(st.st_mode)) {
			note("dir %lu\n", st.st_ino);
		} else {
			copy(fd, ++nfiles);
			note("file %lu %lu\n", st.st_ino, nfiles);
		}
	}
	pthread_mutex_unlock(&lock);
	return rc;
}

int
syncfs(int fd)
{
	int rc;

	pthread_mutex_lock(&lock);
	rc = REAL(syncfs)(fd);
	if (rc == 0)
		note("all\n");
	pthread_mutex_unlock(&lock);
	return rc;
}

#define CHANGE(name, params, args, after)				\
int									\
name params								\
{									\
	int rc, saved;							\
									\
	pthread_mutex_lock(&lock);					\
	rc = REAL(name) args;						\
	saved = errno;							\
	if (rc == 0 && logfd >= 0) {					\
		after;							\
	}								\
	errno = saved;							\
	pthread_mutex_unlock(&lock);					\
	return rc;							\
}

CHANGE(linkat, (int a, const char *p, int b, const char *q, int flags),
    (a, p, b, q, flags), note_name(b, q))
CHANGE(rename, (const char *p, const char *q), (p, q),
    { note_name(AT_FDCWD, q); note_gone(AT_FDCWD, p); })
CHANGE(renameat, (int a, const char *p, int b, const char *q), (a, p, b, q),
    { note_name(b, q); note_gone(a, p); })
CHANGE(renameat2,
    (int a, const char *p, int b, const char *q, unsigned flags),
    (a, p, b, q, flags), { note_name(b, q); note_gone(a, p); })
CHANGE(mkdir, (const char *p, mode_t mode), (p, mode),
    note_new(AT_FDCWD, p))
CHANGE(mkdirat, (int d, const char *p, mode_t mode), (d, p, mode),
    note_new(d, p))
CHANGE(unlink, (const char *p), (p), note_gone(AT_FDCWD, p))
CHANGE(unlinkat, (int d, const char *p, int flags), (d, p, flags),
    note_gone(d, p))

static int
open_noted(int dir, const char *path, int flags, mode_t mode)
{
	bool is_new;
	int fd, saved;

	if (logfd < 0 || (flags & O_CREAT) == 0)
		return REAL(openat)(dir, path, flags, mode);
	pthread_mutex_lock(&lock);
	is_new = inode_at(dir, path, 0, NULL) == 0;
	fd = REAL(openat)(dir, path, flags, mode);
	saved = errno;
	if (fd >= 0 && is_new)
		note_new(dir, path);
	errno = saved;
	pthread_mutex_unlock(&lock);
	return fd;
}

static mode_t
open_mode(int flags, va_list ap)
{
	if ((flags & O_CREAT) == 0 && (flags & O_TMPFILE) != O_TMPFILE)
		return 0;
	return va_arg(ap, mode_t);
}

int
open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = open_mode(flags, ap);
	va_end(ap);
	return open_noted(AT_FDCWD, path, flags, mode);
}

int
openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = open_mode(flags, ap);
	va_end(ap);
	return open_noted(dir, path, flags, mode);
}
