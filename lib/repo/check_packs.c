/* SPDX-License-Identifier: MIT */
/*
 * Packs: the footer of each, or all of it, from every store, by as many
 * threads as there are cores.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/stop.h"
#include "repo/check_internal.h"

#define THREADS_MAX 16

/* What the threads share: the packs, and the first failure. */
struct work {
	struct mv_check *c;
	size_t next;	/* in c->all, under its lock */
	int rc;
	struct mv_err err;
};

/* One thread's own. */
struct worker {
	struct work *work;
	struct mv_opener *opener;
	struct mv_idhash *h;
	struct mv_buf obj;
};

/* One copy of a pack. */
struct copy {
	struct mv_footer footer;	/* empty when it is no use */
	char *what;			/* what is wrong with it; owned */
	bool whole_bad;
	struct mv_segset bad;		/* segments that are */
	bool half;			/* half written */
};

static void
copy_clear(struct copy *cp)
{
	mv_footer_clear(&cp->footer);
	mv_segset_clear(&cp->bad);
	free(cp->what);
}

/* Keep the first two sentences; more would say no more. */
static int
keep_text(struct copy *cp, const char *what, struct mv_err *err)
{
	char *text = NULL;
	int n;

	if (cp->what != NULL && strstr(cp->what, ", ") != NULL)
		return 0;
	if (cp->what == NULL)
		n = asprintf(&text, "%s", what);
	else
		n = asprintf(&text, "%s, %s", cp->what, what);
	if (n < 0)
		return mv_err_set(err, MV_ENOMEM, "check pack");
	free(cp->what);
	cp->what = text;
	return 0;
}

static int
say(void *arg, const struct mv_id16 *origin, uint32_t ordinal,
    const char *what, struct mv_err *err)
{
	struct copy *cp = arg;
	int rc = 0;

	if (origin != NULL)
		rc = mv_segset_add(&cp->bad, origin, ordinal + 1, ordinal,
		    err);
	return rc < 0 ? rc : keep_text(cp, what, err);
}

static bool
is_selected(const struct mv_check *c, const struct mv_name *name)
{
	uint64_t v = 0;
	size_t i;

	if (!c->opts->read_data)
		return false;
	if (c->opts->parts < 2)
		return true;
	for (i = 0; i < sizeof(v); i++)
		v = v << 8 | name->id.b[i];
	return v % c->opts->parts == c->opts->part - 1;
}

static void
advance(struct mv_check *c, uint64_t bytes)
{
	pthread_mutex_lock(&c->lock);
	c->done += bytes;
	c->report.bytes += bytes;
	if (c->opts->progress != NULL)
		c->opts->progress(c->done, c->total, c->opts->arg);
	pthread_mutex_unlock(&c->lock);
}

static int
read_whole(struct worker *w, const struct mv_listed *l, size_t store,
    struct copy *cp, struct mv_err *err)
{
	struct mv_check *c = w->work->c;
	struct mv_pack_check pc = { .repo = c->repo, .opener = w->opener,
	    .h = w->h, .contents = c->contents, .say = say, .arg = cp };
	int rc;

	mv_buf_reset(&w->obj);
	rc = mv_store_get_all(mv_repo_store(c->repo, store), l->name,
	    MV_PACK_MAX, &w->obj, err);
	if (rc < 0)
		return rc;
	advance(c, w->obj.len);
	return mv_pack_check(&pc, &l->what, w->obj.p, w->obj.len,
	    &cp->footer, err);
}

static int
read_copy(struct worker *w, const struct mv_listed *l, size_t store,
    struct copy *cp, struct mv_err *err)
{
	struct mv_check *c = w->work->c;
	char text[MV_ERR_TEXT_MAX];
	struct mv_err own = { 0 };
	int rc;

	if (!mv_check_plausible(l->sizes[store])) {
		cp->half = cp->whole_bad = true;
		return keep_text(cp, "it is half written", err);
	}
	if (is_selected(c, &l->what))
		rc = read_whole(w, l, store, cp, &own);
	else
		rc = mv_pack_footer_get(c->repo, mv_repo_store(c->repo, store),
		    &l->what, l->sizes[store], &w->obj, &cp->footer, &own);
	cp->whole_bad = cp->footer.norigins == 0;
	if (rc == 0)
		return 0;
	mv_err_text(&own, text, sizeof(text));
	if (rc == MV_ENOMEM || rc == MV_EINTR)
		return mv_err_set(err, rc, "%s", text);
	return keep_text(cp, text, err);
}

/* Note a copy's segments that are healthy and count. */
static int
take_good(struct mv_check *c, const struct copy *cp, struct mv_err *err)
{
	const struct mv_footer_origin *o;
	size_t i;
	uint32_t k;
	int rc = 0;

	pthread_mutex_lock(&c->lock);
	for (i = 0; i < cp->footer.norigins; i++) {
		o = &cp->footer.origins[i];
		/* What a distrusted writer made counts as absent. */
		if (!mv_repo_trusts(c->repo, o->writer, o->seq))
			continue;
		for (k = 0; rc == 0 && k < o->nsegs; k++)
			if (o->segs[k].present &&
			    !mv_segset_has(&cp->bad, &o->id, k))
				rc = mv_segset_add(&c->good, &o->id,
				    (uint32_t)o->nsegs, k, err);
	}
	pthread_mutex_unlock(&c->lock);
	return rc;
}

static void
count(struct mv_check *c, const struct copy *copies, size_t n)
{
	const struct mv_footer *f;
	size_t i, o, k;

	for (i = 0; i < n && copies[i].footer.norigins == 0; i++)
		continue;
	pthread_mutex_lock(&c->lock);
	c->report.packs++;
	f = i < n ? &copies[i].footer : NULL;
	for (o = 0; f != NULL && o < f->norigins; o++)
		for (k = 0; k < f->origins[o].nsegs; k++)
			c->report.segments += f->origins[o].segs[k].present;
	pthread_mutex_unlock(&c->lock);
}

static int
say_copies(struct mv_check *c, const struct mv_listed *l,
    const struct copy *copies, struct mv_err *err)
{
	mv_auto(mv_freep) bool *healthy = calloc(c->all.nstores,
	    sizeof(*healthy));
	char other[256];
	size_t i;
	int rc = 0;

	if (healthy == NULL)
		return mv_err_set(err, MV_ENOMEM, "check pack");
	for (i = 0; i < c->all.nstores; i++)
		healthy[i] = l->sizes[i] != MV_ABSENT &&
		    copies[i].what == NULL;
	for (i = 0; rc == 0 && i < c->all.nstores; i++) {
		if (copies[i].what == NULL)
			continue;
		mv_check_elsewhere(c, healthy, i, other, sizeof(other));
		/* If anything needs it, its absence is found later. */
		if (copies[i].half && other[0] == '\0')
			rc = mv_check_warning(c, err, "'%s' in store '%s' is "
			    "half written and ignored", l->name,
			    mv_repo_store(c->repo, i)->url);
		else
			rc = mv_check_damage(c, l->name,
			    mv_repo_store(c->repo, i)->url, &l->what.id, err,
			    "%s%s", copies[i].what, other);
	}
	return rc;
}

static int
check_one(struct worker *w, const struct mv_listed *l, struct mv_err *err)
{
	struct mv_check *c = w->work->c;
	struct copy *copies;
	size_t i, n = c->all.nstores;
	int rc = 0;

	copies = calloc(n, sizeof(*copies));
	if (copies == NULL)
		return mv_err_set(err, MV_ENOMEM, "check pack");
	for (i = 0; rc == 0 && i < n; i++)
		if (l->sizes[i] != MV_ABSENT)
			rc = read_copy(w, l, i, &copies[i], err);
	if (rc == 0)
		rc = say_copies(c, l, copies, err);
	for (i = 0; rc == 0 && i < n; i++)
		rc = take_good(c, &copies[i], err);
	if (rc == 0)
		count(c, copies, n);
	for (i = 0; i < n; i++)
		copy_clear(&copies[i]);
	free(copies);
	return rc;
}

/* The next pack, or NULL when there is none or another thread failed. */
static const struct mv_listed *
take(struct work *work)
{
	struct mv_check *c = work->c;
	const struct mv_listed *l = NULL;

	pthread_mutex_lock(&c->lock);
	while (work->rc == 0 && l == NULL && work->next < c->all.n) {
		l = &c->all.p[work->next++];
		if (l->what.kind != MV_KIND_DATA_PACK)
			l = NULL;
	}
	pthread_mutex_unlock(&c->lock);
	return l;
}

static void
worker_clear(struct worker *w)
{
	mv_opener_free(w->opener);
	mv_idhash_free(w->h);
	mv_buf_clear(&w->obj);
}

static void *
work_on(void *arg)
{
	struct work *work = arg;
	mv_auto(worker_clear) struct worker w = { .work = work };
	const struct mv_listed *l;
	struct mv_err own = { 0 };
	int rc;

	rc = mv_opener_new(work->c->repo, &w.opener, &own);
	if (rc == 0)
		rc = mv_idhash_new(work->c->repo, &w.h, &own);
	while (rc == 0 && (l = take(work)) != NULL) {
		rc = mv_stop_check(&own);
		if (rc == 0)
			rc = check_one(&w, l, &own);
	}
	if (rc == 0)
		return NULL;
	pthread_mutex_lock(&work->c->lock);
	if (work->rc == 0) {
		work->rc = rc;
		work->err = own;
	}
	pthread_mutex_unlock(&work->c->lock);
	return NULL;
}

static uint64_t
bytes_to_read(const struct mv_check *c)
{
	uint64_t sum = 0;
	size_t i, s;

	for (i = 0; i < c->all.n; i++)
		for (s = 0; s < c->all.nstores; s++)
			if (c->all.p[i].what.kind == MV_KIND_DATA_PACK &&
			    c->all.p[i].sizes[s] != MV_ABSENT &&
			    is_selected(c, &c->all.p[i].what))
				sum += c->all.p[i].sizes[s];
	return sum;
}

int
mv_check_packs(struct mv_check *c, struct mv_err *err)
{
	struct work work = { .c = c };
	pthread_t threads[THREADS_MAX];
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t i, n = 0, want = cores < 1 ? 1 : (size_t)cores;

	c->total = bytes_to_read(c);
	/* This thread is one of them. */
	while (n + 1 < want && n < THREADS_MAX &&
	    pthread_create(&threads[n], NULL, work_on, &work) == 0)
		n++;
	(void)work_on(&work);
	for (i = 0; i < n; i++)
		(void)pthread_join(threads[i], NULL);
	if (work.rc < 0 && err != NULL)
		*err = work.err;
	return work.rc;
}
