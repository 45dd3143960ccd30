/* SPDX-License-Identifier: MIT */
#ifndef MV_VAULT_AUDIT_H
#define MV_VAULT_AUDIT_H

#include <sys/types.h>

#include "mastodon/dotenv.h"
#include "mastodon/secret_facts.h"
#include "vault/changes.h"

/*
 * audit: what is wrong with an environment's secrets and how they are kept.
 *
 * A finding names a setting, never its value.  Codes are part of the
 * interface: empty, short, weak, sample, missing, dead, vapid, shared,
 * readable, tracked, running, old, older-version, rotation.
 */
struct mv_finding {
	const char *code;	/* static */
	char *environment, *name, *advice;	/* owned; name may be NULL */
};

struct mv_audit {
	struct mv_finding *findings;	/* owned */
	size_t n;
	char **unchecked;	/* what could not be looked at: sentences */
	size_t nunchecked;
};
void mv_audit_clear(struct mv_audit *a);

int mv_audit_find(struct mv_audit *a, const char *code,
    const char *environment, const char *name, struct mv_err *err,
    const char *fmt, ...) MV_PRINTF(6, 7) MV_MUST_CHECK;
int mv_audit_leave(struct mv_audit *a, struct mv_err *err, const char *fmt,
    ...) MV_PRINTF(3, 4) MV_MUST_CHECK;

/*
 * The version that is installed in a directory, from lib/mastodon/version.rb.
 * MV_ENOTFOUND when there is none, as in most containers.
 */
int mv_audit_release(const char *dir, struct mv_release_no *out,
    struct mv_err *err) MV_MUST_CHECK;

/* Each value by itself, and the VAPID pair; release may be NULL: unknown. */
int mv_audit_values(struct mv_audit *a, const char *environment,
    const struct mv_dotenv *env, const struct mv_release_no *release,
    struct mv_err *err) MV_MUST_CHECK;
/* Secrets that are the same in two environments, compared in memory. */
int mv_audit_shared(struct mv_audit *a, const char *environment,
    const struct mv_dotenv *env, const char *other,
    const struct mv_dotenv *theirs, struct mv_err *err) MV_MUST_CHECK;
/* Secrets that have their value for longer than max seconds. */
int mv_audit_ages(struct mv_audit *a, const char *environment,
    const struct mv_vault_ages *ages, int64_t now, int64_t max,
    struct mv_err *err) MV_MUST_CHECK;

/* Who may read the env-file, and does git know it? */
int mv_audit_file(struct mv_audit *a, const char *environment,
    const char *path, struct mv_err *err) MV_MUST_CHECK;
/*
 * Processes of uid that run in dir and were started with other values than
 * env has: they need a restart, or have them from elsewhere.
 */
int mv_audit_running(struct mv_audit *a, const char *environment,
    const char *dir, uid_t uid, const struct mv_dotenv *env,
    struct mv_err *err) MV_MUST_CHECK;

#endif
