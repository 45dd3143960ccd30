/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "repo/check_internal.h"

/* A pack in memory, and what is known of it so far. */
struct whole {
	const struct mv_pack_check *pc;
	const struct mv_name *name;
	const uint8_t *p;
	size_t len;
	uint32_t fill_end;	/* where the footer starts */
	struct mv_footer *footer;
};

static int
say_all(const struct whole *w, const char *what, struct mv_err *err)
{
	return w->pc->say(w->pc->arg, NULL, 0, what, err);
}

/* A verdict becomes a sentence; what is wrong with us stays an error. */
static int
say_verdict(const struct whole *w, int rc, const struct mv_err *why,
    struct mv_err *err)
{
	char text[MV_ERR_TEXT_MAX];

	mv_err_text(why, text, sizeof(text));
	if (rc == MV_ENOMEM || rc == MV_EINTR)
		return mv_err_set(err, rc, "%s", text);
	return say_all(w, text, err);
}

static int
open_footer(struct whole *w, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf payload = { 0 };
	const struct mv_epoch_secrets *s;
	struct mv_header h;
	uint32_t len = 0;
	int rc;

	if (w->len < MV_PACK_START + MV_TRAILER_BYTES)
		return mv_err_set(err, MV_ECORRUPT, "it is too short");
	rc = mv_header_decode(w->p, w->len, &h, err);
	if (rc < 0)
		return rc;
	if (h.kind != MV_KIND_DATA_PACK && h.kind != MV_KIND_NODE_PACK)
		return mv_err_set(err, MV_ECORRUPT, "it is not a pack");
	rc = mv_header_expect(w->p, w->len, h.kind, mv_repo_id(w->pc->repo),
	    &h, err);
	if (rc < 0)
		return rc;
	if (memcmp(w->p + MV_HEADER_BYTES, w->name->id.b,
	    sizeof(w->name->id.b)) != 0)
		return mv_err_set(err, MV_ECORRUPT,
		    "it holds another pack than its name says");
	s = mv_repo_epoch(w->pc->repo, h.epoch);
	if (s == NULL || (s->has & 1) == 0)
		return mv_err_set(err, MV_EAUTH,
		    "our keys do not open epoch %" PRIu32, h.epoch);
	rc = mv_trailer_open(&s->structure, w->p,
	    w->p + w->len - MV_TRAILER_BYTES, w->len, &w->fill_end, &len,
	    err);
	if (rc == 0)
		rc = mv_footer_open(&s->structure, w->p, w->p + w->fill_end,
		    len, &payload, err);
	if (rc == 0)
		rc = mv_footer_decode(h.kind, w->len, payload.p, payload.len,
		    w->footer, err);
	return rc;
}

/* A present segment, for sorting by where it lies. */
struct placed {
	const struct mv_footer_origin *origin;
	uint32_t ordinal;
	const struct mv_footer_segment *seg;
};

static int
by_offset(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	return x->seg->offset < y->seg->offset ? -1 :
	    x->seg->offset > y->seg->offset;
}

static int
collect(const struct mv_footer *f, struct placed **out, size_t *n,
    struct mv_err *err)
{
	struct placed *p;
	size_t i, k, max = 0;

	for (i = 0; i < f->norigins; i++)
		max += f->origins[i].nsegs;
	p = malloc((max + 1) * sizeof(*p));
	if (p == NULL)
		return mv_err_set(err, MV_ENOMEM, "check pack");
	*n = 0;
	for (i = 0; i < f->norigins; i++)
		for (k = 0; k < f->origins[i].nsegs; k++)
			if (f->origins[i].segs[k].present)
				p[(*n)++] = (struct placed){ &f->origins[i],
				    (uint32_t)k, &f->origins[i].segs[k] };
	qsort(p, *n, sizeof(*p), by_offset);
	*out = p;
	return 0;
}

/* Segments back to back from the start, then fill: no byte is left over. */
static int
check_layout(const struct whole *w, const struct placed *p, size_t n,
    struct mv_err *err)
{
	uint8_t hash[MV_HASH_BYTES];
	uint64_t at = MV_PACK_START;
	size_t i;

	for (i = 0; i < n && p[i].seg->offset == at; i++)
		at += p[i].seg->len;
	if (i < n || at > w->fill_end)
		return say_all(w, "its segments overlap or leave gaps", err);
	mv_sha256(w->p + at, w->fill_end - (size_t)at, hash);
	if (memcmp(hash, w->footer->fill_hash, sizeof(hash)) != 0)
		return say_all(w, "its fill is damaged", err);
	return 0;
}

static int
say_segment(const struct whole *w, const struct placed *p, const char *why,
    struct mv_err *err)
{
	char text[MV_ERR_TEXT_MAX + 64];

	(void)snprintf(text, sizeof(text), "segment %" PRIu32 " %s",
	    p->ordinal, why);
	return w->pc->say(w->pc->arg, &p->origin->id, p->ordinal, text, err);
}

/* Do the chunks of an opened segment have the ids that the footer gives? */
static int
compare_ids(const struct whole *w, const struct placed *p,
    const struct mv_buf *raw, const struct mv_segment *seg,
    struct mv_err *err)
{
	const struct mv_segment_chunk *c;
	struct mv_id16 id;
	size_t i;
	int rc;

	if (seg->n != p->seg->nids)
		return say_segment(w, p, "has another number of chunks than "
		    "the footer says", err);
	for (i = 0; i < seg->n; i++) {
		c = &seg->chunks[i];
		if (w->footer->kind == MV_KIND_NODE_PACK)
			rc = mv_idhash_node(w->pc->h, p->origin->epoch,
			    raw->p + c->offset, c->len, &id, err);
		else if (c->media)
			rc = mv_idhash_media(w->pc->h, c->file_key,
			    raw->p + c->offset, c->len, &id, err);
		else
			rc = mv_idhash_db(w->pc->h, p->origin->epoch,
			    raw->p + c->offset, c->len, &id, err);
		if (rc < 0)
			return rc;
		if (!mv_equal(&id, &p->seg->ids[i], sizeof(id)))
			return say_segment(w, p, "holds a chunk that is not "
			    "what its id says", err);
	}
	return 0;
}

static int
check_contents(const struct whole *w, const struct placed *p,
    struct mv_buf *raw, struct mv_err *err)
{
	mv_auto(mv_segment_clear) struct mv_segment seg = { 0 };
	struct mv_location loc = { .kind = w->footer->kind,
	    .origin = p->origin->id, .epoch = p->origin->epoch,
	    .ordinal = p->ordinal, .len = p->seg->len };
	char why[MV_ERR_TEXT_MAX], text[MV_ERR_TEXT_MAX + 16];
	struct mv_err own = { 0 };
	int rc;

	memcpy(loc.wrap, p->origin->wrap, sizeof(loc.wrap));
	rc = mv_opener_open(w->pc->opener, &loc, w->p + p->seg->offset, raw,
	    &seg, &own);
	if (rc == 0)
		return compare_ids(w, p, raw, &seg, err);
	mv_err_text(&own, why, sizeof(why));
	if (rc == MV_ENOMEM || rc == MV_EINTR)
		return mv_err_set(err, rc, "%s", why);
	(void)snprintf(text, sizeof(text), "does not open: %s", why);
	return say_segment(w, p, text, err);
}

static int
check_segments(const struct whole *w, const struct placed *p, size_t n,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf raw = { 0 };
	uint8_t hash[MV_HASH_BYTES];
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < n; i++) {
		mv_sha256(w->p + p[i].seg->offset, p[i].seg->len, hash);
		if (memcmp(hash, p[i].seg->hash, sizeof(hash)) != 0)
			rc = say_segment(w, &p[i], "is damaged", err);
		else if (w->pc->contents ||
		    w->footer->kind == MV_KIND_NODE_PACK)
			rc = check_contents(w, &p[i], &raw, err);
	}
	return rc;
}

int
mv_pack_check(const struct mv_pack_check *pc, const struct mv_name *name,
    const uint8_t *p, size_t len, struct mv_footer *footer,
    struct mv_err *err)
{
	mv_auto(mv_footer_clear) struct mv_footer f = { 0 };
	mv_auto(mv_freep) struct placed *placed = NULL;
	struct whole w = { .pc = pc, .name = name, .p = p, .len = len,
	    .footer = &f };
	struct mv_err own = { 0 };
	size_t n = 0;
	int rc;

	rc = open_footer(&w, &own);
	if (rc == 0)
		rc = mv_footer_verify(pc->repo, &f, &own);
	if (rc < 0)
		return say_verdict(&w, rc, &own, err);
	rc = collect(&f, &placed, &n, err);
	if (rc == 0)
		rc = check_layout(&w, placed, n, err);
	if (rc == 0)
		rc = check_segments(&w, placed, n, err);
	if (rc < 0)
		return rc;
	/* Last, so that what is damaged is named more closely before. */
	if (mv_object_verify(p, len, &name->hash, "pack", NULL) < 0)
		rc = say_all(&w, "its SHA-256 is not the one in its name",
		    err);
	*footer = f;
	f = (struct mv_footer){ 0 };
	return rc;
}
