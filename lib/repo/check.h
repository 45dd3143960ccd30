/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_CHECK_H
#define MV_REPO_CHECK_H

#include "repo/repo.h"
#include "repo/snapshots.h"

/*
 * check: is everything there, and is it what it must be?
 *
 * Structure from the stores alone (the local index is not believed): keyring
 * chain, snapshots and their chains, every node, every pinned segment, index
 * objects, sizes, foreign or half-written objects.  All objects but packs are
 * read whole, from every store.  read_data also reads packs whole: SHA-256 against the name, footer, each segment's hash and
 * signature, and with a reader's key each segment is opened and every chunk
 * compared with its id.
 */
struct mv_check_opts {
	bool read_data;
	/*
	 * n/t: only packs whose id's first 8 bytes, the highest first, are
	 * n - 1 modulo t; 0/0 is all.
	 */
	unsigned part, parts;
	const char *expect;	/* head, or NULL */
	/*
	 * Remove index objects that are not what they must be, and write one
	 * of the packs that no other covers.  Takes a writer's key.
	 */
	bool repair_index;
	void (*progress)(uint64_t done, uint64_t total, void *arg);
	void *arg;
};

struct mv_damage {
	char *object;		/* name in the store */
	char *store;		/* URL, or NULL for all */
	char *what;		/* one sentence */
	char *affects;		/* snapshots, streams: one sentence, or NULL */
};

struct mv_check_report {
	struct mv_damage *damaged;	/* owned */
	size_t ndamaged;
	char **warnings;	/* strange but harmless: orphans, index set aside */
	size_t nwarnings;
	/*
	 * Stores that were away when something was made that others have: a
	 * sentence each.  What a store lacks of snapshots that it has itself
	 * is damage.
	 */
	char **behind;
	size_t nbehind;
	uint64_t snapshots, packs, segments, bytes;
	bool contents;		/* chunks were verified too */
	uint64_t indexes_dropped, packs_indexed;	/* by the repair */
	unsigned unreachable;	/* stores that could not be looked into */
};

void mv_check_report_clear(struct mv_check_report *r);
/*
 * 0 also when damage was found: the report says so.  A store that cannot be
 * listed is a warning and counts as unreachable; MV_EIO when none can.
 */
int mv_repo_check(struct mv_repo *r, const struct mv_check_opts *opts,
    struct mv_check_report *out, struct mv_err *err) MV_MUST_CHECK;

#endif
