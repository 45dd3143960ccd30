/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "store/store.h"

/*
 * mem: a store in memory.  Objects lie in a growing array, sorted by name.
 */
struct object {
	char *name;
	uint8_t *p;
	size_t len;
};

struct mem {
	struct mv_store base;
	pthread_mutex_t lock;
	struct object *objects;
	size_t n;
	size_t cap;
};

static struct mem *
mem_of(struct mv_store *st)
{
	/* base is the first member. */
	return (struct mem *)(void *)st;
}

static void
object_clear(struct object *o)
{
	free(o->name);
	free(o->p);
	*o = (struct object){ 0 };
}

static void
mem_free(struct mv_store *st)
{
	struct mem *m = mem_of(st);
	size_t i;

	for (i = 0; i < m->n; i++)
		object_clear(&m->objects[i]);
	free(m->objects);
	free(m->base.url);
	(void)pthread_mutex_destroy(&m->lock);
	free(m);
}

/* The first object whose name is not below name. */
static size_t
lower_bound(const struct mem *m, const char *name)
{
	size_t lo = 0, hi = m->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (strcmp(m->objects[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct object *
find(const struct mem *m, const char *name)
{
	size_t i = lower_bound(m, name);

	if (i == m->n || strcmp(m->objects[i].name, name) != 0)
		return NULL;
	return &m->objects[i];
}

static int
grow(struct mem *m)
{
	size_t cap = m->cap > 0 ? 2 * m->cap : 64;
	struct object *p;

	if (m->n < m->cap)
		return 0;
	p = realloc(m->objects, cap * sizeof(*p));
	if (p == NULL)
		return -1;
	m->objects = p;
	m->cap = cap;
	return 0;
}

/* Takes what o owns when it succeeds; the lock is held. */
static int
insert(struct mem *m, struct object *o, struct mv_err *err)
{
	size_t i = lower_bound(m, o->name);

	if (i < m->n && strcmp(m->objects[i].name, o->name) == 0)
		return mv_err_set(err, MV_EEXIST, "the name is taken");
	if (grow(m) < 0)
		return mv_err_set(err, MV_ENOMEM, "%zu objects", m->n + 1);
	memmove(&m->objects[i + 1], &m->objects[i],
	    (m->n - i) * sizeof(*m->objects));
	m->objects[i] = *o;
	m->n++;
	*o = (struct object){ 0 };
	return 0;
}

static int
mem_create(struct mv_store *st, struct mv_err *err)
{
	(void)st;
	(void)err;
	return 0;
}

static int
mem_put(struct mv_store *st, const char *name, const void *buf, size_t len,
    struct mv_err *err)
{
	mv_auto(object_clear) struct object o = { .len = len };
	struct mem *m = mem_of(st);
	int rc;

	o.name = strdup(name);
	o.p = malloc(len + 1);
	if (o.name == NULL || o.p == NULL)
		return mv_err_set(err, MV_ENOMEM, "object of %zu bytes", len);
	if (len > 0)
		memcpy(o.p, buf, len);
	pthread_mutex_lock(&m->lock);
	rc = insert(m, &o, err);
	pthread_mutex_unlock(&m->lock);
	return rc;
}

static int
not_found(struct mv_err *err)
{
	return mv_err_set(err, MV_ENOTFOUND, "no such object");
}

static int
mem_get(struct mv_store *st, const char *name, uint64_t offset, void *buf,
    size_t len, size_t *got, struct mv_err *err)
{
	struct mem *m = mem_of(st);
	const struct object *o;

	pthread_mutex_lock(&m->lock);
	o = find(m, name);
	if (o != NULL) {
		if (offset > o->len)
			offset = o->len;
		if (len > o->len - offset)
			len = o->len - (size_t)offset;
		if (len > 0)
			memcpy(buf, o->p + offset, len);
		*got = len;
	}
	pthread_mutex_unlock(&m->lock);
	return o != NULL ? 0 : not_found(err);
}

static int
mem_size(struct mv_store *st, const char *name, uint64_t *out,
    struct mv_err *err)
{
	struct mem *m = mem_of(st);
	const struct object *o;

	pthread_mutex_lock(&m->lock);
	o = find(m, name);
	if (o != NULL)
		*out = o->len;
	pthread_mutex_unlock(&m->lock);
	return o != NULL ? 0 : not_found(err);
}

struct entry {
	char name[MV_NAME_MAX + 1];
	uint64_t size;
};

/* What begins with prefix, as a copy: each may change the store. */
static struct entry *
copy_entries(struct mem *m, const char *prefix, size_t *n)
{
	size_t len = strlen(prefix), first = lower_bound(m, prefix), i;
	struct entry *entries;

	for (i = first; i < m->n; i++)
		if (strncmp(m->objects[i].name, prefix, len) != 0)
			break;
	*n = i - first;
	entries = calloc(*n + 1, sizeof(*entries));
	for (i = 0; entries != NULL && i < *n; i++) {
		memcpy(entries[i].name, m->objects[first + i].name,
		    strlen(m->objects[first + i].name) + 1);
		entries[i].size = m->objects[first + i].len;
	}
	return entries;
}

static int
mem_list(struct mv_store *st, const char *prefix,
    int (*each)(const char *name, uint64_t size, void *arg), void *arg,
    struct mv_err *err)
{
	mv_auto(mv_freep) struct entry *entries = NULL;
	struct mem *m = mem_of(st);
	size_t i, n;
	int rc = 0;

	pthread_mutex_lock(&m->lock);
	entries = copy_entries(m, prefix, &n);
	pthread_mutex_unlock(&m->lock);
	if (entries == NULL)
		return mv_err_set(err, MV_ENOMEM, "list of %zu objects", n);
	for (i = 0; i < n && rc == 0; i++)
		rc = each(entries[i].name, entries[i].size, arg);
	return rc;
}

static int
mem_remove(struct mv_store *st, const char *name, struct mv_err *err)
{
	struct mem *m = mem_of(st);
	struct object *o;
	size_t i;

	pthread_mutex_lock(&m->lock);
	o = find(m, name);
	if (o != NULL) {
		object_clear(o);
		i = (size_t)(o - m->objects);
		memmove(o, o + 1, (m->n - i - 1) * sizeof(*o));
		m->n--;
	}
	pthread_mutex_unlock(&m->lock);
	return o != NULL ? 0 : not_found(err);
}

static int
mem_space(struct mv_store *st, uint64_t *free_bytes, uint64_t *total_bytes,
    struct mv_err *err)
{
	(void)st;
	(void)free_bytes;
	(void)total_bytes;
	return mv_err_set(err, MV_ENOTFOUND, "memory has no measured end");
}

static const struct mv_store_ops mem_ops = {
	.scheme = "mem",
	.free = mem_free,
	.create = mem_create,
	.put = mem_put,
	.get = mem_get,
	.size = mem_size,
	.list = mem_list,
	.remove = mem_remove,
	.space = mem_space,
};

int
mv_store_mem(struct mv_store **out, struct mv_err *err)
{
	struct mem *m = calloc(1, sizeof(*m));

	if (m != NULL)
		m->base.url = strdup("mem:");
	if (m == NULL || m->base.url == NULL) {
		free(m);
		return mv_err_set(err, MV_ENOMEM, "store in memory");
	}
	m->base.ops = &mem_ops;
	(void)pthread_mutex_init(&m->lock, NULL);
	*out = &m->base;
	return 0;
}
