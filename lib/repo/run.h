/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_RUN_H
#define MV_REPO_RUN_H

#include <stdbool.h>

#include "format/pack.h"

/*
 * run: where chunks and nodes lie, sorted by id, in one mapped file.
 *
 * A run is made once and never changed.  It is a cache on this machine: the
 * layout is the machine's own, and a keyed hash over all of it tells a
 * damaged or foreign file from ours.  Runs know nothing of stores; whether
 * a pack still counts is noted beside the mapping by whoever listed them.
 */
struct mv_run_pack {
	struct mv_id16 id;
	struct mv_id32 hash;
	uint64_t size;
	uint32_t kind;
	uint32_t zero;
};

struct mv_run_origin {
	struct mv_id16 id;
	uint64_t seq;
	uint32_t pack;		/* number in packs */
	uint32_t epoch;
	uint32_t writer;
	uint32_t nsegs;		/* that the origin has */
	uint32_t first;		/* its first segment in segs */
	uint32_t present;	/* how many of them, by ordinal */
	uint8_t wrap[MV_WRAP_DATA_BYTES];
};

struct mv_run_seg {
	uint32_t origin;	/* number in origins */
	uint32_t ordinal;
	uint32_t offset;
	uint32_t len;
	uint8_t hash[MV_HASH_BYTES];
};

struct mv_run_entry {
	struct mv_id16 id;
	uint32_t seg;
	uint16_t position;
	uint16_t kind;
};

enum mv_run_mark {
	MV_RUN_ABSENT = 0,
	MV_RUN_COUNTS = 1,
	MV_RUN_OWN = 2,		/* counts, and this very process made it */
};

struct mv_run {
	size_t npacks, norigins, nsegs, nentries, nsources;
	/* All point into the mapping. */
	const struct mv_run_pack *packs;
	const struct mv_run_origin *origins;
	const uint32_t *by_origin;	/* origins' numbers by id */
	const struct mv_run_seg *segs;
	const struct mv_run_entry *entries;	/* by id */
	const struct mv_id32 *sources;	/* index objects that went in */

	uint8_t *listed;	/* per pack: some store has it; owned */
	uint8_t *counts;	/* per origin: enum mv_run_mark; owned */
	char *name;		/* file name, or NULL; owned */
	void *map;
	size_t len;
};

void mv_run_free(struct mv_run *run);
void mv_run_freep(struct mv_run **run);

/* What keys and where: shared by all runs of an index. */
struct mv_run_place {
	int dirfd;		/* -1: no file is left; large runs in $TMPDIR or /var/tmp */
	const struct mv_id16 *repo;
	struct mv_hmac *hmac;
};

/* Map a file; MV_ECORRUPT when it is not a whole run of ours. */
int mv_run_open(const struct mv_run_place *at, const char *name,
    struct mv_run **out, struct mv_err *err) MV_MUST_CHECK;

/* The first entry with this id, or NULL; others follow it. */
const struct mv_run_entry *mv_run_find(const struct mv_run *run,
    const struct mv_id16 *id);
/* The first place in by_origin with this origin, or norigins. */
size_t mv_run_find_origin(const struct mv_run *run, const struct mv_id16 *id);

/* A run under construction, in memory. */
struct mv_run_builder {
	struct mv_run_pack *packs;
	struct mv_run_origin *origins;
	struct mv_run_seg *segs;
	struct mv_run_entry *entries;
	struct mv_id32 *sources;
	size_t npacks, norigins, nsegs, nentries, nsources;
	size_t cap_packs, cap_origins, cap_segs, cap_entries, cap_sources;
};

void mv_run_builder_clear(struct mv_run_builder *b);
/* zero in pack is set; the footer's signatures were checked. */
int mv_run_builder_add(struct mv_run_builder *b,
    const struct mv_run_pack *pack, const struct mv_footer *f,
    struct mv_err *err) MV_MUST_CHECK;
int mv_run_builder_source(struct mv_run_builder *b,
    const struct mv_id32 *hash, struct mv_err *err) MV_MUST_CHECK;
/* Everything in it becomes a run that counts; the builder is empty again. */
int mv_run_build(struct mv_run_builder *b, const struct mv_run_place *at,
    struct mv_run **out, struct mv_err *err) MV_MUST_CHECK;

/* One run of several, without packs that no store lists. */
int mv_run_merge(struct mv_run *const runs[], size_t n,
    const struct mv_run_place *at, struct mv_run **out, struct mv_err *err)
    MV_MUST_CHECK;

#endif
