/* SPDX-License-Identifier: MIT */
#include "support/fault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/mv_test.h"

#define SWEEP_MAX 20000

enum mode { OFF, AT, FROM, KILL_AT, TRACE };

static atomic_int mode = OFF;
static atomic_uint target, calls;
static atomic_int fired;
static unsigned kinds = FAULT_ALL;
static int io_errno = EIO;
static const char *_Atomic what = "nothing";
static _Thread_local int met_here;
static char trace[4096];

void
fault_kinds(unsigned k)
{
	kinds = k;
}

void
fault_errno(int e)
{
	io_errno = e;
}

static void
start(enum mode m, unsigned n)
{
	calls = 0;
	fired = met_here = 0;
	target = n;
	mode = m;
}

void
fault_at(unsigned n)
{
	start(AT, n);
}

void
fault_from(unsigned n)
{
	start(FROM, n);
}

void
fault_kill_at(unsigned n)
{
	start(KILL_AT, n);
}

int
fault_off(void)
{
	mode = OFF;
	return fired;
}

int
fault_met_here(void)
{
	return met_here;
}

const char *
fault_what(void)
{
	return what;
}

void
fault_trace(void)
{
	trace[0] = '\0';
	start(TRACE, 0);
}

const char *
fault_traced(void)
{
	return trace;
}

static void
note(const char *name)
{
	size_t used = strlen(trace);

	(void)snprintf(trace + used, sizeof(trace) - used, "%s%s",
	    used > 0 ? " " : "", name);
}

/* Count one call; true when it is to fail, with errno set. */
static int
hit(unsigned kind, const char *name)
{
	int m = mode;
	unsigned n;

	if (m == OFF || (kinds & kind) == 0 ||
	    ((kinds & FAULT_THREADS) != 0 && gettid() == getpid()))
		return 0;
	if (m == TRACE) {
		note(name);
		return 0;
	}
	n = atomic_fetch_add(&calls, 1) + 1;
	if (n < target || (n > target && m != FROM))
		return 0;
	if (m == KILL_AT)
		(void)kill(getpid(), SIGKILL);
	fired = met_here = 1;
	what = name;
	errno = kind == FAULT_MEMORY ? ENOMEM : io_errno;
	return 1;
}

/*
 * The linker turns a call of f into one of __wrap_f, and here __real_f into
 * the f that would have been called.
 */
#define WRAP(kind, failed, type, name, params, args)			\
	type __real_##name params;					\
	type __wrap_##name params;					\
	type __wrap_##name params					\
	{								\
		return hit(kind, #name) ? (failed) : __real_##name args;\
	}

WRAP(FAULT_MEMORY, NULL, void *, malloc, (size_t n), (n))
WRAP(FAULT_MEMORY, NULL, void *, calloc, (size_t n, size_t m), (n, m))
WRAP(FAULT_MEMORY, NULL, void *, realloc, (void *p, size_t n), (p, n))
WRAP(FAULT_MEMORY, NULL, char *, strdup, (const char *s), (s))
WRAP(FAULT_MEMORY, NULL, char *, strndup, (const char *s, size_t n), (s, n))
WRAP(FAULT_MEMORY, NULL, void *, sodium_malloc, (size_t n), (n))
WRAP(FAULT_WRITE, -1, ssize_t, write, (int fd, const void *p, size_t n),
    (fd, p, n))
WRAP(FAULT_WRITE, -1, ssize_t, pwrite, (int fd, const void *p, size_t n,
    off_t o), (fd, p, n, o))
WRAP(FAULT_WRITE, -1, int, ftruncate, (int fd, off_t n), (fd, n))
WRAP(FAULT_SYNC, -1, int, fsync, (int fd), (fd))
WRAP(FAULT_SYNC, -1, int, fdatasync, (int fd), (fd))
WRAP(FAULT_NAME, -1, int, linkat, (int d, const char *a, int e, const char *b,
    int f), (d, a, e, b, f))
WRAP(FAULT_NAME, -1, int, rename, (const char *a, const char *b), (a, b))
WRAP(FAULT_NAME, -1, int, renameat, (int d, const char *a, int e,
    const char *b), (d, a, e, b))
WRAP(FAULT_NAME, -1, int, renameat2, (int d, const char *a, int e,
    const char *b, unsigned f), (d, a, e, b, f))
WRAP(FAULT_MKDIR, -1, int, mkdir, (const char *p, mode_t m), (p, m))
WRAP(FAULT_MKDIR, -1, int, mkdirat, (int d, const char *p, mode_t m),
    (d, p, m))
WRAP(FAULT_READ, -1, ssize_t, read, (int fd, void *p, size_t n), (fd, p, n))
WRAP(FAULT_READ, -1, ssize_t, pread, (int fd, void *p, size_t n, off_t o),
    (fd, p, n, o))
WRAP(FAULT_READ, -1, int, fstat, (int fd, struct stat *st), (fd, st))
WRAP(FAULT_READ, NULL, DIR *, fdopendir, (int fd), (fd))
WRAP(FAULT_READ, NULL, struct dirent *, readdir, (DIR *dir), (dir))
WRAP(FAULT_READ, -1, int, stat, (const char *p, struct stat *st), (p, st))
WRAP(FAULT_READ, -1, int, lstat, (const char *p, struct stat *st), (p, st))
WRAP(FAULT_READ, -1, int, fstatat, (int d, const char *p, struct stat *st,
    int f), (d, p, st, f))
WRAP(FAULT_REMOVE, -1, int, unlinkat, (int d, const char *p, int f), (d, p, f))

/* The two with an argument that is not always there. */
int __real_open(const char *path, int flags, mode_t m);
int __wrap_open(const char *path, int flags, mode_t m);
int __real_openat(int d, const char *path, int flags, mode_t m);
int __wrap_openat(int d, const char *path, int flags, mode_t m);

int
__wrap_open(const char *path, int flags, mode_t m)
{
	return hit(FAULT_OPEN, "open") ? -1 : __real_open(path, flags, m);
}

int
__wrap_openat(int d, const char *path, int flags, mode_t m)
{
	return hit(FAULT_OPEN, "openat") ? -1 :
	    __real_openat(d, path, flags, m);
}

static void
agree(int rc, const struct mv_err *err, int met)
{
	if (rc < 0 && !met)
		fail_msg("failed (%s) without a fault", mv_code_name(rc));
	if (rc != (int)err->code || (rc < 0 && err->nframes == 0))
		fail_msg("%s failed: returned %s, but the error is %s '%s'",
		    fault_what(), mv_code_name(rc), mv_code_name(err->code),
		    err->text);
}

unsigned
fault_sweep(const struct fault_sweep *s)
{
	void (*const set[])(unsigned) = { fault_at, fault_from };
	struct mv_err err;
	unsigned n, total = 0;
	size_t i;
	int met, rc;

	for (i = 0; i < MV_ARRAY_LEN(set); i++) {
		n = 0;
		do {
			err = (struct mv_err){ 0 };
			set[i](++n);
			rc = s->op(s->arg, &err);
			met = fault_off();
			agree(rc, &err, met);
			s->check(s->arg, rc, &err);
			total += (unsigned)met;
		} while (met && n < SWEEP_MAX);
		assert_true(n < SWEEP_MAX);
		assert_int_equal(rc, 0);
	}
	return total;
}

/* In the child: the status tells the code, as far as it fits. */
static void run_and_exit(const struct fault_sweep *s, unsigned n)
    __attribute__((noreturn));

static void
run_and_exit(const struct fault_sweep *s, unsigned n)
{
	int rc;

	fault_kill_at(n);
	rc = s->op(s->arg, NULL);
	(void)fault_off();
	_exit(rc == 0 ? 0 : -rc);
}

unsigned
fault_sweep_kill(const struct fault_sweep *s)
{
	unsigned n = 0;
	int st, killed;
	pid_t pid;

	do {
		n++;
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			run_and_exit(s, n);
		assert_int_equal(waitpid(pid, &st, 0), pid);
		killed = WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL;
		assert_true(killed || WIFEXITED(st));
		s->check(s->arg, killed ? 1 : -WEXITSTATUS(st), NULL);
	} while (killed && n < SWEEP_MAX);
	assert_true(n < SWEEP_MAX);
	return n - 1;
}
