/* SPDX-License-Identifier: MIT */
#include "base/queue.h"

#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

struct mv_queue {
	pthread_mutex_t lock;
	pthread_cond_t not_empty;
	pthread_cond_t not_full;
	void (*drop)(void *item);
	size_t capacity;
	size_t first;
	size_t n;
	int closed;
	int aborted;
	void *items[];
};

int
mv_queue_new(size_t capacity, void (*drop)(void *item), struct mv_queue **out,
    struct mv_err *err)
{
	struct mv_queue *q;

	assert(capacity > 0);
	if (capacity > (SIZE_MAX - sizeof(*q)) / sizeof(void *))
		return mv_err_set(err, MV_ENOMEM, "queue of %zu", capacity);
	q = calloc(1, sizeof(*q) + capacity * sizeof(void *));
	if (q == NULL)
		return mv_err_set(err, MV_ENOMEM, "queue of %zu", capacity);
	q->capacity = capacity;
	q->drop = drop;
	/* With default attributes none of these can fail on Linux. */
	(void)pthread_mutex_init(&q->lock, NULL);
	(void)pthread_cond_init(&q->not_empty, NULL);
	(void)pthread_cond_init(&q->not_full, NULL);
	*out = q;
	return 0;
}

int
mv_queue_put(struct mv_queue *q, void *item)
{
	int taken = 0;

	assert(item != NULL);
	pthread_mutex_lock(&q->lock);
	while (q->n == q->capacity && !q->closed && !q->aborted)
		pthread_cond_wait(&q->not_full, &q->lock);
	if (!q->closed && !q->aborted) {
		q->items[(q->first + q->n) % q->capacity] = item;
		q->n++;
		taken = 1;
		pthread_cond_signal(&q->not_empty);
	}
	pthread_mutex_unlock(&q->lock);
	return taken;
}

/* The oldest item; the caller holds the lock and knows that there is one. */
static void *
pop(struct mv_queue *q)
{
	void *item = q->items[q->first];

	q->first = (q->first + 1) % q->capacity;
	q->n--;
	return item;
}

void *
mv_queue_get(struct mv_queue *q)
{
	void *item = NULL;

	pthread_mutex_lock(&q->lock);
	while (q->n == 0 && !q->closed && !q->aborted)
		pthread_cond_wait(&q->not_empty, &q->lock);
	if (q->n > 0) {
		item = pop(q);
		pthread_cond_signal(&q->not_full);
	}
	pthread_mutex_unlock(&q->lock);
	return item;
}

void
mv_queue_close(struct mv_queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = 1;
	pthread_cond_broadcast(&q->not_empty);
	pthread_cond_broadcast(&q->not_full);
	pthread_mutex_unlock(&q->lock);
}

void
mv_queue_abort(struct mv_queue *q)
{
	void *item;

	pthread_mutex_lock(&q->lock);
	q->aborted = 1;
	while (q->n > 0) {
		item = pop(q);
		if (q->drop != NULL)
			q->drop(item);
	}
	pthread_cond_broadcast(&q->not_empty);
	pthread_cond_broadcast(&q->not_full);
	pthread_mutex_unlock(&q->lock);
}

void
mv_queue_free(struct mv_queue *q)
{
	if (q == NULL)
		return;
	mv_queue_abort(q);
	(void)pthread_cond_destroy(&q->not_full);
	(void)pthread_cond_destroy(&q->not_empty);
	(void)pthread_mutex_destroy(&q->lock);
	free(q);
}

void
mv_queue_freep(struct mv_queue **q)
{
	mv_queue_free(*q);
	*q = NULL;
}
