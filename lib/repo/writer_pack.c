/* SPDX-License-Identifier: MIT */
/*
 * writer_pack: packs that are being filled.
 *
 * A worker reserves its place under the lock and seals into it without: the
 * bytes of different segments never touch.  Whoever is last to leave a
 * closed pack finishes it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "repo/writer_internal.h"

/* Footer payload without segments: count, origin, fill hash. */
#define FOOTER_FIXED (1 + 16 + 4 + 4 + 8 + 3 + MV_WRAP_DATA_BYTES + \
	MV_SIGN_BYTES + MV_HASH_BYTES)
/* A segment in it without its ids; 4096 as a varint takes two bytes. */
#define FOOTER_SEGMENT (1 + 4 + 4 + MV_HASH_BYTES + 2)

static int
init_slot(struct mv_slot *s, struct mv_err *err)
{
	void *map;

	map = mmap(NULL, MV_PACK_MAX, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return mv_err_set(err, MV_ENOMEM, "pack");
	/* It holds all that a pack may have, so it never grows. */
	s->buf = (struct mv_buf){ .p = map, .cap = MV_PACK_MAX };
	s->origin = calloc(1, sizeof(*s->origin));
	if (s->origin == NULL)
		return mv_err_set(err, MV_ENOMEM, "pack");
	s->footer.origins = s->origin;
	s->footer.norigins = 1;
	s->origin->segs = calloc(MV_WRITER_PACK_SEGS,
	    sizeof(*s->origin->segs));
	if (s->origin->segs == NULL)
		return mv_err_set(err, MV_ENOMEM, "pack");
	return mv_secret_new(MV_KEY_BYTES, &s->key, err);
}

int
mv_slots_init(struct mv_writer *w, struct mv_err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < MV_WRITER_SLOTS; i++)
		rc = init_slot(&w->slots[i], err);
	return rc;
}

void
mv_slots_clear(struct mv_writer *w)
{
	struct mv_slot *s;

	for (s = w->slots; s < w->slots + MV_WRITER_SLOTS; s++) {
		if (s->buf.p != NULL)
			(void)munmap(s->buf.p, MV_PACK_MAX);
		mv_footer_clear(&s->footer);
		mv_secret_free(s->key);
		*s = (struct mv_slot){ 0 };
	}
}

/* Begin a pack in a free slot: header, id, key and its wrap. */
static int
open_pack(struct mv_writer *w, struct mv_slot *s, enum mv_kind kind,
    struct mv_err *err)
{
	struct mv_header h = {
		.kind = (uint8_t)kind,
		.epoch = w->epoch,
		.repo = *mv_repo_id(w->repo),
	};
	mv_auto(mv_key_wipe) struct mv_key key = { 0 };
	struct mv_footer_origin *o = s->origin;

	mv_random(o->id.b, sizeof(o->id.b));
	mv_random(mv_secret_bytes(s->key), MV_KEY_BYTES);
	mv_secret_key(s->key, &key);
	mv_header_encode(&h, s->buf.p);
	memcpy(s->buf.p + MV_HEADER_BYTES, o->id.b, sizeof(o->id.b));
	s->buf.len = MV_PACK_START;
	s->footer.kind = kind;
	s->footer_bytes = FOOTER_FIXED;
	s->for_pins = w->pin_phase;
	s->state = MV_SLOT_OPEN;
	o->epoch = w->epoch;
	o->writer = w->writer;
	o->seq = w->seq;
	o->nsegs = 0;
	return mv_wrap_seal(&h.repo, kind, &o->id, w->epoch,
	    &w->secrets->structure, w->epoch_pub, &key, o->wrap, err);
}

/* Would the pack with this segment still be within its bounds? */
static bool
fits(const struct mv_slot *s, size_t sealed, size_t nids)
{
	size_t footer = s->footer_bytes + FOOTER_SEGMENT +
	    nids * sizeof(struct mv_id16);

	return s->origin->nsegs < MV_WRITER_PACK_SEGS && s->buf.len + sealed +
	    footer + MV_BOX_EXTRA + MV_TRAILER_BYTES <= MV_PACK_MAX;
}

/* Footer, name, and off to the uploader.  No worker is in it any more. */
static int
finish_pack(struct mv_writer *w, struct mv_slot *s, struct mv_err *err)
{
	mv_auto(mv_key_wipe) struct mv_key seed = { 0 };
	int rc;

	mv_secret_key(w->seed, &seed);
	rc = mv_origin_sign(mv_repo_id(w->repo), s->footer.kind, &seed,
	    s->origin, err);
	if (rc == 0)
		rc = mv_pack_finish(&w->secrets->structure, &s->footer,
		    &s->buf, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "finish a pack");
	mv_sha256(s->buf.p, s->buf.len, s->hash.b);
	if (mv_queue_put(w->uploads, s))
		return 0;
	rc = mv_writer_check(w, err);
	return rc < 0 ? rc : mv_err_set(err, MV_EIO, "writer is closed");
}

/* With the lock held, which is let go meanwhile if there is work to do. */
static int
close_pack(struct mv_writer *w, struct mv_slot **open, struct mv_err *err)
{
	struct mv_slot *s = mv_take(open);
	int rc = 0;

	s->state = MV_SLOT_CLOSED;
	if (s->sealing == 0) {
		pthread_mutex_unlock(&w->lock);
		rc = finish_pack(w, s, err);
		pthread_mutex_lock(&w->lock);
	}
	return rc;
}

static struct mv_slot *
free_slot(struct mv_writer *w)
{
	size_t i;

	for (i = 0; i < MV_WRITER_SLOTS; i++)
		if (w->slots[i].state == MV_SLOT_FREE)
			return &w->slots[i];
	return NULL;
}

/* With the lock held: an open pack of this kind with enough room. */
static int
find_room(struct mv_writer *w, enum mv_kind kind, size_t sealed, size_t nids,
    struct mv_slot **out, struct mv_err *err)
{
	struct mv_slot **open = &w->open[kind == MV_KIND_NODE_PACK], *s;
	int rc;

	for (;;) {
		rc = mv_writer_check(w, err);
		if (rc < 0)
			return rc;
		s = *open;
		if (s != NULL && fits(s, sealed, nids)) {
			*out = s;
			return 0;
		}
		if (s != NULL) {
			rc = close_pack(w, open, err);
		} else if ((s = free_slot(w)) != NULL) {
			rc = open_pack(w, s, kind, err);
			*open = s;
		} else {
			pthread_cond_wait(&w->changed, &w->lock);
		}
		if (rc < 0)
			return rc;
	}
}

/* A place in a pack that nobody else has. */
struct place {
	struct mv_slot *slot;
	size_t ordinal;
	size_t offset;
};

static int
reserve(struct mv_writer *w, const struct mv_batch *b, size_t sealed,
    struct place *out, struct mv_err *err)
{
	struct mv_slot *s;
	int rc;

	pthread_mutex_lock(&w->lock);
	rc = find_room(w, b->kind, sealed, b->n, &s, err);
	if (rc == 0) {
		*out = (struct place){ s, s->origin->nsegs, s->buf.len };
		s->origin->segs[s->origin->nsegs++] =
		    (struct mv_footer_segment){ .present = true };
		s->buf.len += sealed;
		s->footer_bytes += FOOTER_SEGMENT +
		    b->n * sizeof(struct mv_id16);
		s->sealing++;
	}
	pthread_mutex_unlock(&w->lock);
	return rc;
}

static int
leave(struct mv_writer *w, struct mv_slot *s, struct mv_err *err)
{
	bool last;

	pthread_mutex_lock(&w->lock);
	last = --s->sealing == 0 && s->state == MV_SLOT_CLOSED;
	pthread_mutex_unlock(&w->lock);
	return last ? finish_pack(w, s, err) : 0;
}

static void
seal(struct mv_writer *w, const struct place *at, const struct mv_buf *plain)
{
	mv_auto(mv_key_wipe) struct mv_key key = { 0 };
	uint8_t nonce[MV_NONCE_BYTES], ad[MV_SEGMENT_AD_BYTES];
	const struct mv_footer_origin *o = at->slot->origin;

	mv_secret_key(at->slot->key, &key);
	mv_segment_nonce((uint32_t)at->ordinal, nonce);
	mv_segment_ad(mv_repo_id(w->repo), at->slot->footer.kind, &o->id,
	    (uint32_t)at->ordinal, ad);
	mv_aead_seal(&key, nonce, ad, sizeof(ad), plain->p, plain->len,
	    at->slot->buf.p + at->offset);
}

int
mv_slot_store(struct mv_writer *w, const struct mv_batch *b,
    const struct mv_buf *plain, struct mv_err *err)
{
	size_t sealed = plain->len + MV_TAG_BYTES;
	struct mv_footer_segment *seg;
	struct mv_id16 *ids;
	struct place at;
	int rc;

	/* Before a place is taken: one that stays empty would be a hole. */
	ids = malloc(b->n * sizeof(*ids));
	if (ids == NULL)
		return mv_err_set(err, MV_ENOMEM, "segment");
	memcpy(ids, b->ids, b->n * sizeof(*ids));
	rc = reserve(w, b, sealed, &at, err);
	if (rc < 0) {
		free(ids);
		return rc;
	}
	seal(w, &at, plain);
	/* The array does not move, and this element is ours alone. */
	seg = &at.slot->origin->segs[at.ordinal];
	seg->offset = (uint32_t)at.offset;
	seg->len = (uint32_t)sealed;
	seg->ids = ids;
	seg->nids = b->n;
	mv_sha256(at.slot->buf.p + at.offset, sealed, seg->hash);
	return leave(w, at.slot, err);
}

static bool
all_free(const struct mv_writer *w)
{
	size_t i;

	for (i = 0; i < MV_WRITER_SLOTS; i++)
		if (w->slots[i].state != MV_SLOT_FREE)
			return false;
	return true;
}

int
mv_slots_flush(struct mv_writer *w, struct mv_err *err)
{
	size_t i;
	int rc = 0;

	pthread_mutex_lock(&w->lock);
	for (i = 0; rc == 0 && i < MV_ARRAY_LEN(w->open); i++)
		if (w->open[i] != NULL)
			rc = close_pack(w, &w->open[i], err);
	while (rc == 0 && !all_free(w) && !atomic_load(&w->failed))
		pthread_cond_wait(&w->changed, &w->lock);
	pthread_mutex_unlock(&w->lock);
	return rc < 0 ? rc : mv_writer_check(w, err);
}
