/* SPDX-License-Identifier: MIT */
#ifndef MV_TESTS_SUPPORT_FAULT_H
#define MV_TESTS_SUPPORT_FAULT_H

#include "base/err.h"

/*
 * fault: make the n-th call that could fail do so.
 *
 * A test whose file name ends in _fault.c is linked so that the calls in
 * MV_WRAP (Makefile) made by our own code, not by libraries, come here first.
 * They work as always until a fault is set.  All threads count together.
 */
enum {
	FAULT_MEMORY = 1,	/* malloc and its kin: ENOMEM */
	FAULT_WRITE = 2,	/* write, pwrite, ftruncate */
	FAULT_SYNC = 4,
	FAULT_NAME = 8,		/* link, rename */
	FAULT_OPEN = 16,
	FAULT_MKDIR = 32,
	FAULT_READ = 64,	/* read, pread, stat and its kin, readdir */
	FAULT_ALL = 127,
	/* Not among all: what clean-up cannot remove does stay. */
	FAULT_REMOVE = 128,
	/* Only calls of other threads than the first one count. */
	FAULT_THREADS = 256,
};

/* Which calls count from now on: FAULT_ALL at first. */
void fault_kinds(unsigned kinds);
/* What failing calls leave in errno, but for FAULT_MEMORY: EIO at first. */
void fault_errno(int e);

/* The n-th call from now fails, counted from 1; those after it work. */
void fault_at(unsigned n);
/* It and all after it fail: a disk that is full stays full. */
void fault_from(unsigned n);
/* The process kills itself instead of making the n-th call. */
void fault_kill_at(unsigned n);
/* All work again.  True when one had failed. */
int fault_off(void);
/* True in the thread whose call failed, as long as it lives or all work. */
int fault_met_here(void);
/* The call that failed last, as "openat". */
const char *fault_what(void);

/* No call fails, but those of the kinds that count are written down. */
void fault_trace(void);
/* What was, in order, as "write fsync linkat fsync" (of one thread only). */
const char *fault_traced(void);

/*
 * Run op with the fault at 1, 2, ... (once as fault_at, and once as
 * fault_from) until it gets through without meeting it; each time check is
 * called with the faults off.  That op's code and err agree, that err says
 * something, and that nothing fails without a fault are checked here.
 * Returns how many faults there were.
 */
struct fault_sweep {
	int (*op)(void *arg, struct mv_err *err);
	void (*check)(void *arg, int rc, const struct mv_err *err);
	void *arg;
};

unsigned fault_sweep(const struct fault_sweep *sweep);

/*
 * The same with fault_kill_at, op each time in a child of its own: what op
 * leaves in memory is lost, as in a crash.  check gets rc 1 when the child
 * was killed, and the last time what op returned.
 */
unsigned fault_sweep_kill(const struct fault_sweep *sweep);

#endif
