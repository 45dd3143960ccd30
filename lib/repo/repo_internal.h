/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_REPO_INTERNAL_H
#define MV_REPO_REPO_INTERNAL_H

#include <pthread.h>

#include "repo/repo.h"

/* What repo.c, repo_stores.c, repo_keyring.c and repo_grants.c share. */
struct mv_repo {
	struct mv_store **stores;	/* borrowed, the array owned */
	size_t nstores;
	bool tolerant;			/* a failing store is left out */
	pthread_mutex_t lock;		/* guards left_out */
	char **left_out;		/* per store: why, or NULL; never changes back */
	struct mv_keyset *keys;		/* borrowed */
	char *state_dir;		/* or NULL */
	struct mv_keyring keyring;
	/*
	 * One for each epoch of the keyring, has 0 where our keys give
	 * nothing.  Locked memory.
	 */
	struct mv_epoch_secrets *epochs;
};

/* Find the keyring in force, and hold it against what was seen before. */
int mv_repo_find_keyring(struct mv_repo *r, struct mv_err *err) MV_MUST_CHECK;
/*
 * Is there a keyring with this number or a later one that the owner signed?
 * All stores must answer.
 */
int mv_repo_has_keyring(struct mv_repo *r, uint64_t from, bool *out,
    struct mv_err *err) MV_MUST_CHECK;
/* Fill epochs from key files and grants. */
int mv_repo_open_grants(struct mv_repo *r, struct mv_err *err) MV_MUST_CHECK;

#endif
