/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "store/store.h"

/*
 * limit: puts wait until their bytes may be sent.  An object is handed on
 * whole, so it is the average that is kept.
 */
struct limit {
	struct mv_store base;
	struct mv_store *inner;
	struct mv_rate *rate;	/* borrowed, may be shared */
};

static struct limit *
limit_of(struct mv_store *st)
{
	/* base is the first member. */
	return (struct limit *)(void *)st;
}

static struct mv_store *
inner_of(struct mv_store *st)
{
	return limit_of(st)->inner;
}

static void
limit_free(struct mv_store *st)
{
	struct limit *l = limit_of(st);

	mv_store_free(l->inner);
	free(l->base.url);
	free(l);
}

static int
limit_put(struct mv_store *st, const char *name, const void *buf, size_t len,
    struct mv_err *err)
{
	int rc = mv_rate_take(limit_of(st)->rate, len, err);

	if (rc < 0)
		return rc;
	return inner_of(st)->ops->put(inner_of(st), name, buf, len, err);
}

static int
limit_create(struct mv_store *st, struct mv_err *err)
{
	return inner_of(st)->ops->create(inner_of(st), err);
}

static int
limit_get(struct mv_store *st, const char *name, uint64_t offset, void *buf,
    size_t len, size_t *got, struct mv_err *err)
{
	return inner_of(st)->ops->get(inner_of(st), name, offset, buf, len,
	    got, err);
}

static int
limit_size(struct mv_store *st, const char *name, uint64_t *out,
    struct mv_err *err)
{
	return inner_of(st)->ops->size(inner_of(st), name, out, err);
}

static int
limit_list(struct mv_store *st, const char *prefix,
    int (*each)(const char *name, uint64_t size, void *arg), void *arg,
    struct mv_err *err)
{
	return inner_of(st)->ops->list(inner_of(st), prefix, each, arg, err);
}

static int
limit_remove(struct mv_store *st, const char *name, struct mv_err *err)
{
	return inner_of(st)->ops->remove(inner_of(st), name, err);
}

static int
limit_space(struct mv_store *st, uint64_t *free_bytes, uint64_t *total_bytes,
    struct mv_err *err)
{
	return inner_of(st)->ops->space(inner_of(st), free_bytes, total_bytes,
	    err);
}

static const struct mv_store_ops limit_ops = {
	.scheme = "limit",
	.free = limit_free,
	.create = limit_create,
	.put = limit_put,
	.get = limit_get,
	.size = limit_size,
	.list = limit_list,
	.remove = limit_remove,
	.space = limit_space,
};

int
mv_store_limit(struct mv_store **st, struct mv_rate *rate,
    struct mv_store **out, struct mv_err *err)
{
	struct limit *l;

	l = calloc(1, sizeof(*l));
	if (l != NULL)
		l->base.url = strdup((*st)->url);
	if (l == NULL || l->base.url == NULL) {
		free(l);
		return mv_err_set(err, MV_ENOMEM, "open '%s'", (*st)->url);
	}
	l->base.ops = &limit_ops;
	l->rate = rate;
	l->inner = mv_take(st);
	*out = &l->base;
	return 0;
}
