/* SPDX-License-Identifier: MIT */
#ifndef MV_VAULT_REDIS_PASSWORD_H
#define MV_VAULT_REDIS_PASSWORD_H

#include <stdbool.h>

#include "base/err.h"
#include "mastodon/redis_place.h"
#include "secret/secret.h"

/*
 * redis_password: another password for a user of Redis.
 *
 * A change counts only if it survives a restart of Redis: CONFIG REWRITE has
 * to succeed, or ACL SAVE where there is an aclfile.  If it does not, what was
 * changed is changed back, and MV_EREFUSED says what has to be edited by
 * hand, and where.
 *
 * Connections that are open stay open: only new ones need the new password.
 * The password is sent to the server, which has no other way; not by TLS.
 * Each answer is waited for at most MV_REDIS_TIMEOUT seconds.
 */
#define MV_REDIS_TIMEOUT 10

/*
 * Could it be changed and would it last?  Changes nothing.  Logs in with
 * password, for which place's own stands by.  *used is false when Redis lets
 * everybody in without one: there is nothing to rotate, and nothing else was
 * looked at.
 * MV_EAUTH: not let in, or the user may not change passwords; MV_EREFUSED: it
 * would not last, or replicas log in with it, too.
 */
int mv_redis_password_check(const struct mv_redis_place *place,
    struct mv_secret *password, bool *used, struct mv_err *err) MV_MUST_CHECK;

/*
 * Change place's user from one password to another; other passwords of an
 * ACL user stay.  Exchanged arguments are the way back.  Idempotent: where
 * `to` is in force already, it is only saved once more.  Errors as above, and
 * MV_EREFUSED when Redis could not save it: then `from` is in force again.
 * After other errors either may be: try both.
 */
int mv_redis_password_set(const struct mv_redis_place *place,
    struct mv_secret *from, struct mv_secret *to, struct mv_err *err)
    MV_MUST_CHECK;

/*
 * Log in as place's user with this password, not its own.  *used as above.
 * MV_EAUTH: not let in.
 */
int mv_redis_password_try(const struct mv_redis_place *place,
    struct mv_secret *password, bool *used, struct mv_err *err) MV_MUST_CHECK;

#endif
