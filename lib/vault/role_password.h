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
 * it takes from version 10 on whatever password_encryption says.  So the
 * password itself never crosses the connection, and stands neither in the
 * server's log nor in pg_stat_activity.  Where the session is a superuser's,
 * the statement with the verifier is kept out of the log, too.
 *
 * All of it happens in the transaction that the caller has open on s, or by
 * itself where there is none: rolled back, the role has its old password.  A
 * statement that fails aborts that transaction.
 *
 * Sessions that are open stay open: only new ones need the new password.
 */

/*
 * The verifier of role as the server keeps it, for mv_role_verifier_set() to
 * alter back to exactly that; *out is NULL when the role has no password.
 * MV_EAUTH when this session may not read it (only a superuser may), and the
 * transaction goes on; MV_ENOTFOUND when there is no such role.
 */
int mv_role_verifier_get(struct mv_pg_session *s, const char *role,
    struct mv_secret **out, struct mv_err *err) MV_MUST_CHECK;
/* With NULL the role has no password. */
int mv_role_verifier_set(struct mv_pg_session *s, const char *role,
    struct mv_secret *verifier, struct mv_err *err) MV_MUST_CHECK;

/*
 * Give role this password.  Without mv_role_verifier_get() this with the old
 * password is also the way back.  MV_EAUTH: the session may not change that
 * role; MV_EREFUSED: the server takes no verifiers (managed ones have rules
 * of their own); MV_EUSAGE: a password that is empty or no printable ASCII;
 * MV_ENOTFOUND: no such role.
 */
int mv_role_password_set(struct mv_pg_session *s, const char *role,
    struct mv_secret *password, struct mv_err *err) MV_MUST_CHECK;

/*
 * Connect as Mastodon does, by place, whose own password is ignored, with
 * this password, and ask something.  *used says whether the server wanted a
 * password at all: not under peer, trust or ident, where there is nothing to
 * rotate.  A pooler may answer: then it and the server behind it let us in.
 * MV_EAUTH: not let in; MV_EUSAGE: place has an exec_prefix, through which no
 * password goes, or a conninfo with a password or password file of its own.
 *
 * password NULL tries without any: MV_EAUTH then means that one is needed.
 */
int mv_role_password_try(const struct mv_pg_target *place,
    struct mv_secret *password, bool *used, struct mv_err *err) MV_MUST_CHECK;

#endif
