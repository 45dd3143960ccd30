/* SPDX-License-Identifier: MIT */
/*
 * index_learn: what the stores list against what the runs know.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/stop.h"
#include "format/index.h"
#include "repo/index_internal.h"

/* A builder of this many entries (6 MiB) becomes a run. */
#define LEARN_ENTRIES (256u << 10)
/* Index objects are written long before they get here. */
#define INDEX_OBJECT_MAX (64u << 20)

/* In which of the stores that answer a pack of this size is. */
enum presence { NOWHERE, SOMEWHERE, EVERYWHERE };

static enum presence
presence_of(const struct mv_listing *packs, const struct mv_listed *o,
    uint64_t size)
{
	size_t i, n = 0, answer = 0;

	for (i = 0; i < packs->nstores; i++) {
		answer += packs->failed[i] == NULL;
		n += o->sizes[i] == size;
	}
	return n == 0 ? NOWHERE : n == answer ? EVERYWHERE : SOMEWHERE;
}

static const struct mv_listed *
find_pack(const struct mv_listing *packs, const struct mv_id16 *id,
    const struct mv_id32 *hash)
{
	char name[MV_OBJECT_NAME_MAX];

	mv_object_name(MV_KIND_DATA_PACK, 0, id, hash, name);
	return mv_listing_find(packs, name);
}

static void
mark_run(struct mv_index *ix, struct mv_run *run,
    const struct mv_listing *packs, uint8_t *known)
{
	enum presence enough = (ix->flags & MV_INDEX_EVERYWHERE) ?
	    EVERYWHERE : SOMEWHERE, is;
	const struct mv_run_origin *o;
	const struct mv_listed *l;
	uint8_t *usable = run->listed;
	size_t i;

	/* For a moment it holds presence; a pack in two runs counts once. */
	for (i = 0; i < run->npacks; i++) {
		l = find_pack(packs, &run->packs[i].id, &run->packs[i].hash);
		is = NOWHERE;
		if (l != NULL && !known[l - packs->p])
			is = presence_of(packs, l, run->packs[i].size);
		if (is != NOWHERE)
			known[l - packs->p] = 1;
		usable[i] = (uint8_t)is;
	}
	for (i = 0; i < run->norigins; i++) {
		o = &run->origins[i];
		run->counts[i] = usable[o->pack] >= enough &&
		    mv_repo_trusts(ix->repo, o->writer, o->seq) ?
		    MV_RUN_COUNTS : MV_RUN_ABSENT;
	}
	for (i = 0; i < run->npacks; i++)
		run->listed[i] = run->listed[i] != NOWHERE;
}

int
mv_index_mark(struct mv_index *ix, const struct mv_listing *packs,
    uint8_t *known, struct mv_err *err)
{
	size_t i;
	int rc;

	for (i = 0; i < ix->nruns; i++) {
		rc = mv_stop_check(err);
		if (rc < 0)
			return rc;
		mark_run(ix, ix->runs[i], packs, known);
	}
	return 0;
}

struct learn {
	struct mv_index *ix;
	const struct mv_listing *packs;
	uint8_t *known;
	struct mv_run_builder b;
};

static void
learn_clear(struct learn *l)
{
	mv_run_builder_clear(&l->b);
}

/* New runs are marked like old ones, without what they cover becoming new. */
static int
flush(struct learn *l, struct mv_err *err)
{
	mv_auto(mv_freep) uint8_t *fresh = NULL;
	size_t n = l->ix->nruns;
	int rc;

	fresh = calloc(l->packs->n + 1, 1);
	if (fresh == NULL)
		return mv_err_set(err, MV_ENOMEM, "index");
	rc = mv_index_add_run(l->ix, &l->b, MV_RUN_COUNTS, err);
	if (rc == 0 && l->ix->nruns > n)
		mark_run(l->ix, l->ix->runs[n], l->packs, fresh);
	if (rc == 0)
		mv_index_tidy(l->ix);
	return rc;
}

static int
learn_pack(struct learn *l, const struct mv_listed *o, uint64_t size,
    enum mv_kind kind, const struct mv_footer *f, struct mv_err *err)
{
	struct mv_run_pack pack = {
		.id = o->what.id,
		.hash = o->what.hash,
		.size = size,
		.kind = kind,
	};
	int rc;

	rc = mv_run_builder_add(&l->b, &pack, f, err);
	if (rc < 0)
		return rc;
	l->known[o - l->packs->p] = 1;
	return l->b.nentries >= LEARN_ENTRIES ? flush(l, err) : 0;
}

/* One pack in an index object; what does not fit the listing is left out. */
static int
learn_from_index(const struct mv_index_pack *p, void *arg, struct mv_err *err)
{
	mv_auto(mv_footer_clear) struct mv_footer f = { 0 };
	struct learn *l = arg;
	const struct mv_listed *o;
	int rc;

	o = find_pack(l->packs, &p->id, &p->hash);
	if (o == NULL || l->known[o - l->packs->p] ||
	    presence_of(l->packs, o, p->size) == NOWHERE)
		return 0;
	rc = mv_footer_decode(p->kind, p->size, p->footer, p->footer_len, &f,
	    err);
	if (rc == 0)
		rc = mv_footer_verify(l->ix->repo, &f, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "footer of '%s'", o->name);
	return learn_pack(l, o, p->size, p->kind, &f, err);
}

static int
read_index(struct learn *l, const char *name, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf obj = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf payload = { 0 };
	mv_auto(mv_key_wipe) struct mv_key k = { 0 };
	struct mv_repo *r = l->ix->repo;
	const struct mv_epoch_secrets *s;
	struct mv_header h;
	int rc;

	rc = mv_repo_get(r, name, INDEX_OBJECT_MAX, &obj, err);
	if (rc == 0)
		rc = mv_header_expect(obj.p, obj.len, MV_KIND_INDEX,
		    mv_repo_id(r), &h, err);
	if (rc < 0)
		return rc;
	s = mv_repo_epoch(r, h.epoch);
	if (s == NULL)
		return mv_err_set(err, MV_EAUTH,
		    "no key here opens epoch %u", h.epoch);
	mv_kdf(&s->structure, "mastvault 1 index", &k);
	rc = mv_object_open(&k, obj.p, obj.len, &payload, err);
	if (rc < 0)
		return rc;
	return mv_index_decode(payload.p, payload.len, learn_from_index, l,
	    err);
}

/* Ends the whole matter, rather than being the fault of one object. */
static bool
is_fatal(int rc)
{
	return rc == MV_ENOMEM || rc == MV_EINTR;
}

static int
set_aside(struct mv_err *err, int rc, struct mv_err *why, const char *name)
{
	char text[MV_ERR_TEXT_MAX];

	if (is_fatal(rc)) {
		if (err != NULL)
			*err = *why;
		return rc;
	}
	(void)mv_err_text(why, text, sizeof(text));
	mv_warn("'%s' is set aside: %s", name, text);
	return 0;
}

static bool
is_source(const struct mv_index *ix, const struct mv_id32 *hash)
{
	size_t i, j;

	for (i = 0; i < ix->nruns; i++)
		for (j = 0; j < ix->runs[i]->nsources; j++)
			if (memcmp(ix->runs[i]->sources[j].b, hash->b,
			    sizeof(hash->b)) == 0)
				return true;
	return false;
}

static int
learn_indexes(struct learn *l, struct mv_err *err)
{
	mv_auto(mv_listing_clear) struct mv_listing list = { 0 };
	const struct mv_listed *o;
	size_t i;
	int rc;

	rc = mv_listing_load(l->ix->repo, "index/", &list, err);
	for (i = 0; rc == 0 && i < list.n; i++) {
		struct mv_err why = { 0 };

		o = &list.p[i];
		if (is_source(l->ix, &o->what.hash))
			continue;
		rc = mv_stop_check(err);
		if (rc < 0)
			break;
		rc = read_index(l, o->name, &why);
		if (rc < 0)
			rc = set_aside(err, rc, &why, o->name);
		else
			rc = mv_run_builder_source(&l->b, &o->what.hash, err);
	}
	return rc;
}

/* The pack's own footer, from the first store that gives one. */
static int
learn_footer(struct learn *l, const struct mv_listed *o, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf payload = { 0 };
	struct mv_err why = { 0 };
	size_t i;
	int rc = 0;

	for (i = 0; i < l->packs->nstores; i++) {
		mv_auto(mv_footer_clear) struct mv_footer f = { 0 };

		if (o->sizes[i] == MV_ABSENT)
			continue;
		why = (struct mv_err){ 0 };
		rc = mv_pack_footer_get(l->ix->repo,
		    mv_repo_store(l->ix->repo, i), &o->what, o->sizes[i],
		    &payload, &f, &why);
		if (rc == 0)
			return learn_pack(l, o, o->sizes[i], f.kind, &f, err);
		if (is_fatal(rc))
			break;
	}
	return rc < 0 ? set_aside(err, rc, &why, o->name) : 0;
}

static int
learn_footers(struct learn *l, struct mv_err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < l->packs->n; i++) {
		if (l->known[i])
			continue;
		rc = mv_stop_check(err);
		if (rc == 0)
			rc = learn_footer(l, &l->packs->p[i], err);
	}
	return rc;
}

static bool
all_known(const struct learn *l)
{
	size_t i;

	for (i = 0; i < l->packs->n; i++)
		if (!l->known[i])
			return false;
	return true;
}

int
mv_index_learn(struct mv_index *ix, const struct mv_listing *packs,
    uint8_t *known, struct mv_err *err)
{
	mv_auto(learn_clear) struct learn l = {
		.ix = ix,
		.packs = packs,
		.known = known,
	};
	int rc;

	if (all_known(&l))
		return 0;
	rc = ix->flags & MV_INDEX_FOOTERS ? 0 : learn_indexes(&l, err);
	if (rc == 0)
		rc = learn_footers(&l, err);
	if (rc < 0)
		return rc;
	return flush(&l, err);
}
