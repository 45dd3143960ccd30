/* SPDX-License-Identifier: MIT */
/*
 * Index objects once more: those that are wrong go, and packs that no good
 * one covers get a new one.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/stop.h"
#include "format/index.h"
#include "repo/check_internal.h"
#include "repo/index_write.h"

/* An index object is whole in memory, so there is a new one from here on. */
#define LIST_MAX (8u << 20)

/* The index object under construction. */
struct fresh {
	struct mv_check *c;
	struct mv_buf list;
	size_t n;
};

static void
fresh_clear(struct fresh *f)
{
	mv_buf_clear(&f->list);
}

static int
put_fresh(struct fresh *f, struct mv_err *err)
{
	struct mv_repo *r = f->c->repo;
	struct mv_id32 hash;
	int rc;

	if (f->n == 0)
		return 0;
	rc = mv_index_object_put(r, mv_repo_newest_epoch(r), &f->list, f->n,
	    &hash, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "write a new index");
	f->c->report.packs_indexed += f->n;
	mv_buf_reset(&f->list);
	f->n = 0;
	return 0;
}

/* A pack whose footer no store gives is damaged, which is said elsewhere. */
static int
add_pack(struct fresh *f, const struct mv_listed *l, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf payload = { 0 };
	mv_auto(mv_footer_clear) struct mv_footer footer = { 0 };
	struct mv_index_pack pack = { .id = l->what.id, .hash = l->what.hash };
	struct mv_check *c = f->c;
	size_t i;

	for (i = 0; i < c->all.nstores; i++)
		if (l->sizes[i] != MV_ABSENT &&
		    mv_pack_footer_get(c->repo, mv_repo_store(c->repo, i),
		    &l->what, l->sizes[i], &payload, &footer, NULL) == 0)
			break;
	if (i == c->all.nstores)
		return 0;
	pack.size = l->sizes[i];
	pack.kind = footer.kind;
	pack.footer = payload.p;
	pack.footer_len = payload.len;
	mv_index_add(&f->list, &pack);
	f->n++;
	if (f->list.len < LIST_MAX)
		return mv_buf_failed(&f->list, err);
	return put_fresh(f, err);
}

static int
write_fresh(struct mv_check *c, struct mv_err *err)
{
	mv_auto(fresh_clear) struct fresh f = { .c = c };
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < c->all.n; i++) {
		if (c->all.p[i].what.kind != MV_KIND_DATA_PACK ||
		    c->indexed[i])
			continue;
		rc = mv_stop_check(err);
		if (rc == 0)
			rc = add_pack(&f, &c->all.p[i], err);
	}
	return rc < 0 ? rc : put_fresh(&f, err);
}

static int
drop(struct mv_check *c, const struct mv_listed *l, struct mv_err *err)
{
	struct mv_err why = { 0 };
	size_t i;
	int rc;

	for (i = 0; i < c->all.nstores; i++) {
		if (l->sizes[i] == MV_ABSENT)
			continue;
		why = (struct mv_err){ 0 };
		rc = mv_store_remove(mv_repo_store(c->repo, i), l->name, &why);
		if (rc < 0 && rc != MV_ENOTFOUND) {
			if (err != NULL)
				*err = why;
			return rc;
		}
	}
	c->report.indexes_dropped++;
	return 0;
}

int
mv_check_repair(struct mv_check *c, struct mv_err *err)
{
	size_t i;
	int rc;

	if (!c->opts->repair_index)
		return 0;
	if (c->report.unreachable > 0)
		return mv_err_set(err, MV_EREFUSED, "the index is not "
		    "repaired while a store cannot be looked into");
	/* What is right comes first: a moment with both does no harm. */
	rc = write_fresh(c, err);
	for (i = 0; rc == 0 && i < c->all.n; i++)
		if (c->all.p[i].what.kind == MV_KIND_INDEX && !c->indexed[i])
			rc = drop(c, &c->all.p[i], err);
	return rc;
}
