/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_MEMBERS_INTERNAL_H
#define MV_REPO_MEMBERS_INTERNAL_H

#include <jansson.h>

#include "repo/members.h"
#include "repo/repo_internal.h"

/* What of an epoch a key with these rights gets: docs/format.md, 3. */
uint8_t mv_rights_give(uint8_t rights, uint32_t epoch, uint32_t newest);

/* The owner's key among ours; MV_EAUTH. */
int mv_owner_of(const struct mv_repo *r, const struct mv_identity **out,
    struct mv_err *err) MV_MUST_CHECK;

/* The labels as JSON, to be changed and sealed again; the caller decrefs. */
int mv_labels_open(const struct mv_repo *r, json_t **out, struct mv_err *err)
    MV_MUST_CHECK;
/* Set section[number], making the section where there is none. */
int mv_labels_set(json_t *doc, const char *section, uint32_t number,
    json_t *value, struct mv_err *err) MV_MUST_CHECK;
int mv_labels_seal(struct mv_keyring *k, const struct mv_key *structure,
    const json_t *doc, struct mv_err *err) MV_MUST_CHECK;
void mv_labels_decref(json_t **doc);

/* A successor of the keyring in force, with room for one more of each key. */
int mv_keyring_successor(const struct mv_repo *r, struct mv_keyring *out,
    struct mv_err *err) MV_MUST_CHECK;
/* Add a grant where it belongs; arrays have room for it. */
int mv_keyring_grant(struct mv_keyring *k, const struct mv_key *outer,
    const struct mv_keyring_key *to, const struct mv_epoch_secrets *what,
    struct mv_err *err) MV_MUST_CHECK;
/*
 * Sign next, put it everywhere, remember it, and take it over into r.  next
 * is empty afterwards.
 */
int mv_keyring_publish(struct mv_repo *r, struct mv_keyring *next,
    struct mv_err *err) MV_MUST_CHECK;
/* Put the keyring in force where it is missing. */
int mv_keyring_spread(struct mv_repo *r, struct mv_err *err) MV_MUST_CHECK;

#endif
