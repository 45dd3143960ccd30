/* SPDX-License-Identifier: MIT */
#ifndef MV_JOB_MEDIA_IN_H
#define MV_JOB_MEDIA_IN_H

#include <jansson.h>

#include "format/manifest.h"
#include "repo/reader.h"

/*
 * media_in: the media tree of a snapshot, its manifest and content in step.
 */
struct mv_media_in {
	struct mv_reader *reader;
	struct mv_stream_in *manifest_stream;
	struct mv_stream_in *content;
	struct mv_manifest_reader *manifest;
	uint64_t pending;	/* chunks of the current entry not yet consumed */
};

/* out must be zeroed; clear it also after a failure. */
int mv_media_in_open(struct mv_repo *r, const struct mv_snapshot *snap,
    struct mv_media_in *out, struct mv_err *err) MV_MUST_CHECK;
void mv_media_in_clear(struct mv_media_in *m);

/*
 * 1 and the next entry, 0 at the end.  Chunks of the entry before that were
 * not consumed are passed over.
 */
int mv_media_in_next(struct mv_media_in *m, const struct mv_entry **out,
    struct mv_err *err) MV_MUST_CHECK;
/* The next chunk of the current file; *len 0 after its last one. */
int mv_media_in_chunk(struct mv_media_in *m, const struct mv_entry *e,
    const uint8_t **data, size_t *len, struct mv_err *err) MV_MUST_CHECK;
/* All of the current file, its holes as zeros. */
int mv_media_in_file(struct mv_media_in *m, const struct mv_entry *e,
    const struct mv_sink *sink, struct mv_err *err) MV_MUST_CHECK;

#endif
