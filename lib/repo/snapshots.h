/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_SNAPSHOTS_H
#define MV_REPO_SNAPSHOTS_H

#include "repo/repo.h"

/*
 * snapshots: the list of what is there, its chains, and choosing one.
 */
struct mv_snapshots {
	/*
	 * Owned, by finished time ascending; but none is newer than those that
	 * its writer made after it.
	 */
	struct mv_snapshot *list;
	size_t n;
	char **problems;	/* one sentence each: unreadable, missing, rolled back */
	size_t nproblems;
	size_t behind;	/* the last of them: no harm, but a store lacks something */
	size_t unread;	/* there, but no store could be asked: try again */
};

void mv_snapshots_clear(struct mv_snapshots *s);
/*
 * Read all snapshots of all stores.  Damaged ones, gaps in a writer's chain
 * and high-water marks that are not reached become problems, not failures.
 */
int mv_snapshots_load(struct mv_repo *r, struct mv_snapshots *out,
    struct mv_err *err) MV_MUST_CHECK;
/*
 * Choose by id prefix (at least 4 digits), "latest", "latest~N", or a date
 * (newest finished at or before it, local time).  latest and dates count only
 * snapshots that hold all of parts.  MV_ENOTFOUND, MV_EUSAGE if ambiguous.
 */
int mv_snapshots_find(const struct mv_snapshots *s, const char *spec,
    uint32_t parts, const struct mv_snapshot **out, struct mv_err *err)
    MV_MUST_CHECK;
/* Demand a head "WRITER:SEQ:ID": MV_ECORRUPT when it is not there. */
int mv_snapshots_expect(const struct mv_snapshots *s, const char *head,
    struct mv_err *err) MV_MUST_CHECK;
/* "1:17:3f2a..." of a snapshot. */
#define MV_HEAD_TEXT (10 + 1 + 20 + 1 + 64 + 1)
void mv_snapshot_head(const struct mv_snapshot *s, char out[MV_HEAD_TEXT]);
/* The newest snapshot of this writer, or NULL. */
const struct mv_snapshot *mv_snapshots_newest(const struct mv_snapshots *s,
    uint32_t writer);

/* Record in the state directory what was seen. */
int mv_highwater_update(struct mv_repo *r, const struct mv_snapshots *s,
    struct mv_err *err) MV_MUST_CHECK;

#endif
