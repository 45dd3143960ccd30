/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "repo/run_internal.h"

#define NOT_TAKEN UINT32_MAX

/* One run of those that are merged, and what its numbers become. */
struct input {
	const struct mv_run *run;
	uint32_t *origins;	/* new numbers; owned */
	uint32_t *segs;
	size_t next;		/* entry */
};

struct merge {
	struct input *in;	/* owned, with their arrays */
	size_t n;
	struct mv_run_header h;	/* counts of the result */
};

static void
merge_clear(struct merge *m)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		free(m->in[i].origins);
		free(m->in[i].segs);
	}
	free(m->in);
}

static bool
is_taken(const struct mv_run *run, const struct mv_run_origin *o)
{
	return run->listed[o->pack];
}

/* Number what is taken from a run, in the order in which it is copied. */
static void
number(struct merge *m, struct input *in)
{
	const struct mv_run *run = in->run;
	size_t i;

	for (i = 0; i < run->npacks; i++)
		m->h.npacks += run->listed[i];
	for (i = 0; i < run->norigins; i++)
		in->origins[i] = is_taken(run, &run->origins[i]) ?
		    m->h.norigins++ : NOT_TAKEN;
	for (i = 0; i < run->nsegs; i++)
		in->segs[i] = in->origins[run->segs[i].origin] != NOT_TAKEN ?
		    m->h.nsegs++ : NOT_TAKEN;
	for (i = 0; i < run->nentries; i++)
		m->h.nentries += in->segs[run->entries[i].seg] != NOT_TAKEN;
	m->h.nsources += (uint32_t)run->nsources;
}

static int
prepare(struct merge *m, struct mv_run *const runs[], size_t n,
    struct mv_err *err)
{
	struct input *in;
	size_t i, origins = 0, segs = 0;

	m->in = calloc(n, sizeof(*m->in));
	if (m->in == NULL)
		return mv_err_set(err, MV_ENOMEM, "merge of %zu runs", n);
	for (i = 0; i < n; i++, m->n++) {
		in = &m->in[i];
		in->run = runs[i];
		origins += runs[i]->norigins;
		segs += runs[i]->nsegs;
		in->origins = calloc(runs[i]->norigins + 1, sizeof(uint32_t));
		in->segs = calloc(runs[i]->nsegs + 1, sizeof(uint32_t));
		if (in->origins == NULL || in->segs == NULL) {
			m->n++;
			return mv_err_set(err, MV_ENOMEM, "merge of runs");
		}
	}
	if (origins >= NOT_TAKEN || segs >= NOT_TAKEN)
		return mv_err_set(err, MV_ENOMEM, "merged run is too large");
	for (i = 0; i < n; i++)
		number(m, &m->in[i]);
	return 0;
}

/* Copy packs, origins and segments of one run under their new numbers. */
static int
copy_tables(const struct input *in, struct mv_run_draft *d, uint32_t *npacks,
    uint32_t *nsources, struct mv_err *err)
{
	mv_auto(mv_freep) uint32_t *packs = NULL;
	const struct mv_run *run = in->run;
	struct mv_run_origin *o;
	size_t i;

	packs = calloc(run->npacks + 1, sizeof(*packs));
	if (packs == NULL)
		return mv_err_set(err, MV_ENOMEM, "merge of runs");
	for (i = 0; i < run->npacks; i++) {
		if (!run->listed[i])
			continue;
		packs[i] = *npacks;
		d->packs[(*npacks)++] = run->packs[i];
	}
	for (i = 0; i < run->nsegs; i++) {
		if (in->segs[i] == NOT_TAKEN)
			continue;
		d->segs[in->segs[i]] = run->segs[i];
		d->segs[in->segs[i]].origin =
		    in->origins[run->segs[i].origin];
	}
	for (i = 0; i < run->norigins; i++) {
		if (in->origins[i] == NOT_TAKEN)
			continue;
		o = &d->origins[in->origins[i]];
		*o = run->origins[i];
		o->pack = packs[o->pack];
		/* All segments of an origin are taken, side by side. */
		o->first = o->present > 0 ? in->segs[o->first] : 0;
	}
	for (i = 0; i < run->nsources; i++)
		d->sources[(*nsources)++] = run->sources[i];
	return 0;
}

/* Pass over entries of packs that are gone. */
static const struct mv_run_entry *
peek(struct input *in)
{
	const struct mv_run *run = in->run;

	while (in->next < run->nentries &&
	    in->segs[run->entries[in->next].seg] == NOT_TAKEN)
		in->next++;
	return in->next < run->nentries ? &run->entries[in->next] : NULL;
}

/* The input with the lowest id: there are few, so all are looked at. */
static struct input *
lowest(struct merge *m)
{
	const struct mv_run_entry *best = NULL, *e;
	struct input *from = NULL;
	size_t i;

	for (i = 0; i < m->n; i++) {
		e = peek(&m->in[i]);
		if (e == NULL || (best != NULL && memcmp(e->id.b, best->id.b,
		    sizeof(e->id.b)) >= 0))
			continue;
		best = e;
		from = &m->in[i];
	}
	return from;
}

static void
copy_entries(struct merge *m, struct mv_run_draft *d)
{
	struct mv_run_entry *to;
	struct input *in;
	size_t n = 0;

	while ((in = lowest(m)) != NULL) {
		to = &d->entries[n++];
		*to = in->run->entries[in->next++];
		to->seg = in->segs[to->seg];
	}
}

/* What may be found of each run stays as it was. */
static void
copy_marks(const struct merge *m, struct mv_run *run)
{
	const struct input *in;
	size_t i, j;

	for (i = 0; i < m->n; i++) {
		in = &m->in[i];
		for (j = 0; j < in->run->norigins; j++)
			if (in->origins[j] != NOT_TAKEN)
				run->counts[in->origins[j]] =
				    in->run->counts[j];
	}
}

int
mv_run_merge(struct mv_run *const runs[], size_t n,
    const struct mv_run_place *at, struct mv_run **out, struct mv_err *err)
{
	mv_auto(mv_run_draft_clear) struct mv_run_draft d = MV_RUN_DRAFT_INIT;
	mv_auto(merge_clear) struct merge m = { 0 };
	uint32_t npacks = 0, nsources = 0;
	size_t i;
	int rc;

	m.h.magic = MV_RUN_MAGIC;
	m.h.repo = *at->repo;
	rc = prepare(&m, runs, n, err);
	if (rc == 0)
		rc = mv_run_draft_begin(&d, &m.h, at, err);
	for (i = 0; rc == 0 && i < n; i++)
		rc = copy_tables(&m.in[i], &d, &npacks, &nsources, err);
	if (rc < 0)
		return rc;
	copy_entries(&m, &d);
	copy_marks(&m, d.run);
	return mv_run_draft_finish(&d, at, out, err);
}
