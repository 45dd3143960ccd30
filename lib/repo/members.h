/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_MEMBERS_H
#define MV_REPO_MEMBERS_H

#include "format/enrol.h"
#include "repo/repo.h"

/*
 * members: the owner admits keys, and removes them.
 *
 * Each change is a new keyring, put into all stores, which must all answer:
 * two keyrings with one number would close the repository to everybody.  The
 * repository must have been opened with the owner's key and those of a
 * reader (a recovery kit has both), because what a member gets must be known
 * to who gives it.  No other thread may use r meanwhile; afterwards r shows
 * the new keyring.
 */

/*
 * Make k a member; *added is false when it is one already.  MV_EAUTH without
 * the keys for it; MV_EEXIST when one of its public keys is another member's
 * or was removed before.
 */
int mv_repo_admit(struct mv_repo *r, const struct mv_public_key *k,
    uint32_t *number, bool *added, struct mv_err *err) MV_MUST_CHECK;

/*
 * The enrolment that a member needs before it can open anything: epoch 1's
 * secrets are in no store, and V neither.
 */
int mv_repo_enrol(struct mv_repo *r, uint32_t number, const char *note,
    const char *comment, struct mv_sbuf *out, struct mv_err *err)
    MV_MUST_CHECK;

/*
 * Remove a key.  If it had a structure secret a new epoch begins, whose
 * secrets it does not get; with keep_identity the identity secret stays, and
 * so do all chunk ids.  A writer's segments count up to its newest snapshot.
 * MV_EREFUSED for a key without which we, or
 * anybody, could not read what comes.
 */
struct mv_expelled {
	bool removed;		/* false: it was already */
	uint32_t epoch;		/* that began; 0: none */
	uint64_t last;		/* a writer's last number that counts */
};
int mv_repo_expel(struct mv_repo *r, uint32_t number, bool keep_identity,
    struct mv_expelled *out, struct mv_err *err) MV_MUST_CHECK;

/*
 * The keys of another recovery kit: the owner's, a reader's and a vault key of
 * its own, which become members, and our vault keys, for old secrets.  It has
 * no note yet.
 */
int mv_repo_new_kit(struct mv_repo *r, struct mv_keyset **out,
    struct mv_err *err) MV_MUST_CHECK;

/* What a key is called, and since when it is what it is; label is owned. */
struct mv_member {
	char *label;
	int64_t since;
	int64_t removed;	/* 0: active */
};
void mv_member_clear(struct mv_member *m);
/* MV_EAUTH without the newest epoch's S. */
int mv_repo_member(const struct mv_repo *r, uint32_t number,
    struct mv_member *out, struct mv_err *err) MV_MUST_CHECK;

#endif
