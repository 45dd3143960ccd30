/* SPDX-License-Identifier: MIT */
#ifndef MV_TREE_CACHE_H
#define MV_TREE_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "format/manifest.h"
#include "secret/secret.h"
#include "tree/walk.h"

/*
 * cache: the last manifest, kept by a host that cannot read manifests back.
 *
 * One file: records in manifest order, each with what finds a change (inode,
 * ctime) and the ids of the file's chunks, compressed in blocks and sealed
 * under the caller's key as one stream.  binding says what it is the cache of
 * (repository, root); another one's cache is as good as none.  It is not part
 * of the repository's format and may change with every version: whatever
 * cannot be read counts as absent, and costs reading the files again.
 *
 * Both sides stream in constant memory, save that a record is held whole.
 */
#define MV_CACHE_ID_BYTES 16
/* A file of more chunks is left out (16 MiB of ids), and read each time. */
#define MV_CACHE_CHUNKS_MAX (1U << 20)

struct mv_cache_writer;

/* Begin a new cache at path; the old one stays until commit. */
int mv_cache_writer_new(const char *path, const struct mv_key *key,
    const void *binding, size_t binding_len, struct mv_cache_writer **out,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * Add what was stored: e as in the manifest, st as it was seen before e was
 * read, and e->nchunks ids of 16 bytes.  Only in manifest order.
 */
int mv_cache_add(struct mv_cache_writer *w, const struct mv_entry *e,
    const struct mv_walk_stat *st, const uint8_t *ids, struct mv_err *err)
    MV_MUST_CHECK;

/* Replace the old cache, durably.  w must still be freed. */
int mv_cache_commit(struct mv_cache_writer *w, struct mv_err *err)
    MV_MUST_CHECK;
/* Without commit nothing is left of it.  NULL is fine. */
void mv_cache_writer_free(struct mv_cache_writer *w);
void mv_cache_writer_freep(struct mv_cache_writer **w);

struct mv_cache;

struct mv_cache_record {
	struct mv_entry entry;
	struct mv_walk_stat st;		/* without dev and blocks */
	const uint8_t *ids;		/* entry.nchunks times 16 bytes */
};

/*
 * Open the cache at path.  A missing or unreadable one opens too, and holds
 * nothing; mv_cache_damage() tells which.  Errors are those of memory only.
 */
int mv_cache_open(const char *path, const struct mv_key *key,
    const void *binding, size_t binding_len, struct mv_cache **out,
    struct mv_err *err) MV_MUST_CHECK;

/* NULL, or why the cache, or its rest, was of no use (not when missing). */
const struct mv_err *mv_cache_damage(const struct mv_cache *c);

/*
 * Advance to path, which must come after all paths asked for before.  1 and
 * the record, valid until the next call, or 0 when there is none.
 */
int mv_cache_seek(struct mv_cache *c, struct mv_span path,
    const struct mv_cache_record **out);

/*
 * Whether the walk found the very same as then: nothing needs to be read,
 * attributes included (they change ctime).  Owner names may be others.
 */
bool mv_cache_is_same(const struct mv_cache_record *r,
    const struct mv_entry *e, const struct mv_walk_stat *st);

void mv_cache_free(struct mv_cache *c);
void mv_cache_freep(struct mv_cache **c);

#endif
