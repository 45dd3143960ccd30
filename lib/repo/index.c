/* SPDX-License-Identifier: MIT */
#include "repo/index.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "repo/index_internal.h"
#include "repo/index_write.h"

/*
 * The key of local files is made of the oldest epoch's S that we have, which
 * does not change when an epoch begins.
 */
static int
make_hmac(struct mv_index *ix, struct mv_err *err)
{
	mv_auto(mv_key_wipe) struct mv_key k = { 0 };
	const struct mv_epoch_secrets *s = NULL;
	uint32_t i, newest = mv_repo_newest_epoch(ix->repo);

	for (i = 1; i <= newest && s == NULL; i++)
		s = mv_repo_epoch(ix->repo, i);
	if (s == NULL)
		return mv_err_set(err, MV_EAUTH,
		    "the index takes a key with the structure secret");
	mv_kdf(&s->structure, "mastvault 1 local index", &k);
	return mv_hmac_new(&k, &ix->hmac, err);
}

static int
new_index(struct mv_repo *r, unsigned flags, struct mv_index **out,
    struct mv_err *err)
{
	struct mv_index *ix = calloc(1, sizeof(*ix));
	int rc;

	if (ix == NULL)
		return mv_err_set(err, MV_ENOMEM, "index");
	ix->repo = r;
	ix->flags = flags;
	ix->dirfd = ix->lock = -1;
	(void)pthread_rwlock_init(&ix->runs_lock, NULL);
	(void)pthread_mutex_init(&ix->claims_lock, NULL);
	rc = make_hmac(ix, err);
	if (rc < 0) {
		mv_index_free(ix);
		return rc;
	}
	ix->place = (struct mv_run_place){
		.dirfd = -1,
		.repo = mv_repo_id(r),
		.hmac = ix->hmac,
	};
	*out = ix;
	return 0;
}

/* What a writer's store lacks has to be put there, unless it is left out. */
static int
list_packs(struct mv_index *ix, struct mv_listing *packs, struct mv_err *err)
{
	size_t i;
	int rc;

	rc = mv_listing_load(ix->repo, "packs/", packs, err);
	if (rc < 0 || !(ix->flags & MV_INDEX_EVERYWHERE))
		return rc;
	for (i = 0; i < packs->nstores; i++)
		if (packs->failed[i] != NULL &&
		    !mv_repo_leave_out(ix->repo, i, packs->failed[i]))
			return mv_err_set(err, MV_EIO, "list packs: %s",
			    packs->failed[i]);
	return 0;
}

int
mv_index_open(struct mv_repo *r, unsigned flags, struct mv_index **out,
    struct mv_err *err)
{
	mv_auto(mv_listing_clear) struct mv_listing packs = { 0 };
	mv_auto(mv_index_freep) struct mv_index *ix = NULL;
	mv_auto(mv_freep) uint8_t *known = NULL;
	int rc;

	rc = new_index(r, flags, &ix, err);
	if (rc == 0)
		rc = mv_index_load_runs(ix, err);
	if (rc == 0)
		rc = list_packs(ix, &packs, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "open the index");
	known = calloc(packs.n + 1, 1);
	if (known == NULL)
		return mv_err_set(err, MV_ENOMEM, "index of %zu packs",
		    packs.n);
	rc = mv_index_mark(ix, &packs, known, err);
	if (rc == 0)
		rc = mv_index_learn(ix, &packs, known, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "bring the index up to date");
	mv_index_tidy(ix);
	*out = mv_take(&ix);
	return 0;
}

void
mv_index_free(struct mv_index *ix)
{
	size_t i;

	if (ix == NULL)
		return;
	for (i = 0; i < ix->nruns; i++)
		mv_run_free(ix->runs[i]);
	free(ix->runs);
	mv_idset_clear(&ix->claimed);
	mv_hmac_free(ix->hmac);
	mv_fd_closep(&ix->lock);
	mv_fd_closep(&ix->dirfd);
	(void)pthread_mutex_destroy(&ix->claims_lock);
	(void)pthread_rwlock_destroy(&ix->runs_lock);
	free(ix);
}

void
mv_index_freep(struct mv_index **ix)
{
	mv_index_free(*ix);
	*ix = NULL;
}

static void
fill_location(const struct mv_run *run, const struct mv_run_seg *seg,
    enum mv_kind kind, uint16_t position, struct mv_location *out)
{
	const struct mv_run_origin *o = &run->origins[seg->origin];
	const struct mv_run_pack *p = &run->packs[o->pack];

	*out = (struct mv_location){
		.pack = p->id,
		.pack_hash = p->hash,
		.pack_size = p->size,
		.kind = kind,
		.origin = o->id,
		.origin_segs = o->nsegs,
		.epoch = o->epoch,
		.writer = o->writer,
		.seq = o->seq,
		.ordinal = seg->ordinal,
		.offset = seg->offset,
		.len = seg->len,
		.position = position,
	};
	memcpy(out->hash, seg->hash, sizeof(out->hash));
	memcpy(out->wrap, o->wrap, sizeof(out->wrap));
}

bool
mv_location_same(const struct mv_location *a, const struct mv_location *b)
{
	return a->ordinal == b->ordinal && a->epoch == b->epoch &&
	    memcmp(a->origin.b, b->origin.b, sizeof(a->origin.b)) == 0 &&
	    memcmp(a->hash, b->hash, sizeof(a->hash)) == 0 &&
	    memcmp(a->wrap, b->wrap, sizeof(a->wrap)) == 0;
}

/* The next entry with this id and kind that counts, from e on, or NULL. */
static const struct mv_run_entry *
next_entry(const struct mv_run *run, enum mv_kind kind,
    const struct mv_id16 *id, const struct mv_run_entry *e)
{
	const struct mv_run_entry *end = run->entries + run->nentries;

	for (; e != NULL && e < end &&
	    memcmp(e->id.b, id->b, sizeof(id->b)) == 0; e++)
		if (e->kind == kind && run->counts[run->segs[e->seg].origin])
			return e;
	return NULL;
}

size_t
mv_index_find(struct mv_index *ix, enum mv_kind kind,
    const struct mv_id16 *id, size_t skip, struct mv_location *out,
    size_t max)
{
	const struct mv_run_entry *e;
	const struct mv_run *run;
	size_t i, n = 0;

	pthread_rwlock_rdlock(&ix->runs_lock);
	for (i = 0; i < ix->nruns && n < max; i++) {
		run = ix->runs[i];
		e = mv_run_find(run, id);
		for (; n < max && (e = next_entry(run, kind, id, e)) != NULL;
		    e++)
			if (skip > 0)
				skip--;
			else
				fill_location(run, &run->segs[e->seg], kind,
				    e->position, &out[n++]);
	}
	pthread_rwlock_unlock(&ix->runs_lock);
	return n;
}

static const struct mv_run_seg *
find_ordinal(const struct mv_run *run, const struct mv_run_origin *o,
    uint32_t ordinal)
{
	size_t lo = 0, hi = o->present, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (run->segs[o->first + mid].ordinal < ordinal)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == o->present || run->segs[o->first + lo].ordinal != ordinal)
		return NULL;
	return &run->segs[o->first + lo];
}

static size_t
find_segment_in(const struct mv_run *run, enum mv_kind kind,
    const struct mv_id16 *origin, uint32_t ordinal, struct mv_location *out,
    size_t max)
{
	size_t i = mv_run_find_origin(run, origin), n = 0;
	const struct mv_run_origin *o;
	const struct mv_run_seg *seg;

	for (; i < run->norigins && n < max; i++) {
		o = &run->origins[run->by_origin[i]];
		if (memcmp(o->id.b, origin->b, sizeof(origin->b)) != 0)
			break;
		if (!run->counts[run->by_origin[i]] ||
		    run->packs[o->pack].kind != kind)
			continue;
		seg = find_ordinal(run, o, ordinal);
		if (seg != NULL)
			fill_location(run, seg, kind, 0, &out[n++]);
	}
	return n;
}

size_t
mv_index_find_segment(struct mv_index *ix, enum mv_kind kind,
    const struct mv_id16 *origin, uint32_t ordinal, struct mv_location *out,
    size_t max)
{
	size_t i, n = 0;

	pthread_rwlock_rdlock(&ix->runs_lock);
	for (i = 0; i < ix->nruns && n < max; i++)
		n += find_segment_in(ix->runs[i], kind, origin, ordinal,
		    out + n, max - n);
	pthread_rwlock_unlock(&ix->runs_lock);
	return n;
}

/* Any entry that counts; the caller holds the lock.  NULL when absent. */
static const struct mv_run_entry *
find_any(const struct mv_index *ix, enum mv_kind kind,
    const struct mv_id16 *id, const struct mv_run **in)
{
	const struct mv_run_entry *e;
	size_t i;

	for (i = 0; i < ix->nruns; i++) {
		e = next_entry(ix->runs[i], kind, id,
		    mv_run_find(ix->runs[i], id));
		if (e != NULL) {
			*in = ix->runs[i];
			return e;
		}
	}
	return NULL;
}

bool
mv_index_has(struct mv_index *ix, enum mv_kind kind, const struct mv_id16 *id)
{
	const struct mv_run *run;
	bool has;

	pthread_rwlock_rdlock(&ix->runs_lock);
	has = find_any(ix, kind, id, &run) != NULL;
	pthread_rwlock_unlock(&ix->runs_lock);
	return has;
}

static void
fill_hit(const struct mv_run *run, const struct mv_run_entry *e,
    struct mv_index_hit *hit)
{
	const struct mv_run_seg *seg = &run->segs[e->seg];
	const struct mv_run_origin *o = &run->origins[seg->origin];
	const struct mv_run_pack *p = &run->packs[o->pack];

	*hit = (struct mv_index_hit){
		.pack = p->id,
		.pack_hash = p->hash,
		.pack_size = p->size,
		.origin = o->id,
		.origin_segs = o->nsegs,
		.ordinal = seg->ordinal,
		.writer = o->writer,
		.seq = o->seq,
		.own = run->counts[seg->origin] == MV_RUN_OWN,
	};
}

static int
claim_new(struct mv_index *ix, const struct mv_id16 *id, bool claim,
    enum mv_claim *out, struct mv_err *err)
{
	bool added = false;
	int rc = 0;

	pthread_mutex_lock(&ix->claims_lock);
	if (claim)
		rc = mv_idset_add(&ix->claimed, id, &added, err);
	else
		added = !mv_idset_has(&ix->claimed, id);
	pthread_mutex_unlock(&ix->claims_lock);
	*out = added ? MV_CLAIM_NEW : MV_CLAIM_PENDING;
	return rc;
}

int
mv_index_claim(struct mv_index *ix, enum mv_kind kind,
    const struct mv_id16 *id, bool claim, enum mv_claim *out,
    struct mv_index_hit *hit, struct mv_err *err)
{
	const struct mv_run_entry *e;
	const struct mv_run *run;
	int rc = 0;

	/* Both looks under one lock: no id can move from claims to runs. */
	pthread_rwlock_rdlock(&ix->runs_lock);
	e = find_any(ix, kind, id, &run);
	if (e != NULL) {
		fill_hit(run, e, hit);
		*out = MV_CLAIM_FOUND;
	} else {
		rc = claim_new(ix, id, claim, out, err);
	}
	pthread_rwlock_unlock(&ix->runs_lock);
	return rc;
}

uint64_t
mv_index_packs(const struct mv_index *ix)
{
	uint64_t n = 0;
	size_t i, j;

	for (i = 0; i < ix->nruns; i++)
		for (j = 0; j < ix->runs[i]->npacks; j++)
			n += ix->runs[i]->listed[j];
	return n;
}

uint64_t
mv_index_entries(const struct mv_index *ix)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < ix->nruns; i++)
		n += ix->runs[i]->nentries;
	return n;
}
