/* SPDX-License-Identifier: MIT */
#ifndef MV_VAULT_INCIDENT_H
#define MV_VAULT_INCIDENT_H

#include <jansson.h>

#include "base/buf.h"
#include "vault/revoke.h"
#include "vault/rotation.h"

/*
 * incident: the record of an emergency: when it was known, what was within
 * reach, what was done when, what is left to do, and drafts of what users and
 * the authority are to be told.
 *
 * STATE-DIR/incidents/TIME.json is written before anything is rotated and
 * again when that has ended; TIME.txt is the same for people, who may edit
 * it: it is not written again over their changes.  No values, only names and
 * numbers.  Both are 0600.
 */
#define MV_INCIDENT_HOURS 72	/* GDPR, article 33 */

struct mv_incident_facts {
	const char *environment, *host, *operator_name;
	const char *reason;		/* or NULL */
	const char *mastodon, *database, *server;
	int64_t aware, begun;
	const char *snapshot;		/* id of the evidence, or NULL */
	const struct mv_exposed *exposed;
	const struct mv_revoke *revoke;	/* what was asked for */
	char *const *by_hand;		/* sentences */
	size_t nby_hand;
};

/* The record as it begins; the caller owns *out. */
int mv_incident_new(const struct mv_incident_facts *f, json_t **out,
    struct mv_err *err) MV_MUST_CHECK;

/* Note how it ended.  rc is that of the rotation. */
int mv_incident_end(json_t *doc, const struct mv_rotation_report *rotated,
    const struct mv_disarm_report *revoked, int rc, int64_t now,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * Write both files; *path, which is freed by the caller, is that of the JSON.
 * With *path not NULL that record is written again.
 */
int mv_incident_write(const char *state_dir, const json_t *doc, char **path,
    struct mv_err *err) MV_MUST_CHECK;
int mv_incident_read(const char *path, json_t **out, struct mv_err *err)
    MV_MUST_CHECK;
/* The newest record of this host; MV_ENOTFOUND. */
int mv_incident_newest(const char *state_dir, char **path,
    struct mv_err *err) MV_MUST_CHECK;

/* For people: appended to out. */
int mv_incident_text(const json_t *doc, struct mv_buf *out,
    struct mv_err *err) MV_MUST_CHECK;

#endif
