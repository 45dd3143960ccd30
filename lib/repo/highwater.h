/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_HIGHWATER_H
#define MV_REPO_HIGHWATER_H

#include "format/object.h"

/*
 * highwater: the newest that this host has seen of a repository, in the file
 * "highwater" of its state directory (docs/format.md, 12.1).  A store that
 * shows less was rolled back.
 */
struct mv_highwater_writer {
	uint32_t writer;
	uint64_t seq;
	struct mv_id32 id;
};
struct mv_highwater {
	uint64_t keyring;	/* 0: none seen */
	struct mv_id32 keyring_hash;
	struct mv_highwater_writer *writers;	/* by number, ascending; owned */
	size_t nwriters;
};

void mv_highwater_clear(struct mv_highwater *h);

/*
 * Zeros when there is no file yet.  MV_EUSAGE for a file that is damaged or
 * belongs to another repository: it is never taken for none, and neither is
 * one that cannot be looked at.
 */
int mv_highwater_load(const char *state_dir, const struct mv_id16 *repo,
    struct mv_highwater *out, struct mv_err *err) MV_MUST_CHECK;

/* NULL for a writer of whom nothing was seen. */
const struct mv_highwater_writer *mv_highwater_find(
    const struct mv_highwater *h, uint32_t writer);

/* Raise a mark in memory; a lower or equal one changes nothing. */
void mv_highwater_note_keyring(struct mv_highwater *h, uint64_t number,
    const struct mv_id32 *hash);
int mv_highwater_note(struct mv_highwater *h, uint32_t writer, uint64_t seq,
    const struct mv_id32 *id, struct mv_err *err) MV_MUST_CHECK;

/*
 * Raise the marks in the file to seen where that is higher.  The file is
 * replaced as a whole; processes that do this at once wait for each other.
 */
int mv_highwater_raise(const char *state_dir, const struct mv_id16 *repo,
    const struct mv_highwater *seen, struct mv_err *err) MV_MUST_CHECK;

#endif
