/* SPDX-License-Identifier: MIT */
/*
 * repo_stores: putting objects into all stores, and which of them a run does
 * without.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "repo/repo_internal.h"

/* No object but packs is copied from store to store, and none is larger. */
#define SPREAD_MAX ((size_t)16 << 20)

const char *
mv_repo_left_out(struct mv_repo *r, size_t i)
{
	const char *why;

	pthread_mutex_lock(&r->lock);
	why = r->left_out[i];
	pthread_mutex_unlock(&r->lock);
	return why;
}

void
mv_repo_tolerate(struct mv_repo *r)
{
	r->tolerant = true;
}

/* Is there a store besides i to go on with?  The caller has the lock. */
static bool
has_other(const struct mv_repo *r, size_t i)
{
	size_t s;

	for (s = 0; s < r->nstores; s++)
		if (s != i && r->left_out[s] == NULL)
			return true;
	return false;
}

bool
mv_repo_leave_out(struct mv_repo *r, size_t i, const char *why)
{
	bool left = false;

	pthread_mutex_lock(&r->lock);
	if (r->left_out[i] == NULL && has_other(r, i))
		r->left_out[i] = strdup(why);
	left = r->left_out[i] != NULL;
	pthread_mutex_unlock(&r->lock);
	return left;
}

/* May the run go on after this failure of store i? */
static bool
goes_on(struct mv_repo *r, size_t i, int rc, const struct mv_err *why)
{
	char text[MV_ERR_TEXT_MAX];

	if (!r->tolerant || rc == MV_EINTR || rc == MV_ENOMEM ||
	    rc == MV_EUSAGE)
		return false;
	(void)mv_err_text(why, text, sizeof(text));
	return mv_repo_leave_out(r, i, text);
}

static int
put_one(struct mv_repo *r, size_t i, const char *name, const void *buf,
    size_t len, struct mv_err *err)
{
	const char *left_out = mv_repo_left_out(r, i);
	struct mv_err own = { 0 };
	int rc;

	/* Never into a place that only looks like a store. */
	if (left_out != NULL)
		return r->tolerant ? 0 : mv_err_set(err, MV_EIO,
		    "put '%s' into '%s': %s", name, r->stores[i]->url,
		    left_out);
	rc = mv_store_put(r->stores[i], name, buf, len, &own);
	if (rc == 0 || rc == MV_EEXIST || goes_on(r, i, rc, &own))
		return 0;
	if (err != NULL)
		*err = own;
	return rc;
}

int
mv_repo_put(struct mv_repo *r, const char *name, const void *buf, size_t len,
    struct mv_err *err)
{
	struct mv_err one = { 0 };
	size_t i;
	int rc, result = 0;

	/* One store that fails is no reason to keep it from the others. */
	for (i = 0; i < r->nstores; i++) {
		rc = put_one(r, i, name, buf, len, &one);
		if (rc < 0 && result == 0) {
			result = rc;
			if (err != NULL)
				*err = one;
		}
		mv_err_clear(&one);
	}
	return result;
}

static int
copy_to(struct mv_repo *r, size_t i, const char *name, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf obj = { 0 };
	int rc;

	rc = mv_repo_get(r, name, SPREAD_MAX, &obj, err);
	if (rc < 0)
		return rc;
	return put_one(r, i, name, obj.p, obj.len, err);
}

int
mv_repo_spread(struct mv_repo *r, const char *name, struct mv_err *err)
{
	struct mv_err own = { 0 };
	uint64_t size;
	size_t i;
	int rc = 0;

	if (r->nstores == 1)
		return 0;
	for (i = 0; rc == 0 && i < r->nstores; i++) {
		if (mv_repo_left_out(r, i) != NULL)
			continue;
		mv_err_clear(&own);
		rc = mv_store_size(r->stores[i], name, &size, &own);
		if (rc == MV_ENOTFOUND)
			rc = copy_to(r, i, name, err);
		else if (rc < 0 && goes_on(r, i, rc, &own))
			rc = 0;
		else if (rc < 0 && err != NULL)
			*err = own;
	}
	return rc;
}
