/* SPDX-License-Identifier: MIT */
/*
 * preload_fault: what LD_PRELOAD puts between mastvault and the C library.
 *
 *   MV_FAULT=KIND:N[+][:ERRNO]   the N-th call of KIND fails, with + and all
 *				  after it; kinds are the names below
 *   MV_FAULT=KIND:N:-SIGNAL	  before it the process signals itself
 *   MV_FAULT=interrupt:SEED	  nothing fails, but every fourth transfer is
 *				  interrupted and every fourth is cut short
 *   MV_FAULT_COUNT=FILE	  when it ends: KIND and count, one a line; and
 *				  "met CALL" for the first call that failed
 *
 * Only mastvault itself meets faults, from main() on: no program it starts,
 * and nothing that its child does before becoming another program.  What it
 * says on stderr gets through.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wnonnull-compare"
#endif

enum kind {
	MEMORY, READ, WRITE, SYNC, NAME, OPEN, META, REMOVE, NET, SPAWN,
	NKINDS,
};

static const struct {
	const char *name;
	int error;
} kinds[NKINDS] = {
	[MEMORY] = { "memory", ENOMEM }, [READ] = { "read", EIO },
	[WRITE] = { "write", ENOSPC }, [SYNC] = { "sync", EIO },
	[NAME] = { "name", ENOSPC }, [OPEN] = { "open", EMFILE },
	[META] = { "meta", EPERM }, [REMOVE] = { "remove", EIO },
	[NET] = { "net", ECONNRESET }, [SPAWN] = { "spawn", EAGAIN },
};

static struct {
	bool armed;
	pid_t pid;
	int kind;		/* -1: none */
	unsigned long n;
	bool onwards;
	int error;
	bool interrupt;
	unsigned long seed;
} plan = { .kind = -1 };
static atomic_ulong counts[NKINDS];
static atomic_ulong transfers;
static const char *_Atomic met;

static void
plan_read(void)
{
	const char *text = getenv("MV_FAULT"), *rest;
	char *end;
	size_t k, len;

	plan.pid = getpid();
	plan.armed = text != NULL || getenv("MV_FAULT_COUNT") != NULL;
	rest = text == NULL ? NULL : strchr(text, ':');
	if (rest == NULL)
		return;
	len = (size_t)(rest - text);
	plan.n = plan.seed = strtoul(rest + 1, &end, 10);
	plan.interrupt = len == 9 && strncmp(text, "interrupt", len) == 0;
	for (k = 0; k < NKINDS; k++)
		if (strlen(kinds[k].name) == len &&
		    strncmp(text, kinds[k].name, len) == 0) {
			plan.kind = (int)k;
			plan.error = kinds[k].error;
		}
	if (*end == '+') {
		plan.onwards = true;
		end++;
	}
	if (*end == ':')
		plan.error = (int)strtol(end + 1, NULL, 10);
}

/* Whether this call fails; errno is set then. */
static bool
fails(enum kind kind, const char *call)
{
	const char *none = NULL;
	unsigned long n;

	if (!plan.armed)
		return false;
	n = atomic_fetch_add(&counts[kind], 1) + 1;
	if ((int)kind != plan.kind || n < plan.n ||
	    (n > plan.n && !plan.onwards) || getpid() != plan.pid)
		return false;
	atomic_compare_exchange_strong(&met, &none, call);
	if (plan.error < 0) {
		kill(getpid(), -plan.error);
		return false;
	}
	errno = plan.error;
	return true;
}

static unsigned long
mix(unsigned long v)
{
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9UL;
	v = (v ^ v >> 27) * 0x94d049bb133111ebUL;
	return v ^ v >> 31;
}

/* True for a transfer that is interrupted; *len may become less. */
static bool
interrupts(size_t *len)
{
	unsigned long v;

	if (!plan.armed || !plan.interrupt || getpid() != plan.pid)
		return false;
	v = mix(plan.seed * 0x9e3779b97f4a7c15UL +
	    atomic_fetch_add(&transfers, 1));
	if (v % 4 == 0) {
		errno = EINTR;
		return true;
	}
	if (v % 4 == 1 && len != NULL && *len > 1)
		*len = 1 + (size_t)((v >> 8) % (*len - 1));
	return false;
}

static void *
next(const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (p == NULL)
		abort();
	return p;
}

/* The real call of this name, looked up once. */
#define REAL(name) ({							\
	static __typeof__(&name) _Atomic real_;				\
	__typeof__(&name) f_ = real_;					\
	if (f_ == NULL)							\
		real_ = f_ = (__typeof__(&name))next(#name);		\
	f_; })

#define CALL(kind, bad, type, name, params, args)			\
type									\
name params								\
{									\
	if (fails(kind, #name))						\
		return bad;						\
	return REAL(name) args;						\
}

#define TRANSFER(kind, name, params, args)				\
ssize_t									\
name params								\
{									\
	if (fd != 2 && (fails(kind, #name) || interrupts(&len)))	\
		return -1;						\
	return REAL(name) args;						\
}

CALL(MEMORY, NULL, void *, malloc, (size_t n), (n))
CALL(MEMORY, NULL, void *, calloc, (size_t n, size_t m), (n, m))
CALL(MEMORY, NULL, void *, realloc, (void *p, size_t n), (p, n))
CALL(MEMORY, NULL, void *, reallocarray, (void *p, size_t n, size_t m),
    (p, n, m))
CALL(MEMORY, NULL, void *, aligned_alloc, (size_t a, size_t n), (a, n))
CALL(MEMORY, MAP_FAILED, void *, mmap,
    (void *p, size_t n, int prot, int flags, int fd, off_t at),
    (p, n, prot, flags, fd, at))

int
posix_memalign(void **out, size_t a, size_t n)
{
	if (fails(MEMORY, "posix_memalign"))
		return ENOMEM;
	return REAL(posix_memalign)(out, a, n);
}

TRANSFER(READ, read, (int fd, void *p, size_t len), (fd, p, len))
TRANSFER(READ, pread, (int fd, void *p, size_t len, off_t at),
    (fd, p, len, at))
TRANSFER(WRITE, write, (int fd, const void *p, size_t len), (fd, p, len))
TRANSFER(WRITE, pwrite, (int fd, const void *p, size_t len, off_t at),
    (fd, p, len, at))
/* A connection that was reset is gone for both directions and both ends. */
#define CONNECTED(name, params, args)					\
ssize_t									\
name params								\
{									\
	if (fails(NET, #name)) {					\
		(void)shutdown(fd, SHUT_RDWR);				\
		errno = plan.error;					\
		return -1;						\
	}								\
	return interrupts(&len) ? -1 : REAL(name) args;			\
}

CONNECTED(recv, (int fd, void *p, size_t len, int flags),
    (fd, p, len, flags))
CONNECTED(send, (int fd, const void *p, size_t len, int flags),
    (fd, p, len, flags))

CALL(READ, -1, int, fstat, (int fd, struct stat *st), (fd, st))
CALL(READ, -1, int, stat, (const char *p, struct stat *st), (p, st))
CALL(READ, -1, int, fstatat,
    (int d, const char *p, struct stat *st, int flags), (d, p, st, flags))
CALL(READ, -1, ssize_t, getdents64, (int fd, void *p, size_t n), (fd, p, n))
CALL(READ, NULL, struct dirent *, readdir, (DIR *d), (d))
CALL(READ, -1, ssize_t, readlinkat,
    (int d, const char *p, char *out, size_t n), (d, p, out, n))
CALL(WRITE, -1, int, ftruncate, (int fd, off_t len), (fd, len))
CALL(SYNC, -1, int, fsync, (int fd), (fd))
CALL(SYNC, -1, int, syncfs, (int fd), (fd))
CALL(NAME, -1, int, linkat,
    (int a, const char *p, int b, const char *q, int flags),
    (a, p, b, q, flags))
CALL(NAME, -1, int, rename, (const char *p, const char *q), (p, q))
CALL(NAME, -1, int, renameat, (int a, const char *p, int b, const char *q),
    (a, p, b, q))
CALL(NAME, -1, int, renameat2,
    (int a, const char *p, int b, const char *q, unsigned flags),
    (a, p, b, q, flags))
CALL(NAME, -1, int, symlinkat, (const char *t, int d, const char *p),
    (t, d, p))
CALL(NAME, -1, int, mkdir, (const char *p, mode_t mode), (p, mode))
CALL(NAME, -1, int, mkdirat, (int d, const char *p, mode_t mode),
    (d, p, mode))
CALL(OPEN, NULL, DIR *, opendir, (const char *p), (p))
CALL(OPEN, NULL, DIR *, fdopendir, (int fd), (fd))
CALL(OPEN, -1, int, pipe2, (int fd[2], int flags), (fd, flags))
CALL(OPEN, -1, int, memfd_create, (const char *p, unsigned flags),
    (p, flags))
CALL(META, -1, int, fchmod, (int fd, mode_t mode), (fd, mode))
CALL(META, -1, int, fchown, (int fd, uid_t u, gid_t g), (fd, u, g))
CALL(META, -1, int, fchownat,
    (int d, const char *p, uid_t u, gid_t g, int flags), (d, p, u, g, flags))
CALL(META, -1, int, utimensat,
    (int d, const char *p, const struct timespec t[2], int flags),
    (d, p, t, flags))
CALL(REMOVE, -1, int, unlink, (const char *p), (p))
CALL(REMOVE, -1, int, unlinkat, (int d, const char *p, int flags),
    (d, p, flags))
CALL(SPAWN, -1, pid_t, fork, (void), ())

int
pthread_create(pthread_t *t, const pthread_attr_t *attr,
    void *(*run)(void *), void *arg)
{
	if (fails(SPAWN, "pthread_create"))
		return EAGAIN;
	return REAL(pthread_create)(t, attr, run, arg);
}

int
poll(struct pollfd *p, nfds_t n, int timeout)
{
	if (fails(NET, "poll") || interrupts(NULL))
		return -1;
	return REAL(poll)(p, n, timeout);
}

pid_t
waitpid(pid_t pid, int *status, int flags)
{
	return interrupts(NULL) ? -1 : REAL(waitpid)(pid, status, flags);
}

int
waitid(idtype_t type, id_t id, siginfo_t *info, int flags)
{
	return interrupts(NULL) ? -1 : REAL(waitid)(type, id, info, flags);
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
	return fails(OPEN, "open") ? -1 : REAL(open)(path, flags, mode);
}

int
openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = open_mode(flags, ap);
	va_end(ap);
	if (fails(OPEN, "openat"))
		return -1;
	return REAL(openat)(dir, path, flags, mode);
}

int
__openat_2(int dir, const char *path, int flags)
{
	return openat(dir, path, flags);
}

static int (*real_main)(int, char **, char **);

static int
armed_main(int argc, char **argv, char **envp)
{
	if (strcmp(program_invocation_short_name, "mastvault") == 0)
		plan_read();
	return real_main(argc, argv, envp);
}

int
__libc_start_main(int (*main_fn)(int, char **, char **), int argc,
    char **argv, void (*init)(void), void (*fini)(void),
    void (*ld_fini)(void), void *end)
{
	int (*real)(int (*)(int, char **, char **), int, char **,
	    void (*)(void), void (*)(void), void (*)(void), void *);

	real = (__typeof__(real))next("__libc_start_main");
	real_main = main_fn;
	return real(armed_main, argc, argv, init, fini, ld_fini, end);
}

__attribute__((destructor)) static void
say_counts(void)
{
	const char *path = getenv("MV_FAULT_COUNT"), *call = met;
	FILE *fp;
	size_t k;

	if (!plan.armed || path == NULL || getpid() != plan.pid)
		return;
	plan.armed = false;
	fp = fopen(path, "we");
	if (fp == NULL)
		return;
	for (k = 0; k < NKINDS; k++)
		fprintf(fp, "%s %lu\n", kinds[k].name, counts[k]);
	fprintf(fp, "met %s\n", call == NULL ? "nothing" : call);
	fclose(fp);
}
