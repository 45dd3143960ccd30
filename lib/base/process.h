/* SPDX-License-Identifier: MIT */
#ifndef MV_BASE_PROCESS_H
#define MV_BASE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * process: children that we own, whose failure is ours.
 *
 * Nothing of ours is inherited but what is listed: all other descriptors are
 * closed, signal dispositions and mask are default, the environment is the
 * one given.  No shell is ever involved.
 *
 * A child lives in a session of its own.  Ctrl-C reaches us alone, and it is
 * we who end children when they are to end (ends_on_stop, mv_process_free):
 * otherwise they would die before we know why, and an interruption would look
 * like a failure.  It also has no terminal to ask questions on, so what works
 * by hand works from cron.  foreground is for the one kind of program that
 * must ask (a passphrase command): it shares our terminal and its Ctrl-C.
 *
 * A child gets SIGTERM when we die, however we die (PR_SET_PDEATHSIG; the
 * kernel forgets it where a child gains privileges, as sudo does).  The thread
 * that the kernel watches for that is the child's own keeper, so the thread
 * that started a child may end before it.  SIGCHLD must not be ignored.
 */
struct mv_process_opts {
	const char *const *argv;	/* argv[0] is looked up in PATH unless it has a slash */
	const char *const *env;		/* whole environment "A=b"; NULL: ours */
	uid_t uid;			/* (uid_t)-1: as we are */
	gid_t gid;			/* with initgroups for uid */
	const int *keep_fds;		/* also inherited, under the same number */
	size_t nkeep_fds;
	bool pipe_in;			/* else /dev/null */
	bool pipe_out;			/* else /dev/null, or out_fd */
	int out_fd;			/* used when > 0 and not pipe_out */
	bool ends_on_stop;		/* SIGTERM once mv_stop_requested() */
	bool foreground;		/* our session and terminal */
	unsigned timeout;		/* seconds until it is ended; 0: none */
};

struct mv_process;

/*
 * Start.  Failures of exec itself are reported here, with the program's name:
 * MV_ENOTFOUND when there is none.
 */
int mv_process_start(const struct mv_process_opts *opts,
    struct mv_process **out, struct mv_err *err) MV_MUST_CHECK;

/* The pipes' ends, -1 where there is none.  Owned by the process object. */
int mv_process_in(struct mv_process *p);
int mv_process_out(struct mv_process *p);
/* Close its standard input, so that it sees the end. */
void mv_process_close_in(struct mv_process *p);

/*
 * Wait for the end.  0 only if it exited with 0; else the error holds the
 * status or signal and the last lines of what it wrote to standard error,
 * which is collected (bounded) all the time by a thread of its own.  Any
 * failure after mv_stop_request() is MV_EINTR, all others MV_EIO.  Its
 * standard input is closed first; its output must have been read to the end.
 * *status, when not NULL, gets the exit status (128 + signal if killed).
 */
int mv_process_wait(struct mv_process *p, int *status, struct mv_err *err)
    MV_MUST_CHECK;

/* What it has written to standard error so far (bounded, last 8 KiB). */
void mv_process_stderr(struct mv_process *p, struct mv_buf *out);

/*
 * Unless it was waited for: SIGTERM, some seconds of patience, SIGKILL, each
 * to it and (unless foreground) all that it started; then reap it.  NULL is
 * fine.
 */
void mv_process_free(struct mv_process *p);
void mv_process_freep(struct mv_process **p);

#endif
