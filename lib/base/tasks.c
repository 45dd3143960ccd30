/* SPDX-License-Identifier: MIT */
#include "base/tasks.h"

#include <pthread.h>
#include <sched.h>

struct shared {
	struct mv_tasks *tasks;
	pthread_mutex_t lock;
	size_t next;
	struct mv_err first;
};

int
mv_tasks_failed(const struct mv_tasks *t)
{
	return __atomic_load_n(&t->failed, __ATOMIC_ACQUIRE);
}

/* The next task's number, or n when there is none to begin. */
static size_t
take(struct shared *s)
{
	size_t i = s->tasks->n;

	pthread_mutex_lock(&s->lock);
	if (s->first.code == MV_OK && s->next < s->tasks->n)
		i = s->next++;
	pthread_mutex_unlock(&s->lock);
	return i;
}

static void
note_failure(struct shared *s, const struct mv_err *err)
{
	pthread_mutex_lock(&s->lock);
	if (s->first.code == MV_OK) {
		s->first = *err;
		__atomic_store_n(&s->tasks->failed, (int)err->code,
		    __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&s->lock);
}

static void *
thread_main(void *arg)
{
	struct shared *s = arg;
	struct mv_tasks *t = s->tasks;
	void *local = NULL;
	size_t i;

	while ((i = take(s)) < t->n) {
		struct mv_err err = { 0 };

		if (t->run(i, &local, t->arg, &err) < 0)
			note_failure(s, &err);
	}
	if (t->end != NULL)
		t->end(local, t->arg);
	return NULL;
}

int
mv_tasks_run(struct mv_tasks *t, unsigned threads, struct mv_err *err)
{
	struct shared s = { .tasks = t, .lock = PTHREAD_MUTEX_INITIALIZER };
	pthread_t ids[MV_TASKS_THREADS_MAX];
	unsigned i, started;

	t->failed = 0;
	if (threads > MV_TASKS_THREADS_MAX)
		threads = MV_TASKS_THREADS_MAX;
	if (threads > t->n)
		threads = (unsigned)t->n;
	for (started = 0; started < threads; started++)
		if (pthread_create(&ids[started], NULL, thread_main, &s) != 0)
			break;
	for (i = 0; i < started; i++)
		pthread_join(ids[i], NULL);
	/* Fewer threads only take longer; with none the work is ours. */
	if (started == 0)
		(void)thread_main(&s);
	pthread_mutex_destroy(&s.lock);
	if (s.first.code == MV_OK)
		return 0;
	if (err != NULL)
		*err = s.first;
	return s.first.code;
}

unsigned
mv_cores(void)
{
	cpu_set_t set;
	int n;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	n = CPU_COUNT(&set);
	return n > 0 ? (unsigned)n : 1;
}
