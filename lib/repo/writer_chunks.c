/* SPDX-License-Identifier: MIT */
/*
 * writer_chunks: producers: bytes in, ids out, new chunks into batches.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "repo/writer_internal.h"

struct mv_chunks {
	struct mv_writer *writer;
	struct mv_chunker *chunker;
	struct mv_idhash *hash;
	struct mv_batch *batch;
	struct mv_ids ids;
	bool media;
	uint8_t file_key[MV_FILE_KEY_BYTES];
	/* What was pinned last: consecutive chunks lie side by side. */
	struct mv_id16 last_origin;
	uint32_t last_ordinal;
	bool has_last;
};

int
mv_ids_add(struct mv_ids *ids, const struct mv_id16 *p, size_t n,
    struct mv_err *err)
{
	size_t cap = ids->cap > 0 ? ids->cap : 64;
	struct mv_id16 *bigger;

	if (n == 0)
		return 0;
	if (n > SIZE_MAX / sizeof(*p) / 4 - ids->n)
		return mv_err_set(err, MV_ENOMEM, "list of ids");
	if (ids->n + n > ids->cap) {
		while (cap < ids->n + n)
			cap *= 2;
		bigger = reallocarray(ids->p, cap, sizeof(*bigger));
		if (bigger == NULL)
			return mv_err_set(err, MV_ENOMEM, "list of %zu ids",
			    cap);
		ids->p = bigger;
		ids->cap = cap;
	}
	memcpy(ids->p + ids->n, p, n * sizeof(*p));
	ids->n += n;
	return 0;
}

void
mv_ids_clear(struct mv_ids *ids)
{
	free(ids->p);
	*ids = (struct mv_ids){ 0 };
}

static int
pin(struct mv_chunks *c, const struct mv_index_hit *hit, struct mv_err *err)
{
	int rc;

	if (c->has_last && hit->ordinal == c->last_ordinal &&
	    memcmp(hit->origin.b, c->last_origin.b, sizeof(hit->origin.b)) == 0)
		return 0;
	rc = mv_writer_pin(c->writer, hit, err);
	if (rc < 0)
		return rc;
	c->last_origin = hit->origin;
	c->last_ordinal = hit->ordinal;
	c->has_last = true;
	return 0;
}

/* A pack of ours for this number or later: that run never came to its end. */
static bool
is_resumed(const struct mv_writer *w, const struct mv_index_hit *hit)
{
	return !hit->own && hit->writer == w->writer && hit->seq >= w->seq;
}

static int
add_new(struct mv_chunks *c, const struct mv_id16 *id, const uint8_t *p,
    size_t len, struct mv_err *err)
{
	int rc = 0;

	if (c->batch != NULL && !mv_batch_fits(c->batch, len))
		rc = mv_batch_send(c->writer, &c->batch, err);
	if (rc == 0 && c->batch == NULL)
		rc = mv_batch_get(c->writer, MV_KIND_DATA_PACK, &c->batch,
		    err);
	if (rc < 0)
		return rc;
	mv_batch_add(c->batch, id, c->media ? c->file_key : NULL, p, len);
	atomic_fetch_add(&c->writer->bytes_new, len);
	atomic_fetch_add(&c->writer->chunks_new, 1);
	return 0;
}

static int
chunk_id(struct mv_chunks *c, const uint8_t *p, size_t len,
    struct mv_id16 *id, struct mv_err *err)
{
	if (c->media)
		return mv_idhash_media(c->hash, c->file_key, p, len, id, err);
	return mv_idhash_db(c->hash, c->writer->epoch, p, len, id, err);
}

static int
on_chunk(const uint8_t *p, size_t len, void *arg, struct mv_err *err)
{
	struct mv_chunks *c = arg;
	struct mv_writer *w = c->writer;
	struct mv_index_hit hit;
	enum mv_claim claim;
	struct mv_id16 id;
	int rc;

	rc = mv_writer_check(w, err);
	if (rc == 0)
		rc = chunk_id(c, p, len, &id, err);
	if (rc == 0)
		rc = mv_index_claim(w->index, MV_KIND_DATA_PACK, &id, true,
		    &claim, &hit, err);
	if (rc < 0)
		return rc;
	atomic_fetch_add(&w->chunks, 1);
	if (claim == MV_CLAIM_NEW) {
		rc = add_new(c, &id, p, len, err);
	} else if (claim == MV_CLAIM_FOUND) {
		if (is_resumed(w, &hit))
			atomic_fetch_add(&w->bytes_resumed, len);
		rc = pin(c, &hit, err);
	}
	if (rc < 0)
		return rc;
	return mv_ids_add(&c->ids, &id, 1, err);
}

int
mv_chunks_open(struct mv_writer *w, unsigned class, bool lines,
    struct mv_chunks **out, struct mv_err *err)
{
	mv_auto(mv_chunks_freep) struct mv_chunks *c = NULL;
	int rc;

	if (class >= MV_CLASSES)
		return mv_err_set(err, MV_EUSAGE, "no chunk class %u", class);
	rc = mv_writer_check(w, err);
	if (rc < 0)
		return rc;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return mv_err_set(err, MV_ENOMEM, "producer");
	c->writer = w;
	rc = mv_idhash_new(w->repo, &c->hash, err);
	if (rc == 0)
		rc = mv_chunker_new(w->gear, class, lines, on_chunk, c,
		    &c->chunker, err);
	if (rc < 0)
		return rc;
	*out = mv_take(&c);
	return 0;
}

/*
 * A chunk that was claimed and never stored would be missing wherever else
 * it is met, so a producer's failure is the writer's.
 */
static int
checked(struct mv_chunks *c, int rc, const struct mv_err *err)
{
	return mv_writer_failed(c->writer, rc, err);
}

int
mv_chunks_file(struct mv_chunks *c, const uint8_t *path, size_t len,
    struct mv_err *err)
{
	int rc;

	rc = mv_chunks_cut(c, err);
	if (rc < 0)
		return rc;
	c->media = true;
	return mv_idhash_file_key(c->hash, c->writer->epoch, path, len,
	    c->file_key, err);
}

int
mv_chunks_write(struct mv_chunks *c, const uint8_t *buf, size_t len,
    struct mv_err *err)
{
	int rc;

	rc = mv_writer_check(c->writer, err);
	if (rc < 0)
		return rc;
	atomic_fetch_add(&c->writer->bytes_read, len);
	return checked(c, mv_chunker_feed(c->chunker, buf, len, err), err);
}

int
mv_chunks_cut(struct mv_chunks *c, struct mv_err *err)
{
	return checked(c, mv_chunker_end(c->chunker, err), err);
}

struct mv_ids *
mv_chunks_ids(struct mv_chunks *c)
{
	return &c->ids;
}

int
mv_chunks_flush(struct mv_chunks *c, struct mv_err *err)
{
	int rc;

	rc = mv_chunks_cut(c, err);
	if (rc < 0)
		return rc;
	return checked(c, mv_batch_send(c->writer, &c->batch, err), err);
}

void
mv_chunks_free(struct mv_chunks *c)
{
	struct mv_err err = { 0 };

	if (c == NULL)
		return;
	/* Others may count on what was claimed here; bytes not cut are lost. */
	if (c->batch != NULL)
		(void)checked(c, mv_batch_send(c->writer, &c->batch, &err),
		    &err);
	mv_chunker_free(c->chunker);
	mv_idhash_free(c->hash);
	mv_ids_clear(&c->ids);
	free(c);
}

void
mv_chunks_freep(struct mv_chunks **c)
{
	mv_chunks_free(*c);
	*c = NULL;
}

/* Look without claiming; with pin_it what was found is pinned. */
static int
look(struct mv_writer *w, const struct mv_id16 *id, bool pin_it, bool *has,
    struct mv_err *err)
{
	struct mv_index_hit hit;
	enum mv_claim claim;
	int rc;

	rc = mv_index_claim(w->index, MV_KIND_DATA_PACK, id, false, &claim,
	    &hit, err);
	if (rc < 0)
		return rc;
	*has = claim != MV_CLAIM_NEW;
	if (pin_it && claim == MV_CLAIM_FOUND)
		return mv_writer_pin(w, &hit, err);
	return 0;
}

int
mv_writer_reuse(struct mv_writer *w, const struct mv_id16 *ids, size_t n,
    bool *all, struct mv_err *err)
{
	bool has = true;
	size_t i;
	int rc;

	rc = mv_writer_check(w, err);
	for (i = 0; rc == 0 && has && i < n; i++)
		rc = look(w, &ids[i], false, &has, err);
	if (rc < 0)
		return rc;
	*all = has;
	/* What was there once stays: nothing leaves an index in a run. */
	for (i = 0; rc == 0 && has && i < n; i++)
		rc = look(w, &ids[i], true, &has, err);
	return rc;
}
