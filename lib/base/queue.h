/* SPDX-License-Identifier: MIT */
#ifndef MV_BASE_QUEUE_H
#define MV_BASE_QUEUE_H

#include <stddef.h>

#include "base/err.h"

/*
 * queue: bounded, first in first out, between threads.
 *
 * Pointers go through; who takes one owns it.  mv_queue_close() ends it for
 * writers: readers get what is left, then NULL.  mv_queue_abort() ends it for
 * both at once: puts return false (the caller still owns the item) and gets
 * return NULL; what lies in it is passed to drop.
 */
struct mv_queue;

int mv_queue_new(size_t capacity, void (*drop)(void *item),
    struct mv_queue **out, struct mv_err *err) MV_MUST_CHECK;
int mv_queue_put(struct mv_queue *q, void *item);	/* 1 taken, 0 refused */
void *mv_queue_get(struct mv_queue *q);			/* NULL at the end */
void mv_queue_close(struct mv_queue *q);
void mv_queue_abort(struct mv_queue *q);
void mv_queue_free(struct mv_queue *q);
void mv_queue_freep(struct mv_queue **q);

#endif
