/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_REPO_H
#define MV_REPO_REPO_H

#include <stdbool.h>

#include "format/keyfile.h"
#include "format/snapshot.h"
#include "store/store.h"

/*
 * repo: an open repository: its stores, keyring and what our keys open.
 *
 * Knows packs, index, nodes and snapshots; knows nothing of databases, files
 * or Mastodon.  A struct mv_repo may be used by several threads at once.
 */
struct mv_repo;

/*
 * A new repository, in two steps, because its keys must be safe on disk
 * before anything is sealed to them: plan makes keys and the first keyring in
 * memory, commit puts that into the stores.  One writer, one reader, one
 * vault key for the host and one for the kit.  Labels go into the keyring,
 * sealed.  The key sets belong to the plan.
 */
struct mv_repo_keys {
	struct mv_keyset *owner, *writer, *reader, *vault, *kit;
};
struct mv_repo_plan {
	struct mv_repo_keys keys;
	struct mv_buf keyring;		/* the object */
	char name[MV_OBJECT_NAME_MAX];
};
void mv_repo_plan_clear(struct mv_repo_plan *p);
int mv_repo_plan(const char *environment, const char *host,
    struct mv_repo_plan *out, struct mv_err *err) MV_MUST_CHECK;
/* MV_EEXIST, naming the store, when one of them holds a keyring. */
int mv_repo_refuse_existing(struct mv_store *const stores[], size_t nstores,
    struct mv_err *err) MV_MUST_CHECK;
/* Creates the stores where needed; checks as above once more. */
int mv_repo_plan_commit(const struct mv_repo_plan *p,
    struct mv_store *const stores[], size_t nstores, struct mv_err *err)
    MV_MUST_CHECK;

struct mv_repo_opts {
	struct mv_store **stores;	/* borrowed, must outlive the repo */
	size_t nstores;
	struct mv_keyset *keys;		/* borrowed; merged key files */
	const char *state_dir;		/* NULL: no cache, no high-water marks */
};

/*
 * Find the newest keyring, check it against keys and high-water marks, open
 * the grants.  MV_ENOREPO where no store holds one; MV_EAUTH when keys are
 * of another repository; MV_ECORRUPT when the keyring was rolled back.
 */
int mv_repo_open(const struct mv_repo_opts *opts, struct mv_repo **out,
    struct mv_err *err) MV_MUST_CHECK;
void mv_repo_free(struct mv_repo *r);
void mv_repo_freep(struct mv_repo **r);

const struct mv_id16 *mv_repo_id(const struct mv_repo *r);
const struct mv_keyring *mv_repo_keyring(const struct mv_repo *r);
struct mv_keyset *mv_repo_keyset(struct mv_repo *r);
const char *mv_repo_state_dir(const struct mv_repo *r);
size_t mv_repo_nstores(const struct mv_repo *r);
struct mv_store *mv_repo_store(struct mv_repo *r, size_t i);
/* Secrets of an epoch, NULL when our keys do not give them. */
const struct mv_epoch_secrets *mv_repo_epoch(const struct mv_repo *r,
    uint32_t epoch);
uint32_t mv_repo_newest_epoch(const struct mv_repo *r);
/* The public signing key of a key number, for signature checks; or NULL. */
const uint8_t *mv_repo_sign_pub(uint32_t key, void *repo);
/* The same of keys with the vault right alone: others sign no secrets. */
const uint8_t *mv_repo_vault_pub(uint32_t key, void *repo);
/* True when segments of this writer and snapshot number count. */
bool mv_repo_trusts(const struct mv_repo *r, uint32_t writer, uint64_t seq);

/*
 * Why store i is done without, or NULL; it stays so until r is freed.  Such
 * is a store that could not be listed when r was opened or that holds no
 * repository (is its file system mounted?), and, once mv_repo_tolerate() was
 * called, one that fails while another is left to go on with.
 */
const char *mv_repo_left_out(struct mv_repo *r, size_t i);
/* Call it before there are threads: what is said below of writing holds. */
void mv_repo_tolerate(struct mv_repo *r);
/* False when there is no other store to go on with. */
bool mv_repo_leave_out(struct mv_repo *r, size_t i, const char *why);

/*
 * Put one object into all stores; 0 when every store has it (MV_EEXIST from
 * a store counts as had, since names contain the hash).  For a writer, which
 * tolerates, every store that is not left out.
 */
int mv_repo_put(struct mv_repo *r, const char *name, const void *buf,
    size_t len, struct mv_err *err) MV_MUST_CHECK;
/* Put a small object that some store has into those that lack it. */
int mv_repo_spread(struct mv_repo *r, const char *name, struct mv_err *err)
    MV_MUST_CHECK;
/*
 * Read a whole object from the first store that gives one which matches its
 * name's hash.  MV_ENOTFOUND, or MV_ECORRUPT naming the stores.
 */
int mv_repo_get(struct mv_repo *r, const char *name, size_t max,
    struct mv_buf *out, struct mv_err *err) MV_MUST_CHECK;

#endif
