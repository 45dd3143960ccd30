/* SPDX-License-Identifier: MIT */
#ifndef MV_JOB_SELECT_H
#define MV_JOB_SELECT_H

#include <stdbool.h>

#include "format/manifest.h"

/*
 * select: which entries of a manifest a person means with some globs, and
 * the directories above them, which must exist first.
 */
struct mv_select {
	const char *const *globs;	/* NULL-terminated; NULL: everything */
	struct mv_buf dirs;		/* records of directories not yet passed */
	size_t *starts;			/* of each in dirs; owned */
	size_t ndirs, cap;
	size_t passed;			/* how many of them the caller has had */
};

void mv_select_clear(struct mv_select *s);

/*
 * Does a glob fit the path or a directory above it?  '*' also fits '/'.
 */
bool mv_select_fits(const struct mv_select *s, struct mv_span path);

/* A directory that does not fit itself, but may hold what does. */
int mv_select_hold(struct mv_select *s, const struct mv_entry *dir,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * Before an entry that fits: call each for the directories above it that
 * have not been passed yet, outermost first.
 */
int mv_select_pass(struct mv_select *s, struct mv_span path,
    int (*each)(const struct mv_entry *dir, void *arg, struct mv_err *err),
    void *arg, struct mv_err *err) MV_MUST_CHECK;

#endif
