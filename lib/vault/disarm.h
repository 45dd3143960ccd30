/* SPDX-License-Identifier: MIT */
#ifndef MV_VAULT_DISARM_H
#define MV_VAULT_DISARM_H

#include <jansson.h>

#include "mastodon/harm_facts.h"
#include "postgres/conn.h"

/*
 * disarm: harm_facts.h applied to a database: tokens revoked after a leak, a
 * copy made harmless.  It says of each fact how many rows it changed.
 */
struct mv_disarmed {
	const struct mv_harm_fact *fact;
	uint64_t rows;		/* changed, or to be changed in a dry run */
	char *problem;		/* owned: why it could not be done; or NULL */
};

struct mv_disarm_report {
	struct mv_disarmed *list;	/* owned, in the order of the facts */
	size_t n;
	uint64_t schema;
};
void mv_disarm_report_clear(struct mv_disarm_report *r);

#define MV_DISARM_COUNT 1U	/* change nothing */
#define MV_DISARM_ON 2U		/* what fails is noted, and the rest done */

/*
 * Apply all facts that share a bit of when, within the caller's open
 * transaction.  Done again, it changes nothing that is harmless already.
 * What the database has not is passed over, and an error (MV_ECORRUPT) where
 * its version should have it.
 *
 * Every change is looked at again: MV_EIO when rows are left that it should
 * have reached, as where a trigger or a rule is in the way.  With
 * MV_DISARM_ON such a change is taken back, and its fact has a problem.
 */
int mv_disarm(struct mv_pg_session *s, unsigned when, unsigned flags,
    struct mv_disarm_report *out, struct mv_err *err) MV_MUST_CHECK;

/*
 * Have autovacuum leave the tables of all these facts alone, or no longer.
 * The planner's statistics are samples of what stands in a table, and nobody
 * but a superuser gets them out of the catalogue again: there must be none
 * before a copy is harmless.
 */
int mv_disarm_hold(struct mv_pg_session *s, unsigned when, bool hold,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * Rewrite the tables that were changed, so that what was removed is in no
 * file of theirs any more; the write-ahead log keeps it until it is recycled.
 * Outside of a transaction.
 */
int mv_disarm_scrub(struct mv_pg_session *s,
    const struct mv_disarm_report *r, struct mv_err *err) MV_MUST_CHECK;

/*
 * An array of `kind`, `table`, `columns` (null: whole rows), `how`, `rows`,
 * `what`, `problem` (or null); NULL without memory.
 */
json_t *mv_disarm_json(const struct mv_disarm_report *r);

#endif
