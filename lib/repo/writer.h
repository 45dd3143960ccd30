/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_WRITER_H
#define MV_REPO_WRITER_H

#include "format/node.h"
#include "repo/repo.h"
#include "repo/snapshots.h"

/*
 * writer: one run that adds to a repository.
 *
 * The pipeline: producers cut their bytes into chunks and look them up;
 * new chunks gather into segments; a pool of workers compresses, checks and
 * seals segments into open packs; uploaders put full packs into all stores.
 * Bounded queues join the stages, so memory does not depend on the input.
 *
 * Several producers (threads) may feed one writer, each through its own
 * struct mv_chunks, which it frees before the writer.  The first failure of
 * any stage stops all of them, and every later call returns it.
 */
struct mv_writer;

struct mv_writer_opts {
	unsigned workers;	/* 0: as many as cores */
	int level;		/* zstd; 0: 1 */
	bool dry_run;		/* nothing is stored; figures are counted */
};

/*
 * Takes the writer's lock (MV_EAGAIN: another run holds it), lists packs,
 * brings the local index up to date.  Needs a writer identity, S and I, and
 * a state directory.
 */
int mv_writer_begin(struct mv_repo *r, const struct mv_writer_opts *opts,
    struct mv_writer **out, struct mv_err *err) MV_MUST_CHECK;
/* Abandons the run unless it was committed; uploaded packs stay. */
void mv_writer_free(struct mv_writer *w);
void mv_writer_freep(struct mv_writer **w);

/* The snapshot number that this run is making. */
uint64_t mv_writer_seq(const struct mv_writer *w);
/* The writer's previous snapshot as loaded at the start, or NULL. */
const struct mv_snapshots *mv_writer_snapshots(const struct mv_writer *w);

struct mv_writer_stats {
	uint64_t bytes_read;	/* given to mv_chunks_write */
	uint64_t bytes_new;	/* of them in chunks that were not there */
	uint64_t bytes_added;	/* size of packs uploaded */
	uint64_t chunks, chunks_new;
	uint64_t bytes_resumed;	/* found in packs no snapshot pins yet */
};
/* At any time, for progress; exact once nothing is on its way. */
void mv_writer_stats(struct mv_writer *w, struct mv_writer_stats *out);

/* ids: a growing list of chunk ids. */
struct mv_ids {
	struct mv_id16 *p;
	size_t n, cap;
};
int mv_ids_add(struct mv_ids *ids, const struct mv_id16 *p, size_t n,
    struct mv_err *err) MV_MUST_CHECK;
void mv_ids_clear(struct mv_ids *ids);

/*
 * chunks: bytes in, ids out.  class is 0 to 3 (docs/format.md, 4.1); lines
 * moves cuts behind newlines.
 */
struct mv_chunks;
int mv_chunks_open(struct mv_writer *w, unsigned class, bool lines,
    struct mv_chunks **out, struct mv_err *err) MV_MUST_CHECK;
/* Chunks that follow belong to this media file (relative path, bytes). */
int mv_chunks_file(struct mv_chunks *c, const uint8_t *path, size_t len,
    struct mv_err *err) MV_MUST_CHECK;
int mv_chunks_write(struct mv_chunks *c, const uint8_t *buf, size_t len,
    struct mv_err *err) MV_MUST_CHECK;
/* End of a file or stream: cuts the last chunk. */
int mv_chunks_cut(struct mv_chunks *c, struct mv_err *err) MV_MUST_CHECK;
/* Ids complete so far, in order; the caller takes them by resetting n to 0. */
struct mv_ids *mv_chunks_ids(struct mv_chunks *c);
/* Hands the last segment over; the ids stay readable until free. */
int mv_chunks_flush(struct mv_chunks *c, struct mv_err *err) MV_MUST_CHECK;
void mv_chunks_free(struct mv_chunks *c);
void mv_chunks_freep(struct mv_chunks **c);

/*
 * Pin chunks by id without their bytes.  *all is false, and nothing pinned,
 * when one of them is not in the repository.
 */
int mv_writer_reuse(struct mv_writer *w, const struct mv_id16 *ids, size_t n,
    bool *all, struct mv_err *err) MV_MUST_CHECK;

/* list: ids in, root out. */
struct mv_list;
int mv_list_open(struct mv_writer *w, struct mv_list **out,
    struct mv_err *err) MV_MUST_CHECK;
int mv_list_add(struct mv_list *l, const struct mv_id16 *ids, size_t n,
    struct mv_err *err) MV_MUST_CHECK;
int mv_list_finish(struct mv_list *l, struct mv_root *out,
    struct mv_err *err) MV_MUST_CHECK;
void mv_list_free(struct mv_list *l);
void mv_list_freep(struct mv_list **l);

/*
 * stream: chunks and list together, for one stream of bytes.  sink feeds it.
 */
struct mv_stream;
int mv_stream_open(struct mv_writer *w, unsigned class, bool lines,
    struct mv_stream **out, struct mv_err *err) MV_MUST_CHECK;
int mv_stream_write(void *stream, const uint8_t *buf, size_t len,
    struct mv_err *err) MV_MUST_CHECK;	/* fits struct mv_sink */
uint64_t mv_stream_bytes(const struct mv_stream *s);
int mv_stream_finish(struct mv_stream *s, struct mv_root *out,
    struct mv_err *err) MV_MUST_CHECK;
void mv_stream_free(struct mv_stream *s);
void mv_stream_freep(struct mv_stream **s);

/*
 * End: wait for all packs, write the index, write pins, list the packs again
 * (MV_ECORRUPT if a pinned one is gone), put the snapshot.  The caller has
 * set parts, started, streams, vault; the rest is filled in.  detail_json is
 * sealed for readers.  Nothing refers to the snapshot until its put is
 * durable.  In a dry run nothing is put.
 */
int mv_writer_commit(struct mv_writer *w, struct mv_snapshot *snap,
    const char *detail_json, size_t len, struct mv_err *err) MV_MUST_CHECK;

#endif
