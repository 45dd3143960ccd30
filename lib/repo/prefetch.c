/* SPDX-License-Identifier: MIT */
#include "repo/prefetch.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"

#define THREADS_MAX 8
#define ASKED_MAX 64

struct mv_prefetch {
	struct mv_segment_cache *cache;	/* borrowed */
	pthread_mutex_t lock;
	pthread_cond_t more;
	bool begun, over;
	struct mv_location asked[ASKED_MAX];	/* a ring */
	size_t first, n;
	pthread_t threads[THREADS_MAX];
	size_t nthreads;
};

int
mv_prefetch_new(struct mv_segment_cache *cache, struct mv_prefetch **out,
    struct mv_err *err)
{
	struct mv_prefetch *p = calloc(1, sizeof(*p));

	if (p == NULL || pthread_mutex_init(&p->lock, NULL) != 0) {
		free(p);
		return mv_err_set(err, MV_ENOMEM, "read ahead");
	}
	if (pthread_cond_init(&p->more, NULL) != 0) {
		pthread_mutex_destroy(&p->lock);
		free(p);
		return mv_err_set(err, MV_ENOMEM, "read ahead");
	}
	p->cache = cache;
	*out = p;
	return 0;
}

static bool
take(struct mv_prefetch *p, struct mv_location *out)
{
	bool got;

	pthread_mutex_lock(&p->lock);
	while (p->n == 0 && !p->over)
		pthread_cond_wait(&p->more, &p->lock);
	got = !p->over;
	if (got) {
		*out = p->asked[p->first];
		p->first = (p->first + 1) % ASKED_MAX;
		p->n--;
	}
	pthread_mutex_unlock(&p->lock);
	return got;
}

static void *
run(void *arg)
{
	struct mv_prefetch *p = arg;
	struct mv_cached *seg = NULL;
	struct mv_location loc;

	while (take(p, &loc))
		if (mv_segment_cache_get(p->cache, &loc, &seg, NULL) == 0)
			mv_segment_cache_put(p->cache, &seg);
	return NULL;
}

/* With fewer threads than wanted, or none, reading is only slower. */
static void
begin(struct mv_prefetch *p)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t want = cores < 2 ? 2 : (size_t)cores;

	p->begun = true;
	while (p->nthreads < want && p->nthreads < THREADS_MAX) {
		if (pthread_create(&p->threads[p->nthreads], NULL, run,
		    p) != 0)
			return;
		p->nthreads++;
	}
}

void
mv_prefetch_ask(struct mv_prefetch *p, const struct mv_location *loc)
{
	pthread_mutex_lock(&p->lock);
	if (!p->begun)
		begin(p);
	if (p->n < ASKED_MAX) {
		p->asked[(p->first + p->n) % ASKED_MAX] = *loc;
		p->n++;
		pthread_cond_signal(&p->more);
	}
	pthread_mutex_unlock(&p->lock);
}

void
mv_prefetch_free(struct mv_prefetch *p)
{
	size_t i;

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->over = true;
	pthread_cond_broadcast(&p->more);
	pthread_mutex_unlock(&p->lock);
	for (i = 0; i < p->nthreads; i++)
		(void)pthread_join(p->threads[i], NULL);
	pthread_cond_destroy(&p->more);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
