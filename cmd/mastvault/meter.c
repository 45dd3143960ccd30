/* SPDX-License-Identifier: MIT */
#include "mastvault/meter.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "mastvault/cli.h"
#include "mastvault/output.h"

/* Often enough to look alive. */
#define INTERVAL 0.2
/* Before that a rate is a guess. */
#define SETTLED 1.0

static struct {
	pthread_mutex_t lock;
	bool on, shown;
	char phase[32];
	uint64_t done, total;
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
	meter.done = meter.total = 0;
	(void)pthread_mutex_unlock(&meter.lock);
}

static void
on_bytes(uint64_t done, uint64_t total, void *arg)
{
	char line[128];
	double now;

	(void)arg;
	(void)pthread_mutex_lock(&meter.lock);
	meter.done = done;
	meter.total = total;
	if (!meter.on) {
		(void)pthread_mutex_unlock(&meter.lock);
		return;
	}
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

static void
answer(void)
{
	char line[128] = "at the beginning", took[MV_HUMAN_TEXT];
	double seconds;

	(void)pthread_mutex_lock(&meter.lock);
	seconds = mv_time_monotonic() - meter.began;
	if (meter.phase[0] != '\0')
		mv_meter_text(meter.phase, meter.done, meter.total, seconds,
		    line, sizeof(line));
	mv_human_seconds(seconds, took);
	hide();
	(void)fprintf(stderr, "%s: %s, for %s\n", MV_PROGRAM, line, took);
	(void)fflush(stderr);
	(void)pthread_mutex_unlock(&meter.lock);
}

/*
 * A thread of its own that takes the signal: it may lock and print as no
 * handler may, and it answers also while all others wait for something.
 */
static void *
listen_main(void *arg)
{
	sigset_t set;
	int signo;

	(void)arg;
	(void)sigfillset(&set);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	while (sigwait(&set, &signo) == 0)
		answer();
	return NULL;
}

void
mv_meter_listen(void)
{
	pthread_t thread;

	meter.began = mv_time_monotonic();
	if (pthread_create(&thread, NULL, listen_main, NULL) == 0)
		(void)pthread_detach(thread);
}

struct mv_progress
mv_output_progress(void)
{
	return (struct mv_progress){ .phase = on_phase, .bytes = on_bytes };
}
