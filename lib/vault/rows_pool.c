/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/queue.h"
#include "base/stop.h"
#include "base/tasks.h"
#include "vault/rows_internal.h"

/*
 * What a thread takes at once: some hundred rows, so that the last ones do
 * not leave all threads but one idle where a row takes a millisecond.
 */
#define CHUNK (16 * 1024)
#define CHUNKS_PER_THREAD 4

struct chunk {
	unsigned batch;
	size_t len;
	char text[];
};

/* What became of a chunk. */
struct done {
	struct mv_buf lines;
	uint64_t rows, current, other;
	struct ids {
		char **v;
		size_t n, cap;
	} bad, mismatched;
};

struct mv_rows_pool {
	const struct mv_rows_plan *plan;
	struct mv_queue *queue;
	pthread_t threads[MV_TASKS_THREADS_MAX];
	unsigned nthreads;

	pthread_mutex_t lock;		/* guards what follows */
	pthread_cond_t settled;
	struct mv_rows_column *counts;
	struct ids bad, mismatched;
	struct mv_buf out[2];
	size_t pending[2];
	struct mv_err first;
};

static void
ids_clear(struct ids *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct ids){ 0 };
}

static int
ids_take(struct ids *l, char *id, struct mv_err *err)
{
	size_t cap = l->cap > 0 ? l->cap * 2 : 16;
	char **v;

	if (id != NULL && l->n == l->cap) {
		v = reallocarray(l->v, cap, sizeof(*v));
		if (v != NULL) {
			l->v = v;
			l->cap = cap;
		}
	}
	if (id == NULL || l->n == l->cap) {
		free(id);
		return mv_err_set(err, MV_ENOMEM, "note a row");
	}
	l->v[l->n++] = id;
	return 0;
}

/* Everything in from becomes l's, or stays from's. */
static int
ids_move(struct ids *l, struct ids *from, struct mv_err *err)
{
	int rc = 0;

	while (rc == 0 && from->n > 0) {
		from->n--;
		rc = ids_take(l, from->v[from->n], err);
	}
	return rc;
}

static void
done_clear(struct done *d)
{
	mv_buf_clear(&d->lines);
	ids_clear(&d->bad);
	ids_clear(&d->mismatched);
}

static bool
is_number(const struct mv_pg_field *f)
{
	size_t i, minus = f->len > 1 && f->p[0] == '-';

	for (i = minus; i < f->len; i++)
		if (f->p[i] < '0' || f->p[i] > '9')
			return false;
	return f->p != NULL && f->len > minus && f->len < 24;
}

static int
one_row(struct mv_rows_hand *hand, const struct mv_pg_field f[],
    struct done *d, struct mv_err *err)
{
	enum mv_rows_verdict verdict;
	struct ids *list;
	int rc;

	if (!is_number(&f[0]))
		return mv_err_set(err, MV_ECORRUPT,
		    "a row's id is not a number");
	rc = mv_rows_hand_row(hand, f, &d->lines, &verdict, err);
	if (rc < 0)
		return rc;
	d->rows++;
	d->current += verdict == MV_ROW_CURRENT;
	d->other += verdict == MV_ROW_OTHER;
	if (verdict == MV_ROW_CURRENT || verdict == MV_ROW_OTHER)
		return 0;
	list = verdict == MV_ROW_BAD ? &d->bad : &d->mismatched;
	return ids_take(list, strndup(f[0].p, f[0].len), err);
}

static int
work_off(struct mv_rows_pool *pool, struct mv_rows_hand *hand,
    struct chunk *c, struct done *d, struct mv_err *err)
{
	struct mv_pg_field f[MV_ROWS_FIELDS_MAX] = { { 0 } };
	size_t at = 0, used;
	int rc = 0;

	while (rc == 0 && at < c->len) {
		rc = mv_stop_check(err);
		if (rc == 0)
			rc = mv_pg_copy_line(c->text + at, c->len - at, f,
			    mv_rows_fields(pool->plan), &used, err);
		if (rc == 0)
			rc = one_row(hand, f, d, err);
		at += rc == 0 ? used : 0;
	}
	return rc;
}

static int
hand_in(struct mv_rows_pool *pool, unsigned batch, struct done *d,
    struct mv_err *err)
{
	struct mv_rows_column *c = pool->counts;
	struct mv_buf *out = &pool->out[batch];
	int rc;

	c->checked += d->rows;
	c->current += d->current;
	if (pool->plan->convert)
		c->converted += d->other;
	else
		c->older += d->other;
	rc = ids_move(&pool->bad, &d->bad, err);
	if (rc == 0)
		rc = ids_move(&pool->mismatched, &d->mismatched, err);
	if (rc < 0)
		return rc;
	mv_buf_put(out, d->lines.p, d->lines.len);
	return mv_buf_failed(out, err);
}

/* What a chunk came to, or why it came to nothing; true: go on. */
static bool
settle(struct mv_rows_pool *pool, unsigned batch, struct done *d, int rc,
    const struct mv_err *why)
{
	struct mv_err full = { 0 };

	pthread_mutex_lock(&pool->lock);
	if (rc == 0) {
		rc = hand_in(pool, batch, d, &full);
		why = &full;
	}
	if (rc < 0 && pool->first.code == MV_OK)
		pool->first = *why;
	pool->pending[batch]--;
	pthread_cond_broadcast(&pool->settled);
	pthread_mutex_unlock(&pool->lock);
	return rc == 0;
}

static void *
thread_main(void *arg)
{
	struct mv_rows_pool *pool = arg;
	mv_auto(mv_rows_hand_freep) struct mv_rows_hand *hand = NULL;
	mv_auto(done_clear) struct done d = { 0 };
	struct mv_err err = { 0 };
	struct chunk *c;
	bool more = true;
	int rc;

	rc = mv_rows_hand_new(pool->plan, &hand, &err);
	while (more && (c = mv_queue_get(pool->queue)) != NULL) {
		if (rc == 0)
			rc = work_off(pool, hand, c, &d, &err);
		more = settle(pool, c->batch, &d, rc, &err);
		mv_buf_reset(&d.lines);
		d.rows = d.current = d.other = 0;
		free(c);
	}
	if (!more)
		mv_queue_abort(pool->queue);
	return NULL;
}

static int
start(struct mv_rows_pool *pool, int jobs, struct mv_err *err)
{
	unsigned n = jobs > 0 ? (unsigned)jobs : mv_cores();
	int rc;

	if (n > MV_TASKS_THREADS_MAX)
		n = MV_TASKS_THREADS_MAX;
	rc = mv_queue_new((size_t)n * CHUNKS_PER_THREAD, free, &pool->queue,
	    err);
	if (rc < 0)
		return rc;
	while (pool->nthreads < n && pthread_create(
	    &pool->threads[pool->nthreads], NULL, thread_main, pool) == 0)
		pool->nthreads++;
	/* Fewer only take longer. */
	if (pool->nthreads == 0)
		return mv_err_set(err, MV_ENOMEM, "start a thread");
	return 0;
}

int
mv_rows_pool_new(const struct mv_rows_plan *p, int jobs,
    struct mv_rows_column *counts, struct mv_rows_pool **out,
    struct mv_err *err)
{
	mv_auto(mv_rows_pool_freep) struct mv_rows_pool *pool =
	    calloc(1, sizeof(*pool));
	int rc;

	if (pool == NULL)
		return mv_err_set(err, MV_ENOMEM, "convert rows");
	pool->plan = p;
	pool->counts = counts;
	/* With default attributes these cannot fail on Linux. */
	(void)pthread_mutex_init(&pool->lock, NULL);
	(void)pthread_cond_init(&pool->settled, NULL);
	rc = start(pool, jobs, err);
	if (rc < 0)
		return rc;
	*out = mv_take(&pool);
	return 0;
}

/* The ids are the report's from here on. */
static void
give_ids(struct mv_rows_pool *pool)
{
	struct mv_rows_column *c = pool->counts;

	c->ids = pool->bad.v;
	c->undecryptable = pool->bad.n;
	c->mismatched_ids = pool->mismatched.v;
	c->mismatched = pool->mismatched.n;
	pool->bad = pool->mismatched = (struct ids){ 0 };
	mv_rows_sort(c);
}

void
mv_rows_pool_free(struct mv_rows_pool *pool)
{
	unsigned i;

	if (pool == NULL)
		return;
	if (pool->queue != NULL)
		mv_queue_abort(pool->queue);
	for (i = 0; i < pool->nthreads; i++)
		pthread_join(pool->threads[i], NULL);
	give_ids(pool);
	mv_queue_free(pool->queue);
	(void)pthread_cond_destroy(&pool->settled);
	(void)pthread_mutex_destroy(&pool->lock);
	mv_buf_clear(&pool->out[0]);
	mv_buf_clear(&pool->out[1]);
	free(pool);
}

void
mv_rows_pool_freep(struct mv_rows_pool **pool)
{
	mv_rows_pool_free(*pool);
	*pool = NULL;
}

static int
failure(struct mv_rows_pool *pool, struct mv_err *err)
{
	int rc;

	pthread_mutex_lock(&pool->lock);
	rc = (int)pool->first.code;
	if (rc < 0 && err != NULL)
		*err = pool->first;
	pthread_mutex_unlock(&pool->lock);
	return rc;
}

static int
feed_chunk(struct mv_rows_pool *pool, unsigned batch, const uint8_t *lines,
    size_t len, struct mv_err *err)
{
	struct chunk *c = malloc(sizeof(*c) + len);

	if (c == NULL)
		return mv_err_set(err, MV_ENOMEM, "convert rows");
	c->batch = batch;
	c->len = len;
	memcpy(c->text, lines, len);
	pthread_mutex_lock(&pool->lock);
	pool->pending[batch]++;
	pthread_mutex_unlock(&pool->lock);
	if (mv_queue_put(pool->queue, c))
		return 0;
	/* Only a failure ends the queue before its time. */
	free(c);
	return failure(pool, err);
}

int
mv_rows_pool_feed(struct mv_rows_pool *pool, unsigned batch,
    const uint8_t *lines, size_t len, struct mv_err *err)
{
	const uint8_t *end;
	size_t n;
	int rc = 0;

	while (rc == 0 && len > 0) {
		n = len;
		if (len > CHUNK) {
			end = memchr(lines + CHUNK, '\n', len - CHUNK);
			n = end != NULL ? (size_t)(end - lines) + 1 : len;
		}
		rc = feed_chunk(pool, batch, lines, n, err);
		lines += n;
		len -= n;
	}
	return rc;
}

int
mv_rows_pool_wait(struct mv_rows_pool *pool, unsigned batch,
    struct mv_buf **out, struct mv_err *err)
{
	pthread_mutex_lock(&pool->lock);
	while (pool->pending[batch] > 0 && pool->first.code == MV_OK)
		pthread_cond_wait(&pool->settled, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	*out = &pool->out[batch];
	return failure(pool, err);
}
