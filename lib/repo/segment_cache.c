/* SPDX-License-Identifier: MIT */
#include "repo/segment_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "repo/idhash.h"

#define BUCKETS 256	/* some 32 to 64 segments lie in 32 MiB */

struct mv_segment_cache {
	struct mv_repo *repo;	/* borrowed */
	size_t max, bytes;
	uint64_t fetches;
	pthread_mutex_t lock;
	pthread_cond_t loaded;	/* some entry stopped loading */
	struct mv_cached *buckets[BUCKETS];
	struct mv_cached list;	/* head of the ring by last use */
	struct spare *spares;	/* openers that no thread uses */
};

struct spare {
	struct mv_opener *opener;
	struct mv_idhash *hash;
	struct spare *next;
};

static void
cached_free(struct mv_cached *e)
{
	mv_buf_clear(&e->raw);
	mv_segment_clear(&e->seg);
	free(e->ids);
	free(e);
}

static size_t
cached_bytes(const struct mv_cached *e)
{
	return sizeof(*e) + e->raw.cap + e->seg.n *
	    (sizeof(*e->seg.chunks) + sizeof(*e->ids));
}

int
mv_segment_cache_new(struct mv_repo *r, size_t max_bytes,
    struct mv_segment_cache **out, struct mv_err *err)
{
	struct mv_segment_cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return mv_err_set(err, MV_ENOMEM, "cache of segments");
	c->repo = r;
	c->max = max_bytes;
	c->list.prev = c->list.next = &c->list;
	if (pthread_mutex_init(&c->lock, NULL) != 0) {
		free(c);
		return mv_err_set(err, MV_ENOMEM, "cache of segments");
	}
	if (pthread_cond_init(&c->loaded, NULL) != 0) {
		pthread_mutex_destroy(&c->lock);
		free(c);
		return mv_err_set(err, MV_ENOMEM, "cache of segments");
	}
	*out = c;
	return 0;
}

void
mv_segment_cache_free(struct mv_segment_cache *c)
{
	struct mv_cached *e, *next;
	struct spare *s;

	if (c == NULL)
		return;
	while ((s = c->spares) != NULL) {
		c->spares = s->next;
		mv_opener_free(s->opener);
		mv_idhash_free(s->hash);
		free(s);
	}
	for (e = c->list.next; e != &c->list; e = next) {
		next = e->next;
		cached_free(e);
	}
	pthread_cond_destroy(&c->loaded);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct mv_cached **
bucket_of(struct mv_segment_cache *c, const struct mv_location *loc)
{
	uint32_t h;

	/* Origin ids are random: any four bytes of one are a hash. */
	memcpy(&h, loc->origin.b, sizeof(h));
	return &c->buckets[(h + loc->ordinal) % BUCKETS];
}

static struct mv_cached *
lookup(struct mv_segment_cache *c, const struct mv_location *loc)
{
	struct mv_cached *e = *bucket_of(c, loc);

	while (e != NULL && !mv_location_same(&e->loc, loc))
		e = e->chain;
	return e;
}

static void
unlink_use(struct mv_cached *e)
{
	e->prev->next = e->next;
	e->next->prev = e->prev;
}

static void
link_first(struct mv_segment_cache *c, struct mv_cached *e)
{
	e->prev = &c->list;
	e->next = c->list.next;
	e->next->prev = e;
	c->list.next = e;
}

static void
drop(struct mv_segment_cache *c, struct mv_cached *e)
{
	struct mv_cached **pp = bucket_of(c, &e->loc);

	while (*pp != e)
		pp = &(*pp)->chain;
	*pp = e->chain;
	unlink_use(e);
	cached_free(e);
}

/* From the least recently used on, until the rest fits. */
static void
shrink(struct mv_segment_cache *c)
{
	struct mv_cached *e = c->list.prev, *prev;

	for (; c->bytes > c->max && e != &c->list; e = prev) {
		prev = e->prev;
		if (e->users > 0)
			continue;
		c->bytes -= cached_bytes(e);
		drop(c, e);
	}
}

static struct mv_cached *
insert(struct mv_segment_cache *c, const struct mv_location *loc)
{
	struct mv_cached **bucket = bucket_of(c, loc);
	struct mv_cached *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->loc = *loc;
	e->loading = true;
	e->users = 1;
	e->chain = *bucket;
	*bucket = e;
	link_first(c, e);
	return e;
}

/* An opener of our own for as long as we fetch: as many as threads at once. */
static int
take_spare(struct mv_segment_cache *c, struct spare **out, struct mv_err *err)
{
	struct spare *s = c->spares;
	int rc;

	if (s != NULL) {
		c->spares = s->next;
		*out = s;
		return 0;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return mv_err_set(err, MV_ENOMEM, "cache of segments");
	rc = mv_opener_new(c->repo, &s->opener, err);
	if (rc == 0)
		rc = mv_idhash_new(c->repo, &s->hash, err);
	if (rc < 0) {
		mv_opener_free(s->opener);
		free(s);
		return rc;
	}
	*out = s;
	return 0;
}

/* Leaves them out when that fails: who needs one computes it again. */
static void
compute_ids(struct mv_idhash *h, struct mv_cached *e)
{
	const struct mv_segment_chunk *chunk;
	struct mv_id16 *ids = calloc(e->seg.n, sizeof(*ids));
	const uint8_t *p;
	size_t i;
	int rc = 0;

	for (i = 0; ids != NULL && rc == 0 && i < e->seg.n; i++) {
		chunk = &e->seg.chunks[i];
		p = e->raw.p + chunk->offset;
		rc = chunk->media ? mv_idhash_media(h, chunk->file_key, p,
		    chunk->len, &ids[i], NULL) : mv_idhash_db(h,
		    e->loc.epoch, p, chunk->len, &ids[i], NULL);
	}
	if (rc == 0)
		e->ids = mv_take(&ids);
	free(ids);
}

/* Called with the lock held, which is released while bytes are fetched. */
static int
load(struct mv_segment_cache *c, const struct mv_location *loc,
    struct mv_cached **out, struct mv_err *err)
{
	struct mv_cached *e;
	struct spare *s = NULL;
	int rc;

	rc = take_spare(c, &s, err);
	if (rc < 0)
		return rc;
	e = insert(c, loc);
	if (e == NULL)
		rc = mv_err_set(err, MV_ENOMEM, "cache of segments");
	if (e != NULL) {
		c->fetches++;
		pthread_mutex_unlock(&c->lock);
		rc = mv_opener_fetch(s->opener, loc, &e->raw, &e->seg, err);
		if (rc == 0 && loc->kind == MV_KIND_DATA_PACK)
			compute_ids(s->hash, e);
		pthread_mutex_lock(&c->lock);
	}
	s->next = c->spares;
	c->spares = s;
	if (e == NULL)
		return rc;
	e->loading = false;
	pthread_cond_broadcast(&c->loaded);
	if (rc < 0) {
		drop(c, e);
		return rc;
	}
	c->bytes += cached_bytes(e);
	shrink(c);
	*out = e;
	return 0;
}

int
mv_segment_cache_get(struct mv_segment_cache *c,
    const struct mv_location *loc, struct mv_cached **out,
    struct mv_err *err)
{
	struct mv_cached *e;
	int rc = 0;

	pthread_mutex_lock(&c->lock);
	/* After a failure of another thread we try for ourselves. */
	while ((e = lookup(c, loc)) != NULL && e->loading)
		pthread_cond_wait(&c->loaded, &c->lock);
	if (e != NULL) {
		e->users++;
		unlink_use(e);
		link_first(c, e);
		*out = e;
	} else {
		rc = load(c, loc, out, err);
	}
	pthread_mutex_unlock(&c->lock);
	return rc;
}

void
mv_segment_cache_put(struct mv_segment_cache *c, struct mv_cached **seg)
{
	struct mv_cached *e = *seg;

	if (e == NULL)
		return;
	*seg = NULL;
	pthread_mutex_lock(&c->lock);
	e->users--;
	shrink(c);
	pthread_mutex_unlock(&c->lock);
}

uint64_t
mv_segment_cache_fetches(struct mv_segment_cache *c)
{
	uint64_t n;

	pthread_mutex_lock(&c->lock);
	n = c->fetches;
	pthread_mutex_unlock(&c->lock);
	return n;
}
