/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_INDEX_H
#define MV_REPO_INDEX_H

#include <stdbool.h>

#include "format/pack.h"
#include "repo/repo.h"

/*
 * index: in which packs a chunk or node lies.
 *
 * Everything here is derived from the packs' footers: copies of them in
 * index objects where there are some, else the footers themselves.  What was
 * once learnt is kept in sorted runs, mapped files below STATE/index (without
 * a state directory in files without names); a damaged one is thrown away and
 * made again.  An index object or a footer that does not verify is reported
 * by mv_warn() and left out, never an error.
 *
 * Only what a store lists with its recorded size counts, and only segments
 * that are signed by a writer in good standing.  Lookups may come from
 * several threads at once, also while runs are added.
 */
struct mv_index;

enum mv_index_flags {
	MV_INDEX_FRESH = 1,	/* believe no local files, leave none */
	/* Only packs that all stores have count (for deduplicating). */
	MV_INDEX_EVERYWHERE = 2,
	MV_INDEX_READ_ONLY = 4,	/* local files are used, not changed */
	MV_INDEX_FOOTERS = 8,	/* believe no index objects either */
};

/* Lists the packs and brings the index up to date.  Needs S. */
int mv_index_open(struct mv_repo *r, unsigned flags, struct mv_index **out,
    struct mv_err *err) MV_MUST_CHECK;
void mv_index_free(struct mv_index *ix);
void mv_index_freep(struct mv_index **ix);

/* One place where a chunk or blob lies, with all that reading it takes. */
struct mv_location {
	struct mv_id16 pack;
	struct mv_id32 pack_hash;
	uint64_t pack_size;
	enum mv_kind kind;
	struct mv_id16 origin;
	uint32_t origin_segs;	/* segments that the origin has */
	uint32_t epoch;
	uint32_t writer;
	uint64_t seq;
	uint32_t ordinal;
	uint32_t offset;	/* of the sealed segment in the pack */
	uint32_t len;
	uint8_t hash[MV_HASH_BYTES];	/* of the sealed segment */
	uint8_t wrap[MV_WRAP_DATA_BYTES];
	uint16_t position;	/* in the segment, from 0 */
};

/*
 * Are they the same stored bytes, opened in the same way?  Origin and ordinal
 * alone do not say so: a writer can sign what another one's pack is to hold.
 */
bool mv_location_same(const struct mv_location *a,
    const struct mv_location *b);

/*
 * Up to max places of an id in packs of this kind, without the first skip of
 * them; returns how many.  Whoever can write to a store can plant any number.
 */
size_t mv_index_find(struct mv_index *ix, enum mv_kind kind,
    const struct mv_id16 *id, size_t skip, struct mv_location *out,
    size_t max);
/* The same for a segment by its origin; position is 0. */
size_t mv_index_find_segment(struct mv_index *ix, enum mv_kind kind,
    const struct mv_id16 *origin, uint32_t ordinal, struct mv_location *out,
    size_t max);
/* True where a place was found; cheaper, for writers. */
bool mv_index_has(struct mv_index *ix, enum mv_kind kind,
    const struct mv_id16 *id);

/* How many packs are listed, and how many places of chunks and nodes known. */
uint64_t mv_index_packs(const struct mv_index *ix);
uint64_t mv_index_entries(const struct mv_index *ix);

/*
 * Read and verify the footer of a pack from one store: what its name says,
 * header, box and the origins' signatures.  payload gets the footer as it
 * goes into index objects.  MV_ECORRUPT for one that is not right.
 */
int mv_pack_footer_get(struct mv_repo *r, struct mv_store *st,
    const struct mv_name *name, uint64_t size, struct mv_buf *payload,
    struct mv_footer *out, struct mv_err *err) MV_MUST_CHECK;
/* The signatures of all origins: MV_ECORRUPT, MV_EAUTH for unknown writers. */
int mv_footer_verify(struct mv_repo *r, const struct mv_footer *f,
    struct mv_err *err) MV_MUST_CHECK;

#endif
