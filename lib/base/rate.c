/* SPDX-License-Identifier: MIT */
#include "base/rate.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/stop.h"
#include "base/time.h"

#define SLICE 0.1		/* seconds between looks at the stop flag */
#define LEAST 1024

void
mv_rate_init(struct mv_rate *r, uint64_t per_second)
{
	(void)pthread_mutex_init(&r->lock, NULL);
	r->per_second = per_second;
	r->tokens = (double)per_second;
	r->when = mv_time_monotonic();
}

void
mv_rate_clear(struct mv_rate *r)
{
	(void)pthread_mutex_destroy(&r->lock);
}

/* Take n, and say how long to wait until they are paid for. */
static double
take(struct mv_rate *r, uint64_t n)
{
	double rate = (double)r->per_second, now, wait;

	(void)pthread_mutex_lock(&r->lock);
	now = mv_time_monotonic();
	r->tokens += (now - r->when) * rate;
	if (r->tokens > rate)
		r->tokens = rate;
	r->when = now;
	r->tokens -= (double)n;
	wait = r->tokens < 0 ? -r->tokens / rate : 0;
	(void)pthread_mutex_unlock(&r->lock);
	return wait;
}

int
mv_rate_take(struct mv_rate *r, uint64_t n, struct mv_err *err)
{
	struct timespec ts = { 0 };
	double wait, now, end;
	int rc;

	if (r == NULL || r->per_second == 0)
		return 0;
	wait = take(r, n);
	end = mv_time_monotonic() + wait;
	for (now = end - wait; now < end; now = mv_time_monotonic()) {
		rc = mv_stop_check(err);
		if (rc < 0)
			return rc;
		wait = end - now < SLICE ? end - now : SLICE;
		ts.tv_nsec = (long)(wait * 1e9);
		(void)nanosleep(&ts, NULL);
	}
	return 0;
}

int
mv_rate_parse(const char *text, uint64_t *out, struct mv_err *err)
{
	static const char units[] = "KMG";
	const char *unit;
	uint64_t n = 0;
	size_t i;

	for (i = 0; text[i] >= '0' && text[i] <= '9' && i < 12; i++)
		n = n * 10 + (uint64_t)(text[i] - '0');
	unit = text[i] != '\0' ? strchr(units, text[i]) : NULL;
	if (unit != NULL)
		n <<= 10 * (unit - units + 1);
	if (i == 0 || text[i + (unit != NULL)] != '\0' || n < LEAST)
		return mv_err_set(err, MV_EUSAGE, "'%.32s' is no number of "
		    "bytes a second, as 500K or 20M", text);
	*out = n;
	return 0;
}
