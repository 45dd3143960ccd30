/* SPDX-License-Identifier: MIT */
#ifndef MV_BASE_TEMP_H
#define MV_BASE_TEMP_H

#include <sys/types.h>

#include "base/err.h"

/*
 * temp: a file that is finished before it gets its name.
 *
 * A temporary has a random name and its writer holds flock() on it, so that
 * whoever finds one can tell a running writer from a killed one: no clock is
 * asked.  Only where the file system has no locks does age decide (a day).
 */
#define MV_TEMP_NAME 32

struct mv_temp {
	int dirfd;	/* borrowed from the caller */
	int fd;		/* to write to; -1 when there is none */
	char name[MV_TEMP_NAME];
};

#define MV_TEMP_INIT { .dirfd = -1, .fd = -1 }

/* Make one in dirfd, which must outlive it.  what is for error texts. */
int mv_temp_open(struct mv_temp *t, int dirfd, mode_t mode, const char *what,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * Give the file its final name in todir, on the same file system, and end
 * the temporary.  Neither fsyncs anything.  link never replaces: MV_EEXIST.
 */
int mv_temp_link(struct mv_temp *t, int todir, const char *name,
    const char *what, struct mv_err *err) MV_MUST_CHECK;
int mv_temp_rename(struct mv_temp *t, int todir, const char *name,
    const char *what, struct mv_err *err) MV_MUST_CHECK;

/* Remove it unless it got its name.  Fine on what was never opened. */
void mv_temp_clear(struct mv_temp *t);

/*
 * Remove what killed writers left in the directory.  What cannot be removed
 * stays: it costs room and nothing else.
 */
void mv_temp_sweep(int dirfd);

#endif
