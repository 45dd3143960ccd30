/* SPDX-License-Identifier: MIT */
#ifndef MV_VAULT_ROTATION_PLAN_H
#define MV_VAULT_ROTATION_PLAN_H

#include "vault/rotation_internal.h"

/* rotation_plan: a plan while it is being made.  Internal to rotation. */
struct mv_planning {
	const struct mv_rotation_place *place;
	const struct mv_rotation_opts *opts;
	struct mv_site *site;
	struct mv_generation old, next;
	struct mv_link link;
	struct mv_rotation_plan *plan;
};
void mv_planning_clear(struct mv_planning *p);

/* rotation_names.c: which names, and their new values. */
int mv_planning_names(struct mv_planning *p, struct mv_err *err)
    MV_MUST_CHECK;
/*
 * rotation_check.c: can PostgreSQL or Redis follow?  MV_EUSAGE where they ask
 * for no password, MV_EREFUSED where it is kept elsewhere.
 */
int mv_planning_can(struct mv_planning *p, const struct mv_secret_fact *f,
    struct mv_err *err) MV_MUST_CHECK;
/* Take a name out again. */
void mv_planning_drop(struct mv_planning *p, const struct mv_secret_fact *f);
/* Add the names that hold the same password for the same server. */
int mv_planning_share(struct mv_planning *p, struct mv_err *err)
    MV_MUST_CHECK;
/* With the new file: does Mastodon then log in with the new passwords? */
int mv_planning_check(struct mv_planning *p, struct mv_err *err)
    MV_MUST_CHECK;

struct mv_rotation_item *mv_planning_find(struct mv_planning *p,
    const char *name);
int mv_planning_add(struct mv_planning *p, const struct mv_secret_fact *f,
    struct mv_err *err) MV_MUST_CHECK;

#endif
