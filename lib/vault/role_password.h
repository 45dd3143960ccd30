/* SPDX-License-Identifier: MIT */
#ifndef MV_VAULT_ROLE_PASSWORD_H
#define MV_VAULT_ROLE_PASSWORD_H

#include <stdbool.h>

#include "base/err.h"
#include "postgres/conn.h"
#include "secret/secret.h"

/*
 * role_password: another password for a PostgreSQL role.
 *
 * The server is given a SCRAM-SHA-256 verifier that was computed here, which
 * it takes whatever its password_encryption says, and with which it serves
 * clients that pg_hba.conf asks for md5, too.  So the password itself never
 * crosses the connection, and stands neither in the server's log nor in
 * pg_stat_activity.  A superuser's session keeps the verifier out of the log
 * as well, as far as settings of the session can.
 *
 * Changes belong to the transaction that the caller has open on s: rolled
 * back, the role has its old password.  A change that fails aborts it.
 *
 * Sessions that are open stay open: only new ones need the new password.
 */

/*
 * The verifier of role as the server keeps it, for mv_role_verifier_set() to
 * go back to exactly that; *out is NULL when the role has no password.
 * MV_EAUTH when this session may not read it (mostly only a superuser may),
 * after which the transaction goes on; MV_ENOTFOUND: no such role.
 */
int mv_role_verifier_get(struct mv_pg_session *s, const char *role,
    struct mv_secret **out, struct mv_err *err) MV_MUST_CHECK;
/* With NULL the role has no password.  MV_EUSAGE for what is no verifier. */
int mv_role_verifier_set(struct mv_pg_session *s, const char *role,
    struct mv_secret *verifier, struct mv_err *err) MV_MUST_CHECK;

/*
 * Give role this password.  Where mv_role_verifier_get() may not read, the
 * old password is the way back.  MV_EAUTH: the session may not change that
 * role; MV_ENOTFOUND: no such role; MV_EUSAGE: a password that is empty or not
 * printable ASCII.  Managed servers may have rules of their own, and refuse
 * with their own words.
 */
int mv_role_password_set(struct mv_pg_session *s, const char *role,
    struct mv_secret *password, struct mv_err *err) MV_MUST_CHECK;

/*
 * Connect by place, with this password instead of place's own (NULL: with
 * none), and have a question answered.  *used says whether the server wanted
 * a password at all: not under peer, trust or ident, where there is nothing
 * to rotate.  A pooler may answer: then both it and the server let us in.
 * MV_EAUTH: not let in; MV_EUSAGE: no password can be tried, since place has
 * an exec_prefix, or its conninfo or the environment a password of its own.
 */
int mv_role_password_try(const struct mv_pg_target *place,
    struct mv_secret *password, bool *used, struct mv_err *err) MV_MUST_CHECK;

#endif
