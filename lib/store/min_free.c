/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/time.h"
#include "store/store.h"

#define MEASURE_EVERY 1.0

struct min_free {
	struct mv_store base;
	struct mv_store *inner;
	unsigned percent;
	pthread_mutex_t lock;
	/* Under the lock. */
	int measured;
	int unknown;		/* for good: this kind of store cannot say */
	double when;
	uint64_t free_bytes;	/* less what was put since */
	uint64_t total_bytes;
};

static struct min_free *
min_free_of(struct mv_store *st)
{
	/* base is the first member. */
	return (struct min_free *)(void *)st;
}

static struct mv_store *
inner_of(struct mv_store *st)
{
	return min_free_of(st)->inner;
}

static void
min_free_free(struct mv_store *st)
{
	struct min_free *m = min_free_of(st);

	mv_store_free(m->inner);
	free(m->base.url);
	(void)pthread_mutex_destroy(&m->lock);
	free(m);
}

/* The lock is held. */
static int
measure(struct min_free *m, struct mv_err *err)
{
	double now = mv_time_monotonic();
	struct mv_err why = { 0 };
	int rc;

	if (m->unknown || (m->measured && now - m->when < MEASURE_EVERY))
		return 0;
	rc = m->inner->ops->space(m->inner, &m->free_bytes, &m->total_bytes,
	    &why);
	if (rc == MV_ENOTFOUND) {
		m->unknown = 1;
		return 0;
	}
	if (rc < 0) {
		if (err != NULL)
			*err = why;
		return mv_err_ctx(err, rc, "measure free space");
	}
	m->measured = 1;
	m->when = now;
	return 0;
}

/* Would len bytes more leave less than percent?  The lock is held. */
static int
take_space(struct min_free *m, size_t len, struct mv_err *err)
{
	uint64_t need = m->total_bytes / 100 * m->percent;

	if (m->unknown)
		return 0;
	if (m->free_bytes < need || m->free_bytes - need < len)
		return mv_err_set(err, MV_ENOSPC, "%llu MiB of %llu MiB are "
		    "free, and %u %% are to stay so (min-free)",
		    (unsigned long long)(m->free_bytes >> 20),
		    (unsigned long long)(m->total_bytes >> 20), m->percent);
	m->free_bytes -= len;
	return 0;
}

static int
min_free_put(struct mv_store *st, const char *name, const void *buf,
    size_t len, struct mv_err *err)
{
	struct min_free *m = min_free_of(st);
	int rc;

	pthread_mutex_lock(&m->lock);
	rc = measure(m, err);
	if (rc == 0)
		rc = take_space(m, len, err);
	pthread_mutex_unlock(&m->lock);
	if (rc < 0)
		return rc;
	return m->inner->ops->put(m->inner, name, buf, len, err);
}

static int
min_free_create(struct mv_store *st, struct mv_err *err)
{
	return inner_of(st)->ops->create(inner_of(st), err);
}

static int
min_free_get(struct mv_store *st, const char *name, uint64_t offset,
    void *buf, size_t len, size_t *got, struct mv_err *err)
{
	return inner_of(st)->ops->get(inner_of(st), name, offset, buf, len,
	    got, err);
}

static int
min_free_size(struct mv_store *st, const char *name, uint64_t *out,
    struct mv_err *err)
{
	return inner_of(st)->ops->size(inner_of(st), name, out, err);
}

static int
min_free_list(struct mv_store *st, const char *prefix,
    int (*each)(const char *name, uint64_t size, void *arg), void *arg,
    struct mv_err *err)
{
	return inner_of(st)->ops->list(inner_of(st), prefix, each, arg, err);
}

static int
min_free_remove(struct mv_store *st, const char *name, struct mv_err *err)
{
	return inner_of(st)->ops->remove(inner_of(st), name, err);
}

static int
min_free_space(struct mv_store *st, uint64_t *free_bytes,
    uint64_t *total_bytes, struct mv_err *err)
{
	return inner_of(st)->ops->space(inner_of(st), free_bytes, total_bytes,
	    err);
}

static const struct mv_store_ops min_free_ops = {
	.scheme = "min-free",
	.free = min_free_free,
	.create = min_free_create,
	.put = min_free_put,
	.get = min_free_get,
	.size = min_free_size,
	.list = min_free_list,
	.remove = min_free_remove,
	.space = min_free_space,
};

int
mv_store_min_free(struct mv_store **st, unsigned percent,
    struct mv_store **out, struct mv_err *err)
{
	struct min_free *m;

	assert(percent <= 100);
	m = calloc(1, sizeof(*m));
	if (m != NULL)
		m->base.url = strdup((*st)->url);
	if (m == NULL || m->base.url == NULL) {
		free(m);
		return mv_err_set(err, MV_ENOMEM, "open '%s'", (*st)->url);
	}
	m->base.ops = &min_free_ops;
	m->percent = percent;
	(void)pthread_mutex_init(&m->lock, NULL);
	m->inner = mv_take(st);
	*out = &m->base;
	return 0;
}
