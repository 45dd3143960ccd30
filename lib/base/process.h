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
 * one given.  No shell is ever involved.  A child gets SIGTERM when we die
 * (PR_SET_PDEATHSIG) and lives in our process group.
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
 * which is collected (bounded) all the time by a thread of its own.
 * *status, when not NULL, gets the exit status (128 + signal if killed).
 */
int mv_process_wait(struct mv_process *p, int *status, struct mv_err *err)
    MV_MUST_CHECK;

/* What it has written to standard error so far (bounded, last 8 KiB). */
void mv_process_stderr(struct mv_process *p, struct mv_buf *out);

/* Kill and reap it unless it was waited for.  NULL is fine. */
void mv_process_free(struct mv_process *p);
void mv_process_freep(struct mv_process **p);

#endif
