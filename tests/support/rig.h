/* SPDX-License-Identifier: MIT */
#ifndef MV_TESTS_SUPPORT_RIG_H
#define MV_TESTS_SUPPORT_RIG_H

#include "repo/reader.h"
#include "repo/repo.h"
#include "repo/writer.h"

/*
 * rig: a new repository with its keys, and short ways to write and read it.
 *
 * The writer sees only what a writer's key file holds, the reader only what
 * a reader's does.
 */
#define RIG_STORES 2

struct rig {
	char *dir;		/* temporary; STATE lies in it */
	char *state;
	struct mv_store *stores[RIG_STORES];
	size_t nstores;
	struct mv_repo_plan plan;
	struct mv_repo *writer;	/* opened with the writer's keys */
	struct mv_repo *reader;	/* with the reader's, without state */
};

/* A repository in nstores stores in memory. */
void rig_new(struct rig *rig, size_t nstores);
/* The same in stores that are there; takes them over. */
void rig_new_in(struct rig *rig, struct mv_store *const stores[],
    size_t nstores);
/* Open both sides again, as new processes would. */
void rig_reopen(struct rig *rig);
void rig_free(struct rig *rig);

struct mv_writer *rig_begin(struct rig *rig, unsigned workers);
/* Write buf as one stream of this class. */
struct mv_root rig_put(struct mv_writer *w, const void *buf, size_t len,
    unsigned class, bool lines);
/* Commit one stream and free the writer. */
void rig_commit(struct mv_writer **w, const struct mv_root *roots, size_t n);
/* Whoever has stolen the writer's key signs whatever number he likes. */
void rig_plant(struct rig *rig, uint64_t seq);

/* Read all snapshots with the reader; one stream of the newest must be buf. */
void rig_expect(struct rig *rig, size_t stream, const void *buf, size_t len);
/* Objects below a prefix in the first store, and their bytes. */
size_t rig_count(struct rig *rig, const char *prefix, uint64_t *bytes);

#endif
