/* SPDX-License-Identifier: MIT */
/*
 * writer_batch: segments on their way from producers to packs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/stop.h"
#include "repo/writer_internal.h"

void
mv_batch_free(struct mv_batch *b)
{
	if (b == NULL)
		return;
	free(b->chunks);
	free(b->ids);
	free(b->data);
	free(b);
}

static int
make_batch(struct mv_batch **out, struct mv_err *err)
{
	struct mv_batch *b = calloc(1, sizeof(*b));

	if (b != NULL) {
		b->chunks = calloc(MV_SEGMENT_CHUNKS_MAX, sizeof(*b->chunks));
		b->ids = calloc(MV_SEGMENT_CHUNKS_MAX, sizeof(*b->ids));
		b->data = malloc(MV_SEGMENT_DATA_MAX);
	}
	if (b == NULL || b->chunks == NULL || b->ids == NULL ||
	    b->data == NULL) {
		mv_batch_free(b);
		return mv_err_set(err, MV_ENOMEM, "segment");
	}
	*out = b;
	return 0;
}

/*
 * There are never more batches than producers, places in the queue and
 * workers together.
 */
int
mv_batch_get(struct mv_writer *w, enum mv_kind kind, struct mv_batch **out,
    struct mv_err *err)
{
	struct mv_batch *b;
	int rc;

	pthread_mutex_lock(&w->lock);
	b = w->pool;
	if (b != NULL)
		w->pool = b->next;
	pthread_mutex_unlock(&w->lock);
	if (b == NULL) {
		rc = make_batch(&b, err);
		if (rc < 0)
			return rc;
	}
	b->kind = kind;
	b->n = b->len = 0;
	b->next = NULL;
	atomic_fetch_add(&w->unsent, 1);
	*out = b;
	return 0;
}

static void
to_pool(struct mv_writer *w, struct mv_batch *b)
{
	pthread_mutex_lock(&w->lock);
	b->next = w->pool;
	w->pool = b;
	pthread_mutex_unlock(&w->lock);
}

bool
mv_batch_fits(const struct mv_batch *b, size_t len)
{
	return b->n < MV_SEGMENT_CHUNKS_MAX &&
	    len <= MV_SEGMENT_DATA_MAX - b->len;
}

void
mv_batch_add(struct mv_batch *b, const struct mv_id16 *id,
    const uint8_t *file_key, const uint8_t *p, size_t len)
{
	struct mv_segment_chunk *chunk = &b->chunks[b->n];

	*chunk = (struct mv_segment_chunk){
		.len = (uint32_t)len,
		.media = file_key != NULL,
	};
	if (file_key != NULL)
		memcpy(chunk->file_key, file_key, sizeof(chunk->file_key));
	b->ids[b->n++] = *id;
	memcpy(b->data + b->len, p, len);
	b->len += len;
}

int
mv_batch_send(struct mv_writer *w, struct mv_batch **b, struct mv_err *err)
{
	struct mv_batch *batch = mv_take(b);
	int rc;

	if (batch == NULL)
		return 0;
	atomic_fetch_sub(&w->unsent, 1);
	if (batch->n == 0) {
		to_pool(w, batch);
		return 0;
	}
	pthread_mutex_lock(&w->lock);
	w->inflight++;
	pthread_mutex_unlock(&w->lock);
	if (mv_queue_put(w->batches, batch))
		return 0;
	/* Refused: the writer has failed, and nobody waits for it any more. */
	mv_batch_free(batch);
	rc = mv_writer_check(w, err);
	return rc < 0 ? rc : mv_err_set(err, MV_EIO, "writer is closed");
}

int
mv_batches_wait(struct mv_writer *w, struct mv_err *err)
{
	pthread_mutex_lock(&w->lock);
	while (w->inflight > 0 && !atomic_load(&w->failed))
		pthread_cond_wait(&w->changed, &w->lock);
	pthread_mutex_unlock(&w->lock);
	return mv_writer_check(w, err);
}

/* What a worker keeps from batch to batch. */
struct worker {
	struct mv_zstd *zstd;
	struct mv_buf raw;
	struct mv_buf plain;
};

static void
worker_clear(struct worker *k)
{
	mv_zstd_free(k->zstd);
	mv_buf_clear(&k->raw);
	mv_buf_clear(&k->plain);
}

static int
store_batch(struct mv_writer *w, struct worker *k, const struct mv_batch *b,
    struct mv_err *err)
{
	int rc;

	rc = mv_stop_check(err);
	if (rc < 0)
		return rc;
	mv_buf_reset(&k->raw);
	rc = mv_segment_encode(b->chunks, b->n, b->data, b->len, &k->raw, err);
	if (rc == 0)
		rc = mv_segment_pack(k->zstd, k->raw.p, k->raw.len, &k->plain,
		    err);
	if (rc == 0)
		rc = mv_slot_store(w, b, &k->plain, err);
	return rc;
}

static void
batch_done(struct mv_writer *w, struct mv_batch *b)
{
	pthread_mutex_lock(&w->lock);
	b->next = w->pool;
	w->pool = b;
	w->inflight--;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

void *
mv_worker_main(void *writer)
{
	mv_auto(worker_clear) struct worker k = { 0 };
	struct mv_writer *w = writer;
	struct mv_err err = { 0 };
	struct mv_batch *b;
	int rc;

	rc = mv_zstd_new(w->opts.level, &k.zstd, &err);
	if (rc < 0)
		mv_writer_fail(w, &err);
	while (rc == 0 && (b = mv_queue_get(w->batches)) != NULL) {
		rc = store_batch(w, &k, b, &err);
		/* First: once it is done, a commit waits for it no more. */
		if (rc < 0)
			mv_writer_fail(w, &err);
		batch_done(w, b);
	}
	return NULL;
}
