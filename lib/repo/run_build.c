/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "repo/run_internal.h"

/* Numbers are 32 bits wide in a run. */
#define COUNT_MAX UINT32_MAX

void
mv_run_builder_clear(struct mv_run_builder *b)
{
	free(b->packs);
	free(b->origins);
	free(b->segs);
	free(b->entries);
	free(b->sources);
	*b = (struct mv_run_builder){ 0 };
}

/* Room for `more` elements of *p. */
static int
grow(void *p, size_t size, size_t n, size_t more, size_t *cap,
    struct mv_err *err)
{
	size_t want = *cap > 0 ? *cap : 64;
	void *array, *bigger;

	if (more > COUNT_MAX - n)
		return mv_err_set(err, MV_ENOMEM, "index run is too large");
	if (n + more <= *cap)
		return 0;
	while (want < n + more)
		want *= 2;
	memcpy(&array, p, sizeof(array));
	bigger = reallocarray(array, want, size);
	if (bigger == NULL)
		return mv_err_set(err, MV_ENOMEM, "index of %zu entries", want);
	memcpy(p, &bigger, sizeof(bigger));
	*cap = want;
	return 0;
}

#define GROW(b, what, more, err)					\
	grow(&(b)->what, sizeof(*(b)->what), (b)->n##what, (more),	\
	    &(b)->cap_##what, (err))

/* How much an origin has in this pack. */
static void
count_present(const struct mv_footer_origin *o, size_t *segs, size_t *ids)
{
	size_t i;

	*segs = *ids = 0;
	for (i = 0; i < o->nsegs; i++) {
		if (!o->segs[i].present)
			continue;
		(*segs)++;
		*ids += o->segs[i].nids;
	}
}

static void
add_segment(struct mv_run_builder *b, enum mv_kind kind, size_t ordinal,
    const struct mv_footer_segment *s)
{
	struct mv_run_seg *seg = &b->segs[b->nsegs];
	size_t i;

	*seg = (struct mv_run_seg){
		.origin = (uint32_t)b->norigins,
		.ordinal = (uint32_t)ordinal,
		.offset = s->offset,
		.len = s->len,
	};
	memcpy(seg->hash, s->hash, sizeof(seg->hash));
	for (i = 0; i < s->nids; i++)
		b->entries[b->nentries++] = (struct mv_run_entry){
			.id = s->ids[i],
			.seg = (uint32_t)b->nsegs,
			.position = (uint16_t)i,
			.kind = (uint16_t)kind,
		};
	b->nsegs++;
}

static int
add_origin(struct mv_run_builder *b, enum mv_kind kind,
    const struct mv_footer_origin *o, struct mv_err *err)
{
	struct mv_run_origin *to;
	size_t i, segs, ids;
	int rc;

	count_present(o, &segs, &ids);
	rc = GROW(b, origins, 1, err);
	if (rc == 0)
		rc = GROW(b, segs, segs, err);
	if (rc == 0)
		rc = GROW(b, entries, ids, err);
	if (rc < 0)
		return rc;
	to = &b->origins[b->norigins];
	*to = (struct mv_run_origin){
		.id = o->id,
		.seq = o->seq,
		.pack = (uint32_t)b->npacks,
		.epoch = o->epoch,
		.writer = o->writer,
		.nsegs = (uint32_t)o->nsegs,
		.first = (uint32_t)b->nsegs,
		.present = (uint32_t)segs,
	};
	memcpy(to->wrap, o->wrap, sizeof(to->wrap));
	for (i = 0; i < o->nsegs; i++)
		if (o->segs[i].present)
			add_segment(b, kind, i, &o->segs[i]);
	b->norigins++;
	return 0;
}

int
mv_run_builder_add(struct mv_run_builder *b, const struct mv_run_pack *pack,
    const struct mv_footer *f, struct mv_err *err)
{
	size_t origins = b->norigins, segs = b->nsegs, entries = b->nentries;
	size_t i;
	int rc;

	rc = GROW(b, packs, 1, err);
	for (i = 0; rc == 0 && i < f->norigins; i++)
		rc = add_origin(b, f->kind, &f->origins[i], err);
	if (rc < 0) {
		/* Half a pack would pass for a whole one. */
		b->norigins = origins;
		b->nsegs = segs;
		b->nentries = entries;
		return rc;
	}
	b->packs[b->npacks] = *pack;
	b->packs[b->npacks++].zero = 0;
	return 0;
}

int
mv_run_builder_source(struct mv_run_builder *b, const struct mv_id32 *hash,
    struct mv_err *err)
{
	int rc;

	rc = GROW(b, sources, 1, err);
	if (rc == 0)
		b->sources[b->nsources++] = *hash;
	return rc;
}

static int
cmp_entries(const void *a, const void *b)
{
	const struct mv_run_entry *x = a, *y = b;

	return memcmp(x->id.b, y->id.b, sizeof(x->id.b));
}

static void
copy(void *to, const void *from, size_t n, size_t size)
{
	if (n > 0)
		memcpy(to, from, n * size);
}

int
mv_run_build(struct mv_run_builder *b, const struct mv_run_place *at,
    struct mv_run **out, struct mv_err *err)
{
	mv_auto(mv_run_draft_clear) struct mv_run_draft d = MV_RUN_DRAFT_INIT;
	struct mv_run_header h = {
		.magic = MV_RUN_MAGIC,
		.repo = *at->repo,
		.nentries = b->nentries,
		.npacks = (uint32_t)b->npacks,
		.norigins = (uint32_t)b->norigins,
		.nsegs = (uint32_t)b->nsegs,
		.nsources = (uint32_t)b->nsources,
	};
	int rc;

	rc = mv_run_draft_begin(&d, &h, at, err);
	if (rc < 0)
		return rc;
	if (b->nentries > 0)
		qsort(b->entries, b->nentries, sizeof(*b->entries),
		    cmp_entries);
	copy(d.packs, b->packs, b->npacks, sizeof(*b->packs));
	copy(d.origins, b->origins, b->norigins, sizeof(*b->origins));
	copy(d.segs, b->segs, b->nsegs, sizeof(*b->segs));
	copy(d.entries, b->entries, b->nentries, sizeof(*b->entries));
	copy(d.sources, b->sources, b->nsources, sizeof(*b->sources));
	rc = mv_run_draft_finish(&d, at, out, err);
	if (rc < 0)
		return rc;
	mv_run_builder_clear(b);
	return 0;
}
