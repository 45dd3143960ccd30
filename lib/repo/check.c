/* SPDX-License-Identifier: MIT */
#include "repo/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "repo/check_internal.h"

void
mv_check_report_clear(struct mv_check_report *r)
{
	size_t i;

	for (i = 0; i < r->ndamaged; i++) {
		free(r->damaged[i].object);
		free(r->damaged[i].store);
		free(r->damaged[i].what);
		free(r->damaged[i].affects);
	}
	for (i = 0; i < r->nwarnings; i++)
		free(r->warnings[i]);
	for (i = 0; i < r->nbehind; i++)
		free(r->behind[i]);
	free(r->damaged);
	free(r->warnings);
	free(r->behind);
	*r = (struct mv_check_report){ 0 };
}

/* Room for one more damage, and for what it is about. */
static int
grow(struct mv_check *c, struct mv_err *err)
{
	struct mv_check_report *r = &c->report;
	struct mv_damage *d;
	struct mv_id16 *about;

	d = realloc(r->damaged, (r->ndamaged + 1) * sizeof(*d));
	if (d == NULL)
		return mv_err_set(err, MV_ENOMEM, "note damage");
	r->damaged = d;
	about = realloc(c->about, (r->ndamaged + 1) * sizeof(*about));
	if (about == NULL)
		return mv_err_set(err, MV_ENOMEM, "note damage");
	c->about = about;
	return 0;
}

int
mv_check_damage(struct mv_check *c, const char *object, const char *store,
    const struct mv_id16 *pack, struct mv_err *err, const char *fmt, ...)
{
	struct mv_check_report *r = &c->report;
	struct mv_damage d = { 0 };
	va_list ap;
	int rc;

	va_start(ap, fmt);
	if (vasprintf(&d.what, fmt, ap) < 0)
		d.what = NULL;
	va_end(ap);
	d.object = strdup(object);
	d.store = store != NULL ? strdup(store) : NULL;
	pthread_mutex_lock(&c->lock);
	if (d.what == NULL || d.object == NULL ||
	    (store != NULL && d.store == NULL))
		rc = mv_err_set(err, MV_ENOMEM, "note damage");
	else
		rc = grow(c, err);
	if (rc == 0) {
		c->about[r->ndamaged] = pack != NULL ? *pack :
		    (struct mv_id16){ 0 };
		r->damaged[r->ndamaged++] = d;
		d = (struct mv_damage){ 0 };
	}
	pthread_mutex_unlock(&c->lock);
	free(d.what);
	free(d.object);
	free(d.store);
	return rc;
}

/* One more sentence in a list of the report. */
static int MV_PRINTF(4, 0)
add_sentence(struct mv_check *c, char ***list, size_t *n, const char *fmt,
    va_list ap, struct mv_err *err)
{
	char *text = NULL, **grown;
	int rc = 0;

	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	pthread_mutex_lock(&c->lock);
	grown = text == NULL ? NULL :
	    realloc(*list, (*n + 1) * sizeof(*grown));
	if (grown == NULL) {
		rc = mv_err_set(err, MV_ENOMEM, "note a warning");
	} else {
		*list = grown;
		grown[(*n)++] = mv_take(&text);
	}
	pthread_mutex_unlock(&c->lock);
	free(text);
	return rc;
}

int
mv_check_warning(struct mv_check *c, struct mv_err *err, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = add_sentence(c, &c->report.warnings, &c->report.nwarnings, fmt,
	    ap, err);
	va_end(ap);
	return rc;
}

int
mv_check_say_behind(struct mv_check *c, struct mv_err *err, const char *fmt,
    ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = add_sentence(c, &c->report.behind, &c->report.nbehind, fmt, ap,
	    err);
	va_end(ap);
	return rc;
}

void
mv_check_elsewhere(const struct mv_check *c, const bool *healthy,
    size_t except, char *out, size_t len)
{
	size_t i;

	out[0] = '\0';
	for (i = 0; i < c->all.nstores; i++)
		if (i != except && healthy[i]) {
			(void)snprintf(out, len,
			    "; store '%s' has a whole copy",
			    mv_repo_store(c->repo, i)->url);
			return;
		}
}

bool
mv_check_plausible(uint64_t size)
{
	return size > 0 && mv_pad(size) == size;
}

static int
note_stores(struct mv_check *c, struct mv_err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < c->all.nstores; i++) {
		if (c->all.failed[i] == NULL)
			continue;
		c->report.unreachable++;
		rc = mv_check_warning(c, err,
		    "store '%s' was not checked: %s",
		    mv_repo_store(c->repo, i)->url, c->all.failed[i]);
	}
	for (i = 0; rc == 0 && i < c->all.nforeign; i++)
		rc = mv_check_warning(c, err,
		    "'%s' does not belong to a repository", c->all.foreign[i]);
	return rc;
}

/* Contents can be compared when every epoch gives all three secrets. */
static bool
opens_contents(const struct mv_repo *r)
{
	const struct mv_epoch_secrets *s;
	uint32_t e;

	for (e = 1; e <= mv_repo_newest_epoch(r); e++) {
		s = mv_repo_epoch(r, e);
		if (s == NULL || (s->has & 7) != 7)
			return false;
	}
	return true;
}

static int
run(struct mv_check *c, struct mv_err *err)
{
	static int (*const parts[])(struct mv_check *, struct mv_err *) = {
		note_stores, mv_check_objects, mv_check_packs,
		mv_check_indexes, mv_check_repair, mv_check_trees,
		mv_check_behind, mv_check_affects,
	};
	size_t i;
	int rc;

	rc = mv_listing_load(c->repo, "", &c->all, err);
	if (rc == 0)
		c->held = calloc(c->all.nstores, sizeof(*c->held));
	if (rc == 0 && c->held == NULL)
		rc = mv_err_set(err, MV_ENOMEM, "check the stores");
	for (i = 0; rc == 0 && i < MV_ARRAY_LEN(parts); i++)
		rc = parts[i](c, err);
	return rc;
}

static void
check_clear(struct mv_check *c)
{
	size_t i;

	for (i = 0; i < c->nlosses; i++)
		free(c->losses[i].label);
	for (i = 0; c->held != NULL && i < c->all.nstores; i++)
		mv_segset_clear(&c->held[i]);
	free(c->held);
	mv_index_free(c->index);
	mv_snapshots_clear(&c->snaps);
	mv_listing_clear(&c->all);
	mv_check_report_clear(&c->report);
	mv_segset_clear(&c->good);
	mv_segset_clear(&c->pinned);
	free(c->about);
	free(c->indexed);
	free(c->losses);
	free(c->unpinned);
	pthread_mutex_destroy(&c->lock);
}

int
mv_repo_check(struct mv_repo *r, const struct mv_check_opts *opts,
    struct mv_check_report *out, struct mv_err *err)
{
	mv_auto(check_clear) struct mv_check c = { .repo = r, .opts = opts,
	    .lock = PTHREAD_MUTEX_INITIALIZER };
	int rc;

	if (opts->repair_index &&
	    mv_keyset_find(mv_repo_keyset(r), MV_RIGHT_WRITE) == NULL)
		return mv_err_set(err, MV_EAUTH,
		    "repairing the index takes a writer's key");
	c.contents = opens_contents(r);
	c.report.contents = opts->read_data && c.contents;
	rc = run(&c, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "check");
	*out = c.report;
	c.report = (struct mv_check_report){ 0 };
	return 0;
}
