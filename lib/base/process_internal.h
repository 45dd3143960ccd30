/* SPDX-License-Identifier: MIT */
#ifndef MV_BASE_PROCESS_INTERNAL_H
#define MV_BASE_PROCESS_INTERNAL_H

#include "base/process.h"

/*
 * What the child does between fork and exec.  The process has threads, so
 * only async-signal-safe calls are allowed there: everything that allocates
 * or looks up (PATH, groups) was done before, and lies here.
 */
struct mv_child {
	const char *paths;	/* candidates for exec, each ending in NUL */
	size_t npaths;
	char *const *argv;
	char *const *env;
	int in, out, err;	/* become 0, 1, 2 */
	int report;		/* to tell what failed */
	const int *keep;
	size_t nkeep;
	uid_t uid;		/* -1: keep all three */
	gid_t gid;
	const gid_t *groups;
	size_t ngroups;
	pid_t parent;
	bool foreground;
};

/* What travels through the report pipe when exec does not come to pass. */
enum mv_child_step {
	MV_CHILD_FDS,
	MV_CHILD_USER,
	MV_CHILD_SESSION,
	MV_CHILD_EXEC,
};

struct mv_child_report {
	int step;
	int sys_errno;
};

/* All that a child needs, in one place to make and to release. */
struct mv_plan {
	struct mv_child child;
	struct mv_buf paths;
	gid_t *groups;
	int in[2], out[2], err[2], report[2];	/* pipes: [0] reads */
	int null;
};

#define MV_PLAN_INIT { .in = { -1, -1 }, .out = { -1, -1 }, \
	.err = { -1, -1 }, .report = { -1, -1 }, .null = -1 }

/* opts must outlive the plan. */
int mv_plan_make(struct mv_plan *plan, const struct mv_process_opts *opts,
    struct mv_err *err) MV_MUST_CHECK;
void mv_plan_clear(struct mv_plan *plan);

/* Runs in the child; every signal is blocked.  Never returns. */
void mv_child_run(const struct mv_child *c) __attribute__((noreturn));

#endif
