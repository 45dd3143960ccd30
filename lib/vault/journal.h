/* SPDX-License-Identifier: MIT */
#ifndef MV_VAULT_JOURNAL_H
#define MV_VAULT_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"

/*
 * journal: how far a rotation of secrets has come, in a file that outlives
 * whoever was killed in the middle of it.
 *
 * It holds names and numbers, never a value: those are in the vault.  What is
 * about to be done is written, and on the disk, before it is done.
 *
 * The file has its full size from the beginning and its two halves are
 * written in turn: neither a full disk nor a torn write keeps a rotation from
 * being finished or undone (docs/format.md, 13).
 */
enum mv_rotation_step {
	MV_STEP_PENDING,	/* the new generation into the vault */
	MV_STEP_STOP,		/* services, and no session may be left */
	MV_STEP_DATABASE,	/* rows, in one transaction */
	MV_STEP_ROLE,		/* the password of Mastodon's role */
	MV_STEP_REDIS,
	MV_STEP_FILE,		/* the env-file */
	MV_STEP_APPLY,		/* every other place that holds the values */
	MV_STEP_START,
	MV_STEP_VERIFY,
	MV_STEP_SWEEP,		/* rows written with the other key meanwhile */
	MV_STEP_AFTER,		/* what cannot be undone */
	MV_STEP_COMMIT,		/* the generation in force into the vault */
	MV_NSTEPS,
};

/* "database" and so on. */
const char *mv_rotation_step_name(enum mv_rotation_step step);

struct mv_journal {
	char **names;			/* owned: of what is rotated */
	size_t nnames;
	uint64_t old_version;		/* of the vault: what was in force */
	uint64_t pending_version;	/* 0: not known to be there yet */
	int64_t started;
	bool undo;			/* the way back, for good */
	enum mv_rotation_step step;	/* being done */
	enum mv_rotation_step reached;	/* the last one tried going forward */
	unsigned services;		/* MV_RESTART_* */
	bool skip_undecryptable;
	bool forward_only;
	bool has_push_max;
	uint64_t push_max;		/* subscriptions up to this id end */
	json_t *extra;			/* owned, or NULL: of the caller, no values */
};
void mv_journal_clear(struct mv_journal *j);

struct mv_journal_file {
	int fd;			/* -1: none */
	uint64_t seq;
	char *path;		/* owned */
};
#define MV_JOURNAL_FILE_INIT { .fd = -1 }
void mv_journal_file_clear(struct mv_journal_file *f);	/* closes, keeps it */

/* Make the file; MV_EEXIST when there is one. */
int mv_journal_create(const char *path, const struct mv_journal *j,
    struct mv_journal_file *out, struct mv_err *err) MV_MUST_CHECK;
/* MV_ENOTFOUND: no rotation is under way.  MV_ECORRUPT. */
int mv_journal_open(const char *path, struct mv_journal_file *out,
    struct mv_journal *j, struct mv_err *err) MV_MUST_CHECK;
/* j is on the disk when this returns 0. */
int mv_journal_write(struct mv_journal_file *f, const struct mv_journal *j,
    struct mv_err *err) MV_MUST_CHECK;
/* The rotation is over: remove the file, for good. */
int mv_journal_remove(struct mv_journal_file *f, struct mv_err *err)
    MV_MUST_CHECK;

/* One half of the file, without I/O. */
#define MV_JOURNAL_SLOT 16384
int mv_journal_encode(const struct mv_journal *j, uint64_t seq,
    uint8_t out[MV_JOURNAL_SLOT], struct mv_err *err) MV_MUST_CHECK;
int mv_journal_decode(const uint8_t *slot, size_t len, uint64_t *seq,
    struct mv_journal *out, struct mv_err *err) MV_MUST_CHECK;

#endif
