/* SPDX-License-Identifier: MIT */
#ifndef MV_VAULT_VAULT_H
#define MV_VAULT_VAULT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "format/vault.h"
#include "repo/repo.h"

/*
 * vault: the versions of an environment's secrets in its repository.
 *
 * A version is the env-file, byte for byte, with a few words on where it came
 * from.  Versions form a chain by hash; none is ever changed.  Reading them
 * takes an identity with the vault right (the host's or the kit's).
 */
struct mv_vault {
	struct mv_vault_version *list;	/* owned, ascending by number */
	size_t n;
	char **problems;	/* unreadable objects, gaps, forks: a sentence each */
	size_t nproblems;
	size_t lost;		/* of them: objects that are damaged or gone */
	struct mv_id32 lost_hash;	/* of one of these, as its name has it */
};

void mv_vault_clear(struct mv_vault *v);
/* MV_EAUTH when our keys have no vault secret. */
int mv_vault_load(struct mv_repo *r, struct mv_vault *out, struct mv_err *err)
    MV_MUST_CHECK;

/* An env-file as it was or will be on disk. */
struct mv_vault_file {
	struct mv_sbuf bytes;
	char *path;		/* owned */
	unsigned mode;		/* permission bits */
};
void mv_vault_file_clear(struct mv_vault_file *f);

/* What was done to the database together with a version. */
struct mv_vault_done {
	char *what;		/* "users.otp_secret" */
	uint64_t rows;
};

/* Who made a version, and why. */
struct mv_vault_note {
	char *host, *operator_name, *reason;	/* owned; "" where not told */
	char **changes;		/* owned: names of settings */
	size_t nchanges;
	bool pending;		/* a rotation to it is under way */
	struct mv_vault_done *done;	/* owned */
	size_t ndone;
};
void mv_vault_note_clear(struct mv_vault_note *n);

/* Open one version for one of our vault identities; note may be NULL. */
int mv_vault_open_noted(struct mv_repo *r, const struct mv_vault_version *v,
    struct mv_vault_file *out, struct mv_vault_note *note,
    struct mv_err *err) MV_MUST_CHECK;
int mv_vault_open(struct mv_repo *r, const struct mv_vault_version *v,
    struct mv_vault_file *out, struct mv_err *err) MV_MUST_CHECK;
/* The newest version, or MV_ENOTFOUND for an empty vault. */
int mv_vault_newest(const struct mv_vault *v,
    const struct mv_vault_version **out, struct mv_err *err) MV_MUST_CHECK;
int mv_vault_number(const struct mv_vault *v, uint64_t number,
    const struct mv_vault_version **out, struct mv_err *err) MV_MUST_CHECK;
/* The version whose object has this hash; MV_ENOTFOUND. */
int mv_vault_find(const struct mv_vault *v, const struct mv_id32 *hash,
    const struct mv_vault_version **out, struct mv_err *err) MV_MUST_CHECK;

/*
 * While the newest version is pending, a rotation is under way: only what
 * ends it may follow.  Everything else is MV_EREFUSED then.
 */
enum mv_vault_kind {
	MV_VAULT_CHANGE,	/* somebody changed the file */
	MV_VAULT_PENDING,	/* a rotation begins */
	MV_VAULT_SETTLED,	/* it ended, with this generation */
};

struct mv_vault_reason {
	const char *host;
	const char *operator_name;
	const char *reason;
	enum mv_vault_kind kind;
	const struct mv_vault_done *done;	/* or NULL */
	size_t ndone;
};
struct mv_vault_ref {
	struct mv_id32 hash, newest_hash;
	uint64_t number, newest;
	bool pending;		/* the newest is: both may be in force, it and */
	uint64_t before;	/* this one; else the same as newest */
	char problem[512];	/* "", or the first thing wrong with the vault */
};
/*
 * Make file the newest version unless it already is (bytes, path and mode),
 * sealed to every active vault key: then *added is false and *out the version
 * that it equals.  out is a copy of the hash and number.  MV_EAUTH when our
 * vault key was removed.
 *
 * Bytes of an older version, which something brought back, never become a
 * new one: then out->number is that version's and out->newest is higher, and
 * out->problem says so.
 *
 * While a rotation is under way nothing is added, whatever the file holds:
 * out->pending is set and out->number is the version whose bytes it has, else
 * the one before the rotation.
 */
int mv_vault_import(struct mv_repo *r, const struct mv_vault_file *file,
    const struct mv_vault_reason *why, struct mv_vault_ref *out, bool *added,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * Make file the version that follows on `after`, whatever it equals.
 * MV_ECHANGED when that is no longer the newest one.
 */
int mv_vault_append(struct mv_repo *r, const struct mv_vault_file *file,
    const struct mv_vault_reason *why, const struct mv_id32 *after,
    struct mv_vault_ref *out, struct mv_err *err) MV_MUST_CHECK;

/*
 * Is this version pending?  One that is not sealed to us is taken for none.
 */
int mv_vault_is_pending(struct mv_repo *r, const struct mv_vault_version *v,
    bool *out, struct mv_err *err) MV_MUST_CHECK;
/*
 * The version that was in force before the newest one, which is pending;
 * *out is NULL when no rotation is under way, and that is no error.
 */
int mv_vault_before(struct mv_repo *r, const struct mv_vault *v,
    const struct mv_vault_version **out, struct mv_err *err) MV_MUST_CHECK;

/*
 * The number of the newest version with these bytes; 0: none that we can
 * open has them.
 */
int mv_vault_which(struct mv_repo *r, const struct mv_vault *v,
    const struct mv_sbuf *bytes, uint64_t *out, struct mv_err *err)
    MV_MUST_CHECK;

#endif
