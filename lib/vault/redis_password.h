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
 * to succeed, or ACL SAVE where there is an aclfile; and where the
 * configuration file that Redis has just written can be read from here, it
 * has to lead to the new password.  If not, what was changed is changed back,
 * and MV_EREFUSED says what has to be edited by hand, and where.  A password
 * that is given on the command line that starts Redis cannot be seen.
 *
 * Connections that are open stay open: only new ones need the new password.
 * It is sent to the server, which has no other way; TLS is not spoken.  Each
 * answer is waited for at most MV_REDIS_TIMEOUT seconds.
 */
#define MV_REDIS_TIMEOUT 5

/*
 * Could it be changed, and would it last?  Changes nothing.  Logs in as
 * place's user with password, place's own being ignored.  *used is false when
 * Redis lets that user in with any password or none: there is nothing to
 * rotate, and nothing else was looked at.
 * MV_EAUTH: not let in, or the user may not change passwords; MV_EREFUSED: it
 * would not last, or replicas log in with it, too.
 */
int mv_redis_password_check(const struct mv_redis_place *place,
    struct mv_secret *password, bool *used, struct mv_err *err) MV_MUST_CHECK;

/*
 * Change place's user from one password to another.  Other passwords that the
 * user has stay.  Exchanged arguments are the way back.  Idempotent: where
 * `from` does not work and `to` does, that is only saved once more.
 *
 * Errors as above, and MV_EREFUSED when Redis could not save it: then `from`
 * is in force (`to`, where it was in force before).  After other errors
 * nobody can say which of both is: try them.
 */
int mv_redis_password_set(const struct mv_redis_place *place,
    struct mv_secret *from, struct mv_secret *to, struct mv_err *err)
    MV_MUST_CHECK;

/*
 * Log in as place's user with this password (NULL: with none).  *used as
 * above.  MV_EAUTH: not let in.
 */
int mv_redis_password_try(const struct mv_redis_place *place,
    struct mv_secret *password, bool *used, struct mv_err *err) MV_MUST_CHECK;

#endif
