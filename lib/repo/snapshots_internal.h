/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_SNAPSHOTS_INTERNAL_H
#define MV_REPO_SNAPSHOTS_INTERNAL_H

#include "repo/snapshots.h"

/*
 * What loading a list and checking a repository share: decoding, and the
 * chains.  Problems go to a function, with the name of the object in question.
 */
#define MV_SNAPSHOT_OBJECT_MAX (64u << 20)

struct mv_problems {
	int (*add)(void *arg, const char *object, const char *text,
	    struct mv_err *err);
	void *arg;
};

/* MV_ENOMEM, or what add returned; problems are no failure. */
int mv_problem(const struct mv_problems *to, const char *object,
    struct mv_err *err, const char *fmt, ...) MV_PRINTF(4, 5) MV_MUST_CHECK;

/* Decode one object, whose bytes match id, into the list. */
int mv_snapshots_add(struct mv_snapshots *s, struct mv_repo *r,
    const struct mv_id32 *id, const uint8_t *obj, size_t len,
    const struct mv_problems *to, struct mv_err *err) MV_MUST_CHECK;
/* Look for gaps and forks, then sort by time. */
int mv_snapshots_settle(struct mv_snapshots *s, struct mv_repo *r,
    const struct mv_problems *to, struct mv_err *err) MV_MUST_CHECK;

/* Hold the list against the marks of the state directory. */
int mv_snapshots_check_seen(const struct mv_snapshots *s, struct mv_repo *r,
    const struct mv_problems *to, struct mv_err *err) MV_MUST_CHECK;

void mv_snapshot_name(const struct mv_id32 *id, char out[MV_OBJECT_NAME_MAX]);

#endif
