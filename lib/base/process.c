/* SPDX-License-Identifier: MIT */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/process_internal.h"
#include "base/stop.h"
#include "base/time.h"

#define TAIL_MAX 8192
#define TAIL_LINES 3		/* of it, in error texts */
#define TAIL_TEXT 600
#define PATIENCE 5		/* seconds between SIGTERM and SIGKILL */
#define TICK 200		/* milliseconds between looks at the stop flag */
#define TICK_FAST 20		/* at that and at the child */

/*
 * Each child has a keeper: a thread that forks it, collects its standard
 * error and sees it end.  It leaves the zombie, so that the pid stays ours
 * until the owner, who alone sends signals by hand, has joined the keeper.
 */
struct mv_process {
	char *name;		/* argv[0], for error texts */
	pid_t pid;
	int in, out;		/* our ends, or -1 */
	int errfd;		/* the keeper's */
	int reportfd;		/* the keeper's, until exec */
	bool foreground;
	bool ends_on_stop;
	unsigned timeout;	/* seconds, or 0 */
	bool timed_out;		/* the keeper's, until it is joined */
	bool joined;
	pthread_t keeper;
	pthread_mutex_t lock;
	pthread_cond_t changed;	/* on CLOCK_MONOTONIC */
	/* Under the lock from here on. */
	bool started;		/* forked, and exec came to pass or failed */
	bool ended;
	int fork_errno;
	struct mv_child_report report;	/* sys_errno 0 when exec went well */
	char tail[TAIL_MAX];
	size_t tail_len;
	/* Only while starting. */
	struct mv_child *child;
};

/* Keep the last TAIL_MAX bytes. */
static void
tail_add(struct mv_process *p, const char *buf, size_t len)
{
	size_t keep;

	pthread_mutex_lock(&p->lock);
	if (len > TAIL_MAX) {
		buf += len - TAIL_MAX;
		len = TAIL_MAX;
	}
	keep = p->tail_len < TAIL_MAX - len ? p->tail_len : TAIL_MAX - len;
	memmove(p->tail, p->tail + p->tail_len - keep, keep);
	memcpy(p->tail + keep, buf, len);
	p->tail_len = keep + len;
	pthread_mutex_unlock(&p->lock);
}

static void
send_signal(const struct mv_process *p, int sig)
{
	(void)kill(p->foreground ? p->pid : -p->pid, sig);
}

static bool
has_ended(const struct mv_process *p)
{
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOWAIT | WNOHANG) < 0)
		return errno != EINTR;
	return info.si_pid != 0;
}

/* True when there may be more to read. */
static bool
read_some(struct mv_process *p)
{
	char buf[4096];
	ssize_t n = read(p->errfd, buf, sizeof(buf));

	if (n > 0)
		tail_add(p, buf, (size_t)n);
	return n > 0 || (n < 0 && errno == EINTR);
}

/* SIGTERM when its time is over, SIGKILL when that did not help. */
static void
end_in_time(struct mv_process *p, double began)
{
	double took = mv_time_monotonic() - began;

	if (p->timeout == 0 || took < p->timeout)
		return;
	if (took >= p->timeout + PATIENCE)
		send_signal(p, SIGKILL);
	else if (!p->timed_out)
		send_signal(p, SIGTERM);
	p->timed_out = true;
}

/*
 * Collect standard error until the child has ended, and not until the end of
 * the pipe: a daemon that it left behind may hold that for years.
 */
static void
keep_child(struct mv_process *p)
{
	mv_auto(mv_fd_closep) int pidfd = -1;
	struct pollfd fds[2] = {
		{ .fd = p->errfd, .events = POLLIN },
		{ .events = POLLIN },
	};
	double began = mv_time_monotonic();
	bool told = false, ended = false;
	int tick, n;

	/* Where the system will not give a pidfd, look often instead. */
	pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	fds[1].fd = pidfd;
	tick = pidfd < 0 ? TICK_FAST : p->ends_on_stop || p->timeout > 0 ?
	    TICK : -1;
	for (;;) {
		n = poll(fds, 2, ended ? 0 : tick);
		if (n > 0 && fds[0].revents != 0) {
			if (!read_some(p))
				fds[0].fd = -1;
		} else if (ended) {
			return;
		}
		ended = ended || has_ended(p);
		if (!ended)
			end_in_time(p, began);
		if (p->ends_on_stop && !told && mv_stop_requested()) {
			send_signal(p, SIGTERM);
			told = true;
		}
	}
}

/* Fork, and learn what became of exec. */
static bool
launch(struct mv_process *p)
{
	struct mv_child_report report = { 0 };
	pid_t pid = fork();
	int e = errno;
	ssize_t n = 0;

	if (pid == 0)
		mv_child_run(p->child);
	/* The child holds the other end now; ours must not keep it open. */
	(void)close(p->child->report);
	p->child->report = -1;
	if (pid > 0)
		do
			n = read(p->reportfd, &report, sizeof(report));
		while (n < 0 && (e = errno) == EINTR);
	pthread_mutex_lock(&p->lock);
	p->fork_errno = pid < 0 || n < 0 ? e : 0;
	p->pid = pid;
	if (n == (ssize_t)sizeof(report))
		p->report = report;
	p->started = true;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	return pid > 0 && n >= 0 && report.sys_errno == 0;
}

static void *
keeper(void *arg)
{
	struct mv_process *p = arg;

	if (launch(p))
		keep_child(p);
	pthread_mutex_lock(&p->lock);
	p->ended = true;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* With every signal blocked: they are for threads that know what to do. */
static int
start_keeper(struct mv_process *p, struct mv_err *err)
{
	sigset_t all, old;
	int e;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	e = pthread_create(&p->keeper, NULL, keeper, p);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (e != 0) {
		p->joined = true;
		errno = e;
		return mv_err_sys(err, "start a thread for '%s'", p->name);
	}
	pthread_mutex_lock(&p->lock);
	while (!p->started)
		pthread_cond_wait(&p->changed, &p->lock);
	pthread_mutex_unlock(&p->lock);
	return 0;
}

static void
join(struct mv_process *p)
{
	if (!p->joined)
		(void)pthread_join(p->keeper, NULL);
	p->joined = true;
}

/* Wait for the zombie.  The status is as waitpid() gives it. */
static int
reap(struct mv_process *p)
{
	int st = 0;

	if (p->pid <= 0)
		return 0;
	while (waitpid(p->pid, &st, 0) < 0)
		if (errno != EINTR) {
			st = W_EXITCODE(127, 0);
			break;
		}
	p->pid = 0;
	return st;
}

static int
start_failed(const struct mv_process *p, struct mv_err *err)
{
	static const char *const steps[] = {
		[MV_CHILD_FDS] = "prepare descriptors for",
		[MV_CHILD_USER] = "change user for",
		[MV_CHILD_SESSION] = "make a session for",
		[MV_CHILD_EXEC] = "run",
	};

	errno = p->fork_errno;
	if (p->fork_errno != 0)
		return mv_err_sys(err, "start a process for '%s'", p->name);
	errno = p->report.sys_errno;
	return mv_err_sys(err, "%s '%s'", steps[p->report.step], p->name);
}

static int
process_new(const struct mv_process_opts *opts, struct mv_process **out,
    struct mv_err *err)
{
	struct mv_process *p = calloc(1, sizeof(*p));
	pthread_condattr_t attr;

	if (p != NULL)
		p->name = strdup(opts->argv[0]);
	if (p == NULL || p->name == NULL) {
		free(p);
		return mv_err_set(err, MV_ENOMEM, "start '%s'", opts->argv[0]);
	}
	p->in = p->out = p->errfd = p->reportfd = -1;
	p->foreground = opts->foreground;
	p->ends_on_stop = opts->ends_on_stop;
	p->timeout = opts->timeout;
	p->joined = true;
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&p->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	*out = p;
	return 0;
}

int
mv_process_start(const struct mv_process_opts *opts, struct mv_process **out,
    struct mv_err *err)
{
	mv_auto(mv_process_freep) struct mv_process *p = NULL;
	mv_auto(mv_plan_clear) struct mv_plan plan = MV_PLAN_INIT;
	int rc;

	rc = process_new(opts, &p, err);
	if (rc < 0)
		return rc;
	rc = mv_plan_make(&plan, opts, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "start '%s'", p->name);
	p->in = mv_take_fd(&plan.in[1]);
	p->out = mv_take_fd(&plan.out[0]);
	p->errfd = mv_take_fd(&plan.err[0]);
	p->reportfd = mv_take_fd(&plan.report[0]);
	/* The keeper closes it, also when it cannot fork. */
	plan.report[1] = -1;
	p->child = &plan.child;
	p->joined = false;
	rc = start_keeper(p, err);
	if (p->joined)
		(void)close(plan.child.report);
	p->child = NULL;
	mv_fd_closep(&p->reportfd);
	if (rc < 0)
		return rc;
	if (p->fork_errno != 0 || p->report.sys_errno != 0)
		return start_failed(p, err);
	*out = mv_take(&p);
	return 0;
}

int
mv_process_in(struct mv_process *p)
{
	return p->in;
}

int
mv_process_out(struct mv_process *p)
{
	return p->out;
}

void
mv_process_close_in(struct mv_process *p)
{
	mv_fd_closep(&p->in);
}

void
mv_process_stderr(struct mv_process *p, struct mv_buf *out)
{
	pthread_mutex_lock(&p->lock);
	mv_buf_put(out, p->tail, p->tail_len);
	pthread_mutex_unlock(&p->lock);
}

/* The last lines of standard error as one line of clean text. */
static void
last_words(const struct mv_process *p, char out[TAIL_TEXT])
{
	size_t end = p->tail_len, start, used = 0, i;
	int lines = 0;

	while (end > 0 && (p->tail[end - 1] == '\n' || p->tail[end - 1] == ' '))
		end--;
	for (start = end; start > 0 && end - start < TAIL_TEXT - 3; start--)
		if (p->tail[start - 1] == '\n' && ++lines == TAIL_LINES)
			break;
	if (end > start) {
		out[used++] = ':';
		out[used++] = ' ';
	}
	for (i = start; i < end; i++) {
		char c = p->tail[i];

		if (c == '\n')
			c = ';';
		out[used++] = (unsigned char)c < 0x20 || c == 0x7f ? ' ' : c;
	}
	out[used] = '\0';
}

int
mv_process_wait(struct mv_process *p, int *status, struct mv_err *err)
{
	char words[TAIL_TEXT];
	int code, st;

	/* Who waits writes no more; a child that reads on would never end. */
	mv_fd_closep(&p->in);
	join(p);
	st = reap(p);
	if (status != NULL)
		*status = WIFSIGNALED(st) ? 128 + WTERMSIG(st) :
		    WEXITSTATUS(st);
	if (st == 0 && !p->timed_out)
		return 0;
	code = mv_stop_requested() ? MV_EINTR : MV_EIO;
	last_words(p, words);
	if (p->timed_out)
		return mv_err_set(err, MV_EIO, "'%s' took longer than %u s "
		    "and was ended%s", p->name, p->timeout, words);
	if (WIFSIGNALED(st))
		return mv_err_set(err, code, "'%s' was killed by signal %d%s",
		    p->name, WTERMSIG(st), words);
	return mv_err_set(err, code, "'%s' exited with status %d%s", p->name,
	    WEXITSTATUS(st), words);
}

/* True once it has ended, false when that took more than PATIENCE. */
static bool
wait_patiently(struct mv_process *p)
{
	struct timespec until;
	bool ended;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PATIENCE;
	pthread_mutex_lock(&p->lock);
	while (!p->ended)
		if (pthread_cond_timedwait(&p->changed, &p->lock, &until) != 0)
			break;
	ended = p->ended;
	pthread_mutex_unlock(&p->lock);
	return ended;
}

void
mv_process_free(struct mv_process *p)
{
	if (p == NULL)
		return;
	mv_fd_closep(&p->in);
	mv_fd_closep(&p->out);
	if (!p->joined && p->pid > 0 && p->report.sys_errno == 0) {
		send_signal(p, SIGTERM);
		(void)wait_patiently(p);
		/* To the group in any case: there may be grandchildren. */
		send_signal(p, SIGKILL);
	}
	join(p);
	(void)reap(p);
	mv_fd_closep(&p->errfd);
	mv_fd_closep(&p->reportfd);
	(void)pthread_cond_destroy(&p->changed);
	(void)pthread_mutex_destroy(&p->lock);
	free(p->name);
	free(p);
}

void
mv_process_freep(struct mv_process **p)
{
	mv_process_free(*p);
	*p = NULL;
}
