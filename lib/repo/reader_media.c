/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "chunk/chunker.h"
#include "repo/reader_internal.h"

#define READ_BYTES (256u << 10)

int
mv_reader_media_id(struct mv_reader *rd, const uint8_t *path,
    size_t path_len, const uint8_t *data, size_t len, struct mv_id16 *out,
    struct mv_err *err)
{
	mv_auto(mv_idhash_freep) struct mv_idhash *h = NULL;
	uint8_t file_key[MV_FILE_KEY_BYTES];
	int rc;

	rc = mv_idhash_new(mv_reader_repo(rd), &h, err);
	if (rc == 0)
		rc = mv_idhash_file_key(h, mv_reader_epoch(rd), path,
		    path_len, file_key, err);
	if (rc == 0)
		rc = mv_idhash_media(h, file_key, data, len, out, err);
	return rc;
}

/* A file as it is cut, beside the ids that it should have. */
struct compare {
	struct mv_idhash *h;
	uint8_t file_key[MV_FILE_KEY_BYTES];
	const struct mv_id16 *ids;
	size_t n, at;
};

#define DIFFERENT 1	/* ends the cutting, and is no failure */

static int
compare_chunk(const uint8_t *p, size_t len, void *arg, struct mv_err *err)
{
	struct compare *c = arg;
	struct mv_id16 id;
	int rc;

	if (c->at == c->n)
		return DIFFERENT;
	rc = mv_idhash_media(c->h, c->file_key, p, len, &id, err);
	if (rc < 0)
		return rc;
	return mv_equal(&id, &c->ids[c->at++], sizeof(id)) ? 0 : DIFFERENT;
}

static int
feed(struct mv_chunker *chunker, struct mv_source source, struct mv_err *err)
{
	mv_auto(mv_freep) uint8_t *buf = malloc(READ_BYTES);
	size_t got;
	int rc;

	if (buf == NULL)
		return mv_err_set(err, MV_ENOMEM, "compare file");
	do {
		rc = source.read(source.arg, buf, READ_BYTES, &got, err);
		if (rc == 0 && got > 0)
			rc = mv_chunker_feed(chunker, buf, got, err);
	} while (rc == 0 && got > 0);
	return rc != 0 ? rc : mv_chunker_end(chunker, err);
}

int
mv_reader_same_file(struct mv_reader *rd, const uint8_t *path,
    size_t path_len, struct mv_source source, const struct mv_id16 *ids,
    size_t n, bool *same, struct mv_err *err)
{
	mv_auto(mv_idhash_freep) struct mv_idhash *h = NULL;
	mv_auto(mv_chunker_freep) struct mv_chunker *chunker = NULL;
	struct compare c = { .ids = ids, .n = n };
	const struct mv_gear *gear;
	struct mv_location at;
	uint32_t epoch = mv_reader_epoch(rd);
	int rc;

	/* A file that did not change may have been cut in an earlier epoch. */
	if (n > 0 && mv_reader_locate(rd, MV_KIND_DATA_PACK, &ids[0], &at))
		epoch = at.epoch;
	rc = mv_reader_gear(rd, epoch, &gear, err);
	if (rc == 0)
		rc = mv_idhash_new(mv_reader_repo(rd), &h, err);
	if (rc == 0)
		rc = mv_idhash_file_key(h, epoch, path, path_len, c.file_key,
		    err);
	c.h = h;
	if (rc == 0)
		rc = mv_chunker_new(gear, MV_CLASS_MEDIA, false,
		    compare_chunk, &c, &chunker, err);
	if (rc == 0)
		rc = feed(chunker, source, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "compare file");
	*same = rc == 0 && c.at == n;
	return 0;
}
