/* SPDX-License-Identifier: MIT */
#include "repo/reader.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "base/log.h"
#include "chunk/chunker.h"
#include "format/labels.h"
#include "repo/idset.h"
#include "repo/prefetch.h"
#include "repo/reader_internal.h"

#define CACHE_BYTES (32u << 20)
#define PLACES_MAX 16	/* looked at together; nearly always there is one */

/* The chunker's table of an epoch. */
struct gear {
	struct gear *next;
	uint32_t epoch;
	struct mv_secret *home;
};

enum pins_state { PINS_UNKNOWN, PINS_LOADING, PINS_KNOWN, PINS_LOST };

struct mv_reader {
	struct mv_repo *repo;	/* borrowed, as snap */
	const struct mv_snapshot *snap;
	struct mv_index *index;
	bool own_index;
	struct mv_index *_Atomic best;	/* index, or footers */
	struct mv_segment_cache *cache;
	struct mv_prefetch *prefetch;
	pthread_mutex_t lock;	/* over what follows */
	enum pins_state state;
	struct mv_pins *pins;	/* set once, with PINS_KNOWN */
	struct mv_index *footers;	/* of the footers alone */
	bool footers_read;	/* or that was tried */
	struct gear *gears;	/* each stays until the end */
	/*
	 * Packs, by the first half of their hash, in which something was not
	 * what it should be: these are asked last.
	 */
	struct mv_idset bad;
	atomic_bool any_bad;
};

int
mv_reader_open_over(struct mv_repo *r, struct mv_index *ix,
    const struct mv_snapshot *snap, struct mv_reader **out,
    struct mv_err *err)
{
	struct mv_reader *rd = calloc(1, sizeof(*rd));
	int rc;

	if (rd == NULL || pthread_mutex_init(&rd->lock, NULL) != 0) {
		free(rd);
		return mv_err_set(err, MV_ENOMEM, "open reader");
	}
	rd->repo = r;
	rd->snap = snap;
	rd->index = ix;
	rd->best = ix;
	rc = mv_segment_cache_new(r, CACHE_BYTES, &rd->cache, err);
	if (rc == 0)
		rc = mv_prefetch_new(rd->cache, &rd->prefetch, err);
	if (rc < 0) {
		mv_reader_free(rd);
		return rc;
	}
	*out = rd;
	return 0;
}

int
mv_reader_open(struct mv_repo *r, const struct mv_snapshot *snap,
    struct mv_reader **out, struct mv_err *err)
{
	mv_auto(mv_index_freep) struct mv_index *ix = NULL;
	int rc;

	rc = mv_index_open(r, 0, &ix, err);
	if (rc == 0)
		rc = mv_reader_open_over(r, ix, snap, out, err);
	if (rc < 0)
		return rc;
	(*out)->own_index = true;
	ix = NULL;
	return 0;
}

void
mv_reader_free(struct mv_reader *rd)
{
	struct gear *g;

	if (rd == NULL)
		return;
	mv_prefetch_free(rd->prefetch);	/* its threads use the cache */
	mv_segment_cache_free(rd->cache);
	mv_pins_free(rd->pins);
	while ((g = rd->gears) != NULL) {
		rd->gears = g->next;
		mv_secret_free(g->home);
		free(g);
	}
	mv_idset_clear(&rd->bad);
	mv_index_free(rd->footers);
	if (rd->own_index)
		mv_index_free(rd->index);
	pthread_mutex_destroy(&rd->lock);
	free(rd);
}

void
mv_reader_freep(struct mv_reader **rd)
{
	mv_reader_free(*rd);
	*rd = NULL;
}

struct mv_repo *
mv_reader_repo(struct mv_reader *rd)
{
	return rd->repo;
}

struct mv_segment_cache *
mv_reader_cache(struct mv_reader *rd)
{
	return rd->cache;
}

uint32_t
mv_reader_epoch(const struct mv_reader *rd)
{
	return rd->snap->epoch;
}

/* Called with the lock held. */
static int
make_gear(struct mv_reader *rd, uint32_t epoch, struct mv_err *err)
{
	const struct mv_epoch_secrets *s = mv_repo_epoch(rd->repo, epoch);
	mv_auto(mv_key_wipe) struct mv_key key = { 0 };
	struct gear *g;
	int rc;

	if (s == NULL || (s->has & 2) == 0)
		return mv_err_set(err, MV_EAUTH, "our keys do not give the "
		    "identity secret of epoch %" PRIu32, epoch);
	g = calloc(1, sizeof(*g));
	if (g == NULL)
		return mv_err_set(err, MV_ENOMEM, "prepare to cut");
	rc = mv_secret_new(sizeof(struct mv_gear), &g->home, err);
	if (rc < 0) {
		free(g);
		return rc;
	}
	mv_kdf(&s->identity, MV_LABEL_GEAR, &key);
	mv_gear_init((void *)mv_secret_bytes(g->home), &key);
	g->epoch = epoch;
	g->next = rd->gears;
	rd->gears = g;
	return 0;
}

static struct gear *
find_gear(struct mv_reader *rd, uint32_t epoch)
{
	struct gear *g = rd->gears;

	while (g != NULL && g->epoch != epoch)
		g = g->next;
	return g;
}

int
mv_reader_gear(struct mv_reader *rd, uint32_t epoch,
    const struct mv_gear **out, struct mv_err *err)
{
	int rc = 0;

	pthread_mutex_lock(&rd->lock);
	if (find_gear(rd, epoch) == NULL)
		rc = make_gear(rd, epoch, err);
	if (rc == 0)
		*out = (const void *)mv_secret_bytes(
		    find_gear(rd, epoch)->home);
	pthread_mutex_unlock(&rd->lock);
	return rc;
}

void
mv_reader_prefetch(struct mv_reader *rd, const struct mv_location *loc)
{
	mv_prefetch_ask(rd->prefetch, loc);
}

/*
 * Loading pins reads nodes, which looks for pins: the thread that finds them
 * unknown loads them, and until then everybody does without.  Pins that
 * cannot be read cost the preference and nothing else.
 */
static struct mv_pins *
pins_of(struct mv_reader *rd)
{
	mv_auto(mv_idhash_freep) struct mv_idhash *h = NULL;
	char text[MV_ERR_TEXT_MAX];
	struct mv_pins *pins = NULL;
	struct mv_err err = { 0 };
	enum pins_state was;
	int rc;

	pthread_mutex_lock(&rd->lock);
	was = rd->state;
	if (was == PINS_UNKNOWN)
		rd->state = PINS_LOADING;
	if (was == PINS_KNOWN)
		pins = rd->pins;
	pthread_mutex_unlock(&rd->lock);
	if (was != PINS_UNKNOWN)
		return pins;
	rc = mv_idhash_new(rd->repo, &h, &err);
	if (rc == 0)
		rc = mv_pins_load(rd, h, rd->snap, &pins, &err);
	mv_err_text(&err, text, sizeof(text));
	if (rc < 0)
		mv_warn("%s; other places are tried in any order", text);
	pthread_mutex_lock(&rd->lock);
	rd->pins = pins;
	rd->state = rc < 0 ? PINS_LOST : PINS_KNOWN;
	pthread_mutex_unlock(&rd->lock);
	return pins;
}

/*
 * Index objects are copies, made by anybody who has S: where they lead to
 * damage, the packs' own footers are read, once.  NULL when there is no other
 * index than the one in use.
 */
static struct mv_index *
footers_of(struct mv_reader *rd)
{
	char text[MV_ERR_TEXT_MAX];
	struct mv_err err = { 0 };
	struct mv_index *ix;

	pthread_mutex_lock(&rd->lock);
	if (rd->own_index && !rd->footers_read) {
		rd->footers_read = true;
		if (mv_index_open(rd->repo, MV_INDEX_FRESH | MV_INDEX_FOOTERS,
		    &rd->footers, &err) < 0) {
			mv_err_text(&err, text, sizeof(text));
			mv_warn("%s; what the index says is all there is",
			    text);
		}
	}
	ix = rd->footers;
	pthread_mutex_unlock(&rd->lock);
	return ix;
}

static struct mv_id16
pack_key(const struct mv_location *loc)
{
	struct mv_id16 key;

	memcpy(key.b, loc->pack_hash.b, sizeof(key.b));
	return key;
}

static bool
is_bad(struct mv_reader *rd, const struct mv_location *loc)
{
	struct mv_id16 key = pack_key(loc);
	bool bad;

	if (!atomic_load(&rd->any_bad))
		return false;
	pthread_mutex_lock(&rd->lock);
	bad = mv_idset_has(&rd->bad, &key);
	pthread_mutex_unlock(&rd->lock);
	return bad;
}

/* Without memory for it, it is only asked again. */
static void
note_bad(struct mv_reader *rd, const struct mv_location *loc)
{
	struct mv_id16 key = pack_key(loc);
	bool added;

	pthread_mutex_lock(&rd->lock);
	(void)!mv_idset_add(&rd->bad, &key, &added, NULL);
	atomic_store(&rd->any_bad, true);
	pthread_mutex_unlock(&rd->lock);
}

/* The next places of an id, those of them that the snapshot pins first. */
static size_t
places(struct mv_reader *rd, enum mv_kind kind, const struct mv_id16 *id,
    size_t skip, struct mv_location *out)
{
	struct mv_location swap;
	struct mv_pins *pins;
	size_t i, first = 0, n;

	n = mv_index_find(rd->best, kind, id, skip, out, PLACES_MAX);
	if (n < 2)
		return n;
	pins = pins_of(rd);
	for (i = 0; pins != NULL && i < n; i++) {
		if (!mv_pins_have(pins, &out[i].origin, out[i].ordinal))
			continue;
		swap = out[first];
		out[first++] = out[i];
		out[i] = swap;
	}
	return n;
}

bool
mv_reader_locate(struct mv_reader *rd, enum mv_kind kind,
    const struct mv_id16 *id, struct mv_location *out)
{
	struct mv_location all[PLACES_MAX];
	size_t i, n = PLACES_MAX, skip;
	bool found = false;

	for (skip = 0; n == PLACES_MAX; skip += n) {
		n = places(rd, kind, id, skip, all);
		for (i = 0; i < n; i++) {
			if (!is_bad(rd, &all[i])) {
				*out = all[i];
				return true;
			}
			if (!found)
				*out = all[i];
			found = true;
		}
	}
	return found;
}

void
mv_piece_drop(struct mv_reader *rd, struct mv_piece *p)
{
	mv_segment_cache_put(rd->cache, &p->seg);
	*p = (struct mv_piece){ 0 };
}

/* Hold the segment of loc, which often is the one held already. */
static int
hold(struct mv_reader *rd, const struct mv_location *loc, struct mv_piece *p,
    struct mv_err *err)
{
	if (p->seg != NULL && mv_location_same(&p->seg->loc, loc))
		return 0;
	mv_piece_drop(rd, p);
	return mv_segment_cache_get(rd->cache, loc, &p->seg, err);
}

/*
 * The id that these bytes have, as the kind of what is wanted goes.  That
 * which was computed when they were fetched will do if the segment has the
 * same to say about the file.
 */
static int
compute_id(struct mv_idhash *h, const struct mv_wanted *w, uint32_t epoch,
    const struct mv_piece *p, struct mv_id16 *out, struct mv_err *err)
{
	const struct mv_segment_chunk *chunk = &p->seg->seg.chunks[p->position];
	const struct mv_id16 *known = p->seg->ids;
	uint8_t file_key[MV_FILE_KEY_BYTES];
	int rc;

	if (w->kind == MV_KIND_NODE_PACK)
		return mv_idhash_node(h, epoch, p->data, p->len, out, err);
	if (known != NULL)
		known += p->position;
	if (w->path == NULL && known != NULL && !chunk->media) {
		*out = *known;
		return 0;
	}
	if (w->path == NULL)
		return mv_idhash_db(h, epoch, p->data, p->len, out, err);
	rc = mv_idhash_file_key(h, epoch, w->path, w->path_len, file_key,
	    err);
	if (rc < 0)
		return rc;
	if (known != NULL && chunk->media && mv_equal(file_key,
	    chunk->file_key, sizeof(file_key))) {
		*out = *known;
		return 0;
	}
	return mv_idhash_media(h, file_key, p->data, p->len, out, err);
}

static int
look_at(struct mv_reader *rd, struct mv_idhash *h,
    const struct mv_wanted *w, const struct mv_location *loc,
    struct mv_piece *p, struct mv_err *err)
{
	const struct mv_segment_chunk *chunk;
	char name[MV_OBJECT_NAME_MAX];
	struct mv_id16 id;
	int rc;

	rc = hold(rd, loc, p, err);
	if (rc < 0)
		return rc;
	mv_object_name(loc->kind, 0, &loc->pack, &loc->pack_hash, name);
	if (loc->position >= p->seg->seg.n)
		return mv_err_set(err, MV_ECORRUPT, "segment %" PRIu32
		    " of '%s' has fewer chunks than its footer says",
		    loc->ordinal, name);
	chunk = &p->seg->seg.chunks[loc->position];
	p->position = loc->position;
	p->data = p->seg->raw.p + chunk->offset;
	p->len = chunk->len;
	rc = compute_id(h, w, loc->epoch, p, &id, err);
	if (rc < 0)
		return rc;
	if (!mv_equal(&id, w->id, sizeof(id)))
		return mv_err_set(err, MV_ECORRUPT, "chunk %u in segment %"
		    PRIu32 " of '%s' is not what its id says", loc->position,
		    loc->ordinal, name);
	return 0;
}

static int
try_place(struct mv_reader *rd, struct mv_idhash *h,
    const struct mv_wanted *w, const struct mv_location *loc,
    struct mv_piece *p, struct mv_err *err)
{
	int rc = look_at(rd, h, w, loc, p, err);

	if (rc == MV_ECORRUPT)
		note_bad(rd, loc);
	return rc;
}

/* Failures after which another place cannot help. */
static bool
is_final(int rc)
{
	return rc == 0 || rc == MV_ENOMEM || rc == MV_EINTR || rc == MV_EAUTH;
}

/*
 * Of n places those in packs that are bad so far, or those in others; *left
 * becomes true when there are any of the other kind.
 */
static int
try_some(struct mv_reader *rd, struct mv_idhash *h,
    const struct mv_wanted *w, const struct mv_location *all, size_t n,
    bool bad, bool *left, struct mv_piece *p, struct mv_err *worst)
{
	struct mv_err own;
	int rc = MV_ECORRUPT;
	size_t i;

	for (i = 0; i < n; i++) {
		if (is_bad(rd, &all[i]) != bad) {
			*left = true;
			continue;
		}
		own = (struct mv_err){ 0 };
		rc = try_place(rd, h, w, &all[i], p, &own);
		if (rc == 0)
			return 0;
		/* Not having been able to ask outweighs a bad answer. */
		if (worst->code == MV_OK || rc != MV_ECORRUPT)
			*worst = own;
		if (is_final(rc))
			return rc;
	}
	return MV_ECORRUPT;
}

/* Every place that the best index knows; MV_ECORRUPT when there is none. */
static int
try_places(struct mv_reader *rd, struct mv_idhash *h,
    const struct mv_wanted *w, struct mv_piece *p, struct mv_err *worst)
{
	struct mv_location all[PLACES_MAX];
	bool left = true, bad;
	size_t n, skip, pass;
	int rc;

	for (pass = 0; pass < 2 && left; pass++) {
		left = false;
		bad = pass == 1;
		for (skip = 0, n = PLACES_MAX; n == PLACES_MAX; skip += n) {
			n = places(rd, w->kind, w->id, skip, all);
			rc = try_some(rd, h, w, all, n, bad, &left, p, worst);
			if (is_final(rc))
				return rc;
		}
	}
	return worst->code == MV_OK ? MV_ECORRUPT : (int)worst->code;
}

static int
try_all(struct mv_reader *rd, struct mv_idhash *h, const struct mv_wanted *w,
    struct mv_piece *p, struct mv_err *worst)
{
	char hex[2 * sizeof(w->id->b) + 1];
	struct mv_index *was = rd->best, *other;
	int rc;

	rc = try_places(rd, h, w, p, worst);
	other = rc == MV_ECORRUPT ? footers_of(rd) : NULL;
	if (other != NULL && other != was) {
		rd->best = other;
		rc = try_places(rd, h, w, p, worst);
		if (rc == 0)
			mv_warn("an index object is wrong: from here on the "
			    "packs' own footers say where things lie");
	}
	if (rc == 0 || worst->code != MV_OK)
		return rc;
	mv_hex_encode(w->id->b, sizeof(w->id->b), hex);
	return mv_err_set(worst, rc, "%s '%s' is in no pack that is there",
	    w->kind == MV_KIND_NODE_PACK ? "node" : "chunk", hex);
}

int
mv_piece_get(struct mv_reader *rd, struct mv_idhash *h,
    const struct mv_wanted *w, struct mv_piece *p, struct mv_err *err)
{
	struct mv_err worst = { 0 };
	char text[MV_ERR_TEXT_MAX];
	int rc;

	if (w->hint != NULL) {
		rc = try_place(rd, h, w, w->hint, p, &worst);
		if (rc == 0)
			return 0;
		if (!is_final(rc))
			rc = try_all(rd, h, w, p, &worst);
	} else {
		rc = try_all(rd, h, w, p, &worst);
	}
	if (rc == 0 && worst.code == MV_OK)
		return 0;
	mv_err_text(&worst, text, sizeof(text));
	if (rc == 0)
		mv_warn("another pack had what this one had not: %s", text);
	if (rc == 0)
		return 0;
	mv_piece_drop(rd, p);
	if (err != NULL)
		*err = worst;
	return rc;
}
