/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/process_internal.h"

static void die(const struct mv_child *c, enum mv_child_step step)
    __attribute__((noreturn));

static void
die(const struct mv_child *c, enum mv_child_step step)
{
	struct mv_child_report r = { .step = step, .sys_errno = errno };

	/* If even this fails the parent sees status 127 and no more. */
	if (write(c->report, &r, sizeof(r)) < 0)
		_exit(126);
	_exit(127);
}

/* Put in, out and err where they belong, through numbers above all three. */
static int
place_fds(const struct mv_child *c)
{
	int from[3] = { c->in, c->out, c->err };
	int i;

	for (i = 0; i < 3; i++) {
		from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 3);
		if (from[i] < 0)
			return -1;
	}
	for (i = 0; i < 3; i++)
		if (dup2(from[i], i) < 0)
			return -1;
	return 0;
}

/* All others close at exec, and not now: the report pipe is among them. */
static int
close_others(const struct mv_child *c)
{
	size_t i;

	if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return -1;
	for (i = 0; i < c->nkeep; i++)
		if (fcntl(c->keep[i], F_SETFD, 0) < 0)
			return -1;
	return 0;
}

/*
 * The bare system calls: libc's wrappers want to tell all threads, which this
 * process no longer has.
 */
static int
become_user(const struct mv_child *c)
{
	if (c->uid == (uid_t)-1)
		return 0;
	if (syscall(SYS_setgroups, c->ngroups, c->groups) < 0)
		return -1;
	if (syscall(SYS_setresgid, c->gid, c->gid, c->gid) < 0)
		return -1;
	return (int)syscall(SYS_setresuid, c->uid, c->uid, c->uid);
}

/* After the change of user, which makes the kernel forget the death signal. */
static int
join_session(const struct mv_child *c)
{
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
		return -1;
	/* We may have become an orphan before that call. */
	if (getppid() != c->parent) {
		errno = ESRCH;
		return -1;
	}
	if (!c->foreground && setsid() < 0)
		return -1;
	return 0;
}

static void
default_signals(void)
{
	struct sigaction sa;
	sigset_t none;
	int sig;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = SIG_DFL;
	for (sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &sa, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * The first that starts.  If none does, EACCES tells more than ENOENT, unless
 * it was only a folder of PATH that this user may not look into.
 */
static void
exec_first(const struct mv_child *c)
{
	const char *path = c->paths;
	struct stat st;
	int denied = 0;
	size_t i;

	for (i = 0; i < c->npaths; i++) {
		(void)execve(path, c->argv, c->env);
		if (errno == EACCES)
			denied |= c->npaths == 1 || stat(path, &st) == 0;
		else if (errno != ENOENT && errno != ENOTDIR)
			return;
		path += strlen(path) + 1;
	}
	errno = denied ? EACCES : ENOENT;
}

void
mv_child_run(const struct mv_child *c)
{
	if (place_fds(c) < 0 || close_others(c) < 0)
		die(c, MV_CHILD_FDS);
	if (become_user(c) < 0)
		die(c, MV_CHILD_USER);
	if (join_session(c) < 0)
		die(c, MV_CHILD_SESSION);
	default_signals();
	exec_first(c);
	die(c, MV_CHILD_EXEC);
}
