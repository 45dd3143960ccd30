/* SPDX-License-Identifier: MIT */
#ifndef MV_VAULT_REVOKE_H
#define MV_VAULT_REVOKE_H

#include "vault/disarm.h"

/*
 * revoke: after a leak, what somebody may have copied stops working.
 *
 * Links in mails, push subscriptions and webhooks' secrets always; apps'
 * tokens, sessions and two-factor secrets when asked for.
 */
struct mv_revoke {
	bool tokens, sessions, two_factor;
	struct mv_disarm_report report;	/* of the last time */
};
void mv_revoke_clear(struct mv_revoke *r);

/*
 * An in_database hook of a rotation (rotation.h), whose arg is a struct
 * mv_revoke.  Running it again changes only what came since.  One statement
 * that fails does not keep the others from being done: see the report.
 */
int mv_revoke_in_database(struct mv_pg_session *s, void *arg,
    struct mv_err *err) MV_MUST_CHECK;

/* What it would do: counts only, in a transaction of its own. */
int mv_revoke_count(struct mv_pg_session *s, struct mv_revoke *r,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * What was exposed if the whole database was, and what no statement here can
 * replace because somebody else must know the new one.
 */
struct mv_exposed {
	uint64_t users, addresses;
	uint64_t messages;		/* private, received or sent */
	uint64_t followers_only;	/* posts for followers */
	uint64_t tokens, sessions;	/* of apps, in force; of browsers */
	uint64_t two_factor;		/* users with a secret */
	uint64_t keys;			/* local accounts that sign */
	uint64_t fasp_providers, webhooks, relays, applications;
};
int mv_exposed_count(struct mv_pg_session *s, struct mv_exposed *out,
    struct mv_err *err) MV_MUST_CHECK;

#endif
