/* SPDX-License-Identifier: MIT */
#ifndef MV_BASE_TASKS_H
#define MV_BASE_TASKS_H

#include <stddef.h>

#include "base/err.h"

/*
 * tasks: a list of things to do, worked off by a few threads.
 *
 * Tasks begin in order.  The first failure keeps the others from beginning
 * and is what mv_tasks_run() returns; tasks that are under way see it by
 * mv_tasks_failed() and may end early.  A thread can keep something (a
 * connection) from one task to the next in *local, which is NULL at first
 * and is given to end when the thread is done.
 */
struct mv_tasks {
	size_t n;
	int (*run)(size_t i, void **local, void *arg, struct mv_err *err);
	void (*end)(void *local, void *arg);	/* or NULL */
	void *arg;
	int failed;		/* atomic; the code of the first failure */
};

#define MV_TASKS_THREADS_MAX 64

/* Runs with at most threads threads and returns when all have ended. */
int mv_tasks_run(struct mv_tasks *t, unsigned threads, struct mv_err *err)
    MV_MUST_CHECK;
int mv_tasks_failed(const struct mv_tasks *t);

/* How many processors this process may use; at least 1. */
unsigned mv_cores(void);

#endif
