/* SPDX-License-Identifier: MIT */
#include "repo/sizes.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/stop.h"
#include "repo/check_internal.h"

struct mv_sizes {
	struct mv_repo *repo;
	struct mv_index *index;
	struct mv_segset once, twice;	/* pinned by one, by more snapshots */
	struct mv_size all;
};

int
mv_sizes_new(struct mv_repo *r, struct mv_sizes **out, struct mv_err *err)
{
	mv_auto(mv_sizes_freep) struct mv_sizes *s = NULL;
	int rc;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return mv_err_set(err, MV_ENOMEM, "count segments");
	s->repo = r;
	rc = mv_index_open(r, 0, &s->index, err);
	if (rc < 0)
		return rc;
	*out = mv_take(&s);
	return 0;
}

void
mv_sizes_free(struct mv_sizes *s)
{
	if (s == NULL)
		return;
	mv_segset_clear(&s->once);
	mv_segset_clear(&s->twice);
	mv_index_free(s->index);
	free(s);
}

void
mv_sizes_freep(struct mv_sizes **s)
{
	mv_sizes_free(*s);
	*s = NULL;
}

/* A pin does not say of which kind its pack is. */
static bool
find_segment(struct mv_sizes *s, const struct mv_id16 *origin,
    uint32_t ordinal, struct mv_location *out)
{
	return mv_index_find_segment(s->index, MV_KIND_DATA_PACK, origin,
	    ordinal, out, 1) > 0 || mv_index_find_segment(s->index,
	    MV_KIND_NODE_PACK, origin, ordinal, out, 1) > 0;
}

static int
note_segment(struct mv_sizes *s, const struct mv_pin *pin, uint32_t ordinal,
    struct mv_err *err)
{
	struct mv_location loc;
	int rc;

	if (mv_segset_has(&s->once, &pin->origin, ordinal))
		return mv_segset_add(&s->twice, &pin->origin, pin->nbits,
		    ordinal, err);
	rc = mv_segset_add(&s->once, &pin->origin, pin->nbits, ordinal, err);
	if (rc < 0)
		return rc;
	s->all.segments++;
	if (find_segment(s, &pin->origin, ordinal, &loc))
		s->all.stored += loc.len;
	else
		s->all.missing++;
	return 0;
}

static int
count_segment(struct mv_sizes *s, const struct mv_pin *pin, uint32_t ordinal,
    struct mv_size *out)
{
	struct mv_location loc;

	out->segments++;
	if (!find_segment(s, &pin->origin, ordinal, &loc)) {
		out->missing++;
		return 0;
	}
	out->stored += loc.len;
	if (!mv_segset_has(&s->twice, &pin->origin, ordinal))
		out->unique += loc.len;
	return 0;
}

/* Every segment that snap pins: noted, or counted where out is given. */
static int
each_pin(struct mv_sizes *s, const struct mv_snapshot *snap,
    struct mv_size *out, struct mv_err *err)
{
	mv_auto(mv_reader_freep) struct mv_reader *rd = NULL;
	mv_auto(mv_idhash_freep) struct mv_idhash *h = NULL;
	const struct mv_pin *pin;
	struct mv_pins *pins = NULL;
	uint32_t k;
	size_t i;
	int rc;

	rc = mv_reader_open_over(s->repo, s->index, snap, &rd, err);
	if (rc == 0)
		rc = mv_idhash_new(s->repo, &h, err);
	if (rc == 0)
		rc = mv_pins_load(rd, h, snap, &pins, err);
	if (rc < 0)
		return rc;
	for (i = 0; rc == 0 && i < mv_pins_count(pins); i++) {
		pin = mv_pins_at(pins, i);
		for (k = 0; rc == 0 && k < pin->nbits; k++)
			if (pin->bits[k / 8] >> k % 8 & 1)
				rc = out != NULL ?
				    count_segment(s, pin, k, out) :
				    note_segment(s, pin, k, err);
		if (rc == 0)
			rc = mv_stop_check(err);
	}
	mv_pins_free(pins);
	return rc;
}

int
mv_sizes_add(struct mv_sizes *s, const struct mv_snapshot *snap,
    struct mv_err *err)
{
	return mv_err_ctx(err, each_pin(s, snap, NULL, err),
	    "count the segments of a snapshot");
}

int
mv_sizes_snapshot(struct mv_sizes *s, const struct mv_snapshot *snap,
    struct mv_size *out, struct mv_err *err)
{
	*out = (struct mv_size){ 0 };
	return mv_err_ctx(err, each_pin(s, snap, out, err),
	    "count the segments of a snapshot");
}

void
mv_sizes_all(const struct mv_sizes *s, struct mv_size *out)
{
	*out = s->all;
}

/* stream: the segments that one stream lies in, each once. */
struct stream {
	struct mv_reader *rd;
	struct mv_segset seen;
	struct mv_location last;
	struct mv_size *out;
};

static int
count_chunk(struct stream *t, const struct mv_id16 *id, struct mv_err *err)
{
	struct mv_location loc;
	int rc;

	t->out->chunks++;
	if (!mv_reader_locate(t->rd, MV_KIND_DATA_PACK, id, &loc)) {
		t->out->missing++;
		return 0;
	}
	/* Neighbours mostly lie in one segment. */
	if (t->last.len > 0 && t->last.ordinal == loc.ordinal &&
	    memcmp(t->last.origin.b, loc.origin.b, sizeof(loc.origin.b)) == 0)
		return 0;
	t->last = loc;
	if (mv_segset_has(&t->seen, &loc.origin, loc.ordinal))
		return 0;
	rc = mv_segset_add(&t->seen, &loc.origin, loc.origin_segs,
	    loc.ordinal, err);
	t->out->segments++;
	t->out->stored += loc.len;
	return rc;
}

static int
walk_stream(struct mv_sizes *s, struct stream *t, const struct mv_root *root,
    struct mv_err *err)
{
	mv_auto(mv_descent_freep) struct mv_descent *walk = NULL;
	mv_auto(mv_idhash_freep) struct mv_idhash *h = NULL;
	const struct mv_id16 *ids = NULL;
	size_t i, n = 1;
	int rc;

	rc = mv_idhash_new(s->repo, &h, err);
	if (rc == 0)
		rc = mv_descent_open(t->rd, h, root, &walk, err);
	while (rc == 0 && n > 0) {
		rc = mv_descent_next(walk, &ids, &n, err);
		for (i = 0; rc == 0 && i < n; i++)
			rc = count_chunk(t, &ids[i], err);
		if (rc == 0)
			rc = mv_stop_check(err);
	}
	return rc;
}

int
mv_sizes_stream(struct mv_sizes *s, const struct mv_snapshot *snap,
    const struct mv_root *root, struct mv_size *out, struct mv_err *err)
{
	struct stream t = { .out = out };
	int rc;

	*out = (struct mv_size){ 0 };
	rc = mv_reader_open_over(s->repo, s->index, snap, &t.rd, err);
	if (rc == 0)
		rc = walk_stream(s, &t, root, err);
	mv_segset_clear(&t.seen);
	mv_reader_free(t.rd);
	return rc;
}

struct packs {
	uint64_t n, bytes;
};

static int
each_pack(const char *name, uint64_t size, void *arg)
{
	struct packs *p = arg;

	(void)name;
	p->n++;
	p->bytes += size;
	return 0;
}

int
mv_sizes_packs(struct mv_sizes *s, uint64_t *packs, uint64_t *bytes,
    struct mv_err *err)
{
	struct packs p = { 0 };
	int rc;

	rc = mv_store_list(mv_repo_store(s->repo, 0), "packs/", each_pack, &p,
	    err);
	if (rc < 0)
		return rc;
	*packs = p.n;
	*bytes = p.bytes;
	return 0;
}
