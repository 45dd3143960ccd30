/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mastvault/rotate.h"

/*
 * emergency_list: what no command here can do, because somebody else has to
 * know, or because it would break what only a person may break.
 */

static bool
is_planned(const struct mv_rotation_plan *plan, const char *name)
{
	size_t i;

	for (i = 0; i < plan->n; i++)
		if (strcmp(plan->items[i].fact->name, name) == 0)
			return true;
	return false;
}

/* Credentials of providers that are in the env-file. */
static int
add_providers(const struct mv_rotation_plan *plan,
    const struct mv_dotenv *env, struct mv_strv *out, struct mv_err *err)
{
	const struct mv_secret_fact *f;
	const uint8_t *p;
	size_t i, len;
	int rc = 0;

	for (i = 0; rc == 0 && i < mv_secret_fact_count(); i++) {
		f = mv_secret_fact_at(i);
		p = NULL;
		len = 0;
		if (f->effect != MV_EFFECT_OUTSIDE ||
		    is_planned(plan, f->name) ||
		    mv_dotenv_get(env, f->name, &p, &len, NULL) < 0 ||
		    p == NULL || len == 0)
			continue;
		rc = mv_strv_addf(out, err,
		    "%s (%s): have the provider make a new "
		    "one, then 'mastvault secrets rotate %s < FILE', and end "
		    "the old one there", f->name, f->protects, f->name);
	}
	for (i = 0; rc == 0 && i < plan->nleft; i++)
		rc = mv_strv_addf(out, err, "%s", plan->left[i]);
	return rc;
}

/* What was not asked for, and so is in force still. */
static int
add_unasked(const struct mv_rotate *r, const struct mv_exposed *e,
    struct mv_strv *out, struct mv_err *err)
{
	int rc = 0;

	if (!r->revoke.tokens && e->tokens > 0)
		rc = mv_strv_addf(out, err,
		    "%" PRIu64 " tokens of apps are in force: "
		    "whoever has them reads and posts as their owners "
		    "(--revoke-tokens)", e->tokens);
	if (rc == 0 && !r->revoke.sessions && e->sessions > 0)
		rc = mv_strv_addf(out, err,
		    "%" PRIu64 " rows of sessions stay; their "
		    "cookies end with SECRET_KEY_BASE, their tokens do not "
		    "(--revoke-sessions, --revoke-tokens)", e->sessions);
	if (rc == 0 && !r->revoke.two_factor && e->two_factor > 0)
		rc = mv_strv_addf(out, err,
		    "%" PRIu64 " users go on with two-factor "
		    "secrets that may be known (--reset-2fa, or ask them to "
		    "set it up anew)", e->two_factor);
	return rc;
}

static int
add_database(const struct mv_exposed *e, struct mv_strv *out,
    struct mv_err *err)
{
	int rc = 0;

	if (e->keys > 0)
		rc = mv_strv_addf(out, err,
		    "federation keys of %" PRIu64 " accounts: "
		    "RAILS_ENV=production bin/tootctl accounts rotate --all, "
		    "as Mastodon's user in its directory, when it runs again",
		    e->keys);
	if (rc == 0 && e->webhooks > 0)
		rc = mv_strv_addf(out, err,
		    "%" PRIu64 " webhooks sign with new "
		    "secrets: give them to the receivers (Administration, "
		    "Webhooks)", e->webhooks);
	if (rc == 0 && e->fasp_providers > 0)
		rc = mv_strv_addf(out, err,
		    "keys for %" PRIu64 " discovery providers: "
		    "delete and register them anew (Administration, FASP)",
		    e->fasp_providers);
	if (rc == 0 && e->applications > 0)
		rc = mv_strv_addf(out, err,
		    "client secrets of %" PRIu64 " apps stay, "
		    "since new ones would break every app; without a user's "
		    "code or token they open nothing", e->applications);
	return rc;
}

int
mv_emergency_list(const struct mv_rotate *r,
    const struct mv_rotation_plan *plan, const struct mv_exposed *exposed,
    const struct mv_dotenv *env, struct mv_strv *out, struct mv_err *err)
{
	static const char *const always[] = {
		"close the hole: a host that somebody else was root on is "
		    "made anew, not cleaned",
		"Redis, if it was within reach: queued jobs hold reset links "
		    "and old signing keys. With Mastodon stopped: redis-cli "
		    "FLUSHALL loses the queue and all feeds ('tootctl feeds "
		    "build' makes those again)",
		"passwords: they are hashed, and weak ones will be found. "
		    "'tootctl accounts modify NAME --reset-password' for "
		    "every moderator and admin now; ask all users",
		"look at who has a role (Administration, Roles), at new "
		    "webhooks, relays and invitations, and at "
		    "~/.ssh/authorized_keys of every account",
		"TLS keys, SSH host keys, and whatever else lay on the host",
		"keys of mastvault that lay there: 'mastvault key list', "
		    "'key new' for a new host, 'key remove NUMBER' for the "
		    "old; the vault key reads new secrets, too",
		"other copies of the env-file: backups, git, laptops, "
		    "provisioning",
		"tell the authority within 72 hours of knowing, and the "
		    "users: drafts are in the record",
	};
	size_t i;
	int rc;

	rc = mv_strv_addf(out, err, "%s", always[0]);
	if (rc == 0)
		rc = add_providers(plan, env, out, err);
	if (rc == 0)
		rc = add_unasked(r, exposed, out, err);
	if (rc == 0)
		rc = add_database(exposed, out, err);
	for (i = 1; rc == 0 && i < MV_ARRAY_LEN(always); i++)
		rc = mv_strv_addf(out, err, "%s", always[i]);
	return rc;
}
