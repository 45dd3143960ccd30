/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_READER_H
#define MV_REPO_READER_H

#include "base/sink.h"
#include "format/node.h"
#include "repo/repo.h"

/*
 * reader: streams out of a repository, every chunk verified against its id.
 *
 * A struct mv_reader is shared by threads; it caches decoded segments (a
 * bounded number of bytes) and the footers' locations.  Pinned locations are
 * tried first, then any other that the index knows; where that leads to
 * damage, the packs' own footers are read, so that no index object can keep
 * anybody from reading.  A damaged or missing segment is MV_ECORRUPT and names
 * pack, segment and store.
 */
struct mv_reader;

/*
 * Needs S; data needs the epoch's private key and I (MV_EAUTH without).
 * r and snap must outlive the reader, and the reader its streams.
 */
int mv_reader_open(struct mv_repo *r, const struct mv_snapshot *snap,
    struct mv_reader **out, struct mv_err *err) MV_MUST_CHECK;
void mv_reader_free(struct mv_reader *rd);
void mv_reader_freep(struct mv_reader **rd);

/* One stream, read in order by one thread. */
struct mv_stream_in;
int mv_stream_in_open(struct mv_reader *rd, const struct mv_root *root,
    struct mv_stream_in **out, struct mv_err *err) MV_MUST_CHECK;
void mv_stream_in_free(struct mv_stream_in *s);
void mv_stream_in_freep(struct mv_stream_in **s);

/*
 * The next chunk; *data is valid until the next call.  path is the media
 * file that it belongs to, or NULL for other streams.  *len 0 at the end.
 */
int mv_stream_in_chunk(struct mv_stream_in *s, const uint8_t *path,
    size_t path_len, const uint8_t **data, size_t *len, struct mv_err *err)
    MV_MUST_CHECK;
/*
 * The next n ids, without their chunks and without moving on: for comparing,
 * before chunks are read or skipped.  MV_ECORRUPT when fewer are left.
 */
int mv_stream_in_ids(struct mv_stream_in *s, size_t n, struct mv_id16 *out,
    struct mv_err *err) MV_MUST_CHECK;
/* Pass over n chunks, fetching no more nodes than needed. */
int mv_stream_in_skip(struct mv_stream_in *s, uint64_t n, struct mv_err *err)
    MV_MUST_CHECK;
/* A source of the stream's bytes (database streams): fits struct mv_source. */
int mv_stream_in_read(void *s, uint8_t *buf, size_t len, size_t *got,
    struct mv_err *err) MV_MUST_CHECK;

/* The id that data would have in the snapshot's epoch. */
int mv_reader_media_id(struct mv_reader *rd, const uint8_t *path,
    size_t path_len, const uint8_t *data, size_t len, struct mv_id16 *out,
    struct mv_err *err) MV_MUST_CHECK;
/*
 * Does the file fd (size bytes, data extents only as in extents) hold exactly
 * the chunks ids[n] of this media path?  Cuts it as the writer does.
 */
int mv_reader_same_file(struct mv_reader *rd, const uint8_t *path,
    size_t path_len, struct mv_source source, const struct mv_id16 *ids,
    size_t n, bool *same, struct mv_err *err) MV_MUST_CHECK;

#endif
