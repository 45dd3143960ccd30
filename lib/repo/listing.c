/* SPDX-License-Identifier: MIT */
#include "repo/listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void
mv_listing_clear(struct mv_listing *l)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		free(l->p[i].name);
		free(l->p[i].sizes);
	}
	for (i = 0; i < l->nforeign; i++)
		free(l->foreign[i]);
	for (i = 0; i < l->nstores && l->failed != NULL; i++)
		free(l->failed[i]);
	free(l->p);
	free(l->foreign);
	free(l->failed);
	*l = (struct mv_listing){ 0 };
}

/* What one store's listing adds to. */
struct visit {
	struct mv_listing *l;
	size_t store;
	struct mv_err *err;
};

static int
add_foreign(struct mv_listing *l, const char *name, struct mv_err *err)
{
	char **grown = realloc(l->foreign,
	    (l->nforeign + 1) * sizeof(*grown));

	if (grown == NULL)
		return mv_err_set(err, MV_ENOMEM, "list objects");
	l->foreign = grown;
	l->foreign[l->nforeign] = strdup(name);
	if (l->foreign[l->nforeign] == NULL)
		return mv_err_set(err, MV_ENOMEM, "list objects");
	l->nforeign++;
	return 0;
}

static int
grow(struct mv_listing *l, struct mv_err *err)
{
	size_t cap = l->cap == 0 ? 64 : 2 * l->cap;
	struct mv_listed *p;

	if (l->n < l->cap)
		return 0;
	p = realloc(l->p, cap * sizeof(*p));
	if (p == NULL)
		return mv_err_set(err, MV_ENOMEM, "list objects");
	l->p = p;
	l->cap = cap;
	return 0;
}

static int
each_object(const char *name, uint64_t size, void *arg)
{
	struct visit *v = arg;
	struct mv_listing *l = v->l;
	struct mv_listed *o;
	struct mv_name what;
	size_t i;
	int rc;

	if (mv_object_name_parse(name, &what) < 0)
		return add_foreign(l, name, v->err);
	rc = grow(l, v->err);
	if (rc < 0)
		return rc;
	o = &l->p[l->n];
	*o = (struct mv_listed){ .what = what };
	o->name = strdup(name);
	o->sizes = malloc(l->nstores * sizeof(*o->sizes));
	l->n++;
	if (o->name == NULL || o->sizes == NULL)
		return mv_err_set(v->err, MV_ENOMEM, "list objects");
	for (i = 0; i < l->nstores; i++)
		o->sizes[i] = MV_ABSENT;
	o->sizes[v->store] = size;
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	const struct mv_listed *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Sort, and make one of the entries that several stores gave. */
static void
merge(struct mv_listing *l)
{
	size_t i, n = 0, s;

	if (l->n == 0)
		return;
	qsort(l->p, l->n, sizeof(*l->p), by_name);
	for (i = 1; i < l->n; i++) {
		if (strcmp(l->p[i].name, l->p[n].name) != 0) {
			l->p[++n] = l->p[i];
			continue;
		}
		for (s = 0; s < l->nstores; s++)
			if (l->p[i].sizes[s] != MV_ABSENT)
				l->p[n].sizes[s] = l->p[i].sizes[s];
		free(l->p[i].name);
		free(l->p[i].sizes);
	}
	l->n = n + 1;
}

/* A store that cannot be listed is a note, unless memory is out. */
static int
list_store(struct mv_repo *r, const char *prefix, size_t store,
    struct mv_listing *l, struct mv_err *err)
{
	struct mv_err own = { 0 };
	struct visit v = { .l = l, .store = store, .err = &own };
	char text[MV_ERR_TEXT_MAX];
	const char *left_out = mv_repo_left_out(r, store);
	int rc = MV_EIO;

	if (left_out == NULL)
		rc = mv_store_list(mv_repo_store(r, store), prefix,
		    each_object, &v, &own);
	if (rc >= 0)
		return 0;
	if (rc == MV_ENOMEM || rc == MV_EINTR)
		return mv_err_set(err, rc, "list objects");
	if (left_out != NULL)
		(void)snprintf(text, sizeof(text), "%s", left_out);
	else
		(void)mv_err_text(&own, text, sizeof(text));
	l->failed[store] = strdup(text);
	if (l->failed[store] == NULL)
		return mv_err_set(err, MV_ENOMEM, "list objects");
	return rc;
}

int
mv_listing_load(struct mv_repo *r, const char *prefix,
    struct mv_listing *out, struct mv_err *err)
{
	mv_auto(mv_listing_clear) struct mv_listing l = { 0 };
	size_t i, good = 0;
	int rc, last = 0;

	l.nstores = mv_repo_nstores(r);
	l.failed = calloc(l.nstores, sizeof(*l.failed));
	if (l.failed == NULL)
		return mv_err_set(err, MV_ENOMEM, "list objects");
	for (i = 0; i < l.nstores; i++) {
		rc = list_store(r, prefix, i, &l, err);
		if (rc < 0 && l.failed[i] == NULL)
			return rc;
		if (rc < 0)
			last = rc;
		else
			good++;
	}
	if (good == 0)
		return mv_err_set(err, last, "%s", l.failed[0]);
	merge(&l);
	*out = l;
	l = (struct mv_listing){ 0 };
	return 0;
}

const struct mv_listed *
mv_listing_find(const struct mv_listing *l, const char *name)
{
	size_t lo = 0, hi = l->n, mid;
	int cmp;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		cmp = strcmp(name, l->p[mid].name);
		if (cmp == 0)
			return &l->p[mid];
		if (cmp < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

uint64_t
mv_listed_size(const struct mv_listed *o, size_t nstores)
{
	size_t i;

	for (i = 0; i < nstores; i++)
		if (o->sizes[i] != MV_ABSENT)
			return o->sizes[i];
	return MV_ABSENT;
}
