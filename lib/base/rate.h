/* SPDX-License-Identifier: MIT */
#ifndef MV_BASE_RATE_H
#define MV_BASE_RATE_H

#include <pthread.h>
#include <stdint.h>

#include "base/err.h"

/*
 * rate: no more than so many bytes a second, on average.
 *
 * A token bucket that holds one second's worth: who was idle may be quick
 * for as long.  Threads share one; who takes more than there is waits until
 * it is paid for.
 */
struct mv_rate {
	pthread_mutex_t lock;
	uint64_t per_second;	/* 0: no limit */
	double tokens;		/* below 0: what is owed */
	double when;		/* tokens are as of then */
};

void mv_rate_init(struct mv_rate *r, uint64_t per_second);
void mv_rate_clear(struct mv_rate *r);

/* Take n bytes; NULL is no limit.  Waits; MV_EINTR when a stop is asked for. */
int mv_rate_take(struct mv_rate *r, uint64_t n, struct mv_err *err)
    MV_MUST_CHECK;

/*
 * "20M" a second: a number, with K, M or G for powers of 1024.  MV_EUSAGE for
 * anything else, and for less than 1 KiB.
 */
int mv_rate_parse(const char *text, uint64_t *out, struct mv_err *err)
    MV_MUST_CHECK;

#endif
