/* SPDX-License-Identifier: MIT */
#include "mastvault/meter.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "mastvault/output.h"

/* Often enough to look alive. */
#define INTERVAL 0.2
/* Before that a rate is a guess. */
#define SETTLED 1.0

static struct {
	pthread_mutex_t lock;
	bool on, shown;
	char phase[32];
	double began, drawn;
} meter = { .lock = PTHREAD_MUTEX_INITIALIZER };

void
mv_meter_init(bool on)
{
	meter.on = on;
}

static void
hide(void)
{
	if (meter.shown)
		(void)fputs("\r\033[K", stderr);
	meter.shown = false;
}

void
mv_meter_hide(void)
{
	(void)pthread_mutex_lock(&meter.lock);
	hide();
	(void)pthread_mutex_unlock(&meter.lock);
}

void
mv_meter_text(const char *phase, uint64_t done, uint64_t total,
    double seconds, char *out, size_t len)
{
	char a[MV_HUMAN_TEXT], b[MV_HUMAN_TEXT];
	double rate = seconds > 0 ? (double)done / seconds : 0;
	size_t used;
	int n;

	mv_human_bytes(done, a);
	mv_human_bytes(total, b);
	if (total > 0)
		n = snprintf(out, len, "%s  %s of %s, %.0f %%", phase, a, b,
		    done < total ? 100.0 * (double)done / (double)total : 100);
	else
		n = snprintf(out, len, "%s  %s", phase, a);
	used = n > 0 ? (size_t)n : 0;
	if (used >= len || seconds < SETTLED || rate < 1)
		return;
	mv_human_bytes((uint64_t)rate, a);
	n = snprintf(out + used, len - used, ", %s/s", a);
	used += n > 0 ? (size_t)n : 0;
	if (used >= len || done >= total)
		return;
	mv_human_seconds((double)(total - done) / rate, a);
	(void)snprintf(out + used, len - used, ", %s left", a);
}

static void
on_phase(const char *name, void *arg)
{
	(void)arg;
	(void)pthread_mutex_lock(&meter.lock);
	(void)snprintf(meter.phase, sizeof(meter.phase), "%s", name);
	meter.began = mv_time_monotonic();
	meter.drawn = 0;
	(void)pthread_mutex_unlock(&meter.lock);
}

static void
on_bytes(uint64_t done, uint64_t total, void *arg)
{
	char line[128];
	double now;

	(void)arg;
	if (!meter.on)
		return;
	(void)pthread_mutex_lock(&meter.lock);
	now = mv_time_monotonic();
	if (now - meter.drawn >= INTERVAL) {
		mv_meter_text(meter.phase, done, total, now - meter.began,
		    line, sizeof(line));
		(void)fprintf(stderr, "\r\033[K%s", line);
		(void)fflush(stderr);
		meter.shown = true;
		meter.drawn = now;
	}
	(void)pthread_mutex_unlock(&meter.lock);
}

struct mv_progress
mv_output_progress(void)
{
	return (struct mv_progress){ .phase = on_phase, .bytes = on_bytes };
}
