/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "repo/highwater.h"
#include "repo/listing.h"
#include "repo/repo_internal.h"

#define KEYRING_OBJECT_MAX (16u << 20)

static int
load(struct mv_repo *r, const char *name, uint64_t number,
    struct mv_keyring *out, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf obj = { 0 };
	mv_auto(mv_keyring_clear) struct mv_keyring k = { 0 };
	struct mv_header header;
	int rc;

	rc = mv_repo_get(r, name, KEYRING_OBJECT_MAX, &obj, err);
	if (rc == 0)
		rc = mv_header_decode(obj.p, obj.len, &header, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "keyring '%s'", name);
	if (memcmp(header.repo.b, r->keys->repo.b, MV_REPO_ID_BYTES) != 0)
		return mv_err_set(err, MV_EAUTH,
		    "the keys belong to another repository than '%s'", name);
	rc = mv_keyring_decode(obj.p, obj.len, &r->keys->repo, r->keys->owner,
	    &k, err);
	if (rc == 0 && k.number != number)
		rc = mv_err_set(err, MV_ECORRUPT, "it is number %" PRIu64,
		    k.number);
	if (rc < 0)
		return mv_err_ctx(err, rc, "keyring '%s'", name);
	*out = k;
	k = (struct mv_keyring){ 0 };
	return 0;
}

/* A failure that says something about one object, and nothing about us. */
static bool
is_verdict(int rc)
{
	return rc == MV_ECORRUPT || rc == MV_EAUTH || rc == MV_EUSAGE ||
	    rc == MV_ENOTFOUND;
}

static void
warn_set_aside(const struct mv_err *why)
{
	char text[MV_ERR_TEXT_MAX];

	(void)mv_err_text(why, text, sizeof(text));
	mv_warn("set aside: %s", text);
}

/*
 * The highest number that the owner signed.  Anybody who can write to a
 * store can put there what looks like a newer one, and that must not keep
 * anybody from restoring.
 */
static int
newest(struct mv_repo *r, const struct mv_listing *l, size_t *at,
    struct mv_err *err)
{
	struct mv_err first = { 0 }, one = { 0 };
	size_t i;
	int rc;

	for (i = l->n; i-- > 0;) {
		if (l->p[i].what.kind != MV_KIND_KEYRING)
			continue;
		mv_err_clear(&one);
		rc = load(r, l->p[i].name, l->p[i].what.number, &r->keyring,
		    &one);
		if (rc == 0) {
			if (first.code != MV_OK)
				warn_set_aside(&first);
			*at = i;
			return 0;
		}
		if (!is_verdict(rc)) {
			first = one;
			break;
		}
		if (first.code == MV_OK)
			first = one;
		else
			warn_set_aside(&one);
	}
	if (first.code == MV_OK)
		return mv_err_set(err, MV_ENOREPO, "no store has a keyring");
	if (err != NULL)
		*err = first;
	return first.code;
}

int
mv_repo_has_keyring(struct mv_repo *r, uint64_t from, bool *out,
    struct mv_err *err)
{
	mv_auto(mv_listing_clear) struct mv_listing l = { 0 };
	struct mv_keyring k = { 0 };
	struct mv_err one = { 0 };
	size_t i;
	int rc;

	*out = false;
	rc = mv_listing_load(r, "keyring/", &l, err);
	for (i = 0; rc == 0 && i < l.nstores; i++)
		if (l.failed[i] != NULL)
			rc = mv_err_set(err, MV_EIO, "%s", l.failed[i]);
	for (i = l.n; rc == 0 && !*out && i-- > 0;) {
		if (l.p[i].what.kind != MV_KIND_KEYRING ||
		    l.p[i].what.number < from)
			continue;
		mv_err_clear(&one);
		rc = load(r, l.p[i].name, l.p[i].what.number, &k, &one);
		*out = rc == 0;
		mv_keyring_clear(&k);
		if (is_verdict(rc))
			rc = 0;
		else if (rc < 0 && err != NULL)
			*err = one;
	}
	return rc;
}

/* The owner numbers keyrings once: two with one number are an alarm. */
static int
refuse_fork(struct mv_repo *r, const struct mv_listing *l, size_t at,
    struct mv_err *err)
{
	struct mv_keyring other = { 0 };
	size_t i;

	for (i = at; i-- > 0;) {
		if (l->p[i].what.kind != MV_KIND_KEYRING ||
		    l->p[i].what.number != r->keyring.number)
			break;
		if (load(r, l->p[i].name, r->keyring.number, &other,
		    NULL) < 0)
			continue;
		mv_keyring_clear(&other);
		return mv_err_set(err, MV_ECORRUPT,
		    "the owner signed two keyrings with number %" PRIu64
		    ": '%s' and '%s'", r->keyring.number, l->p[at].name,
		    l->p[i].name);
	}
	return 0;
}

/*
 * From the keyring in force down to the one that was seen: each names the
 * hash of the one before.  One that is gone is reported, and is no proof of
 * anything, since only the owner could have signed what follows it.
 */
static int
check_chain(struct mv_repo *r, const struct mv_highwater *seen,
    struct mv_err *err)
{
	struct mv_id32 hash = r->keyring.prev;
	uint64_t n = r->keyring.number - 1;
	struct mv_keyring k = { 0 };
	struct mv_err one = { 0 };
	char name[MV_OBJECT_NAME_MAX];
	int rc;

	for (; n > seen->keyring; n--) {
		mv_object_name(MV_KIND_KEYRING, n, NULL, &hash, name);
		mv_err_clear(&one);
		rc = load(r, name, n, &k, &one);
		if (rc < 0) {
			warn_set_aside(&one);
			return 0;
		}
		hash = k.prev;
		mv_keyring_clear(&k);
	}
	if (memcmp(hash.b, seen->keyring_hash.b, sizeof(hash.b)) == 0)
		return 0;
	return mv_err_set(err, MV_ECORRUPT,
	    "keyring %" PRIu64 " does not descend from keyring %" PRIu64
	    " as this host has seen it", r->keyring.number, seen->keyring);
}

static int
check_seen(struct mv_repo *r, const struct mv_highwater *seen,
    struct mv_err *err)
{
	const struct mv_keyring *k = &r->keyring;

	if (k->number < r->keys->keyring)
		return mv_err_set(err, MV_ECORRUPT, "the keyring was rolled "
		    "back: its number is %" PRIu64 ", and the key file has "
		    "seen %" PRIu64, k->number, r->keys->keyring);
	if (k->number < seen->keyring)
		return mv_err_set(err, MV_ECORRUPT, "the keyring was rolled "
		    "back: its number is %" PRIu64 ", and this host has seen "
		    "%" PRIu64, k->number, seen->keyring);
	if (seen->keyring == 0)
		return 0;
	if (k->number > seen->keyring)
		return check_chain(r, seen, err);
	if (memcmp(k->hash.b, seen->keyring_hash.b, sizeof(k->hash.b)) != 0)
		return mv_err_set(err, MV_ECORRUPT,
		    "keyring %" PRIu64 " is not the one with that number that "
		    "this host has seen", k->number);
	return 0;
}

/* Reading needs no place to write: a failure to remember is a warning. */
static void
remember(const struct mv_repo *r, const struct mv_highwater *seen)
{
	struct mv_highwater now = { 0 };
	char text[MV_ERR_TEXT_MAX];
	struct mv_err one = { 0 };

	if (r->keyring.number <= seen->keyring)
		return;
	mv_highwater_note_keyring(&now, r->keyring.number, &r->keyring.hash);
	if (mv_highwater_raise(r->state_dir, &r->keys->repo, &now, &one) < 0) {
		(void)mv_err_text(&one, text, sizeof(text));
		mv_warn("%s", text);
	}
}

static int
stop_at_one(const char *name, uint64_t size, void *arg)
{
	(void)name;
	(void)size;
	(void)arg;
	return 1;
}

/*
 * Does store i lack whatever a repository has?  An empty directory is more
 * often a file system that is not mounted than a store: nothing goes there.
 */
static bool
is_vacant(struct mv_repo *r, const struct mv_listing *l, size_t i)
{
	size_t k;

	for (k = 0; k < l->n; k++)
		if (l->p[k].sizes[i] != MV_ABSENT)
			return false;
	return mv_store_list(r->stores[i], "snapshots/", stop_at_one, NULL,
	    NULL) == 0;
}

/* Some store has a keyring: which are done without? */
static void
leave_out(struct mv_repo *r, const struct mv_listing *l)
{
	size_t i;

	for (i = 0; i < l->nstores; i++) {
		if (l->failed[i] != NULL)
			(void)mv_repo_leave_out(r, i, l->failed[i]);
		else if (is_vacant(r, l, i))
			(void)mv_repo_leave_out(r, i, "there is no repository "
			    "in it: is its file system mounted?");
	}
}

static int
list(struct mv_repo *r, struct mv_listing *l, struct mv_err *err)
{
	const char *failed = NULL;
	size_t i;
	int rc;

	rc = mv_listing_load(r, "keyring/", l, err);
	if (rc < 0)
		return rc;
	if (l->n > 0) {
		leave_out(r, l);
		return 0;
	}
	for (i = 0; i < l->nstores && failed == NULL; i++)
		failed = l->failed[i];
	/* It may be where we could not look. */
	if (failed != NULL)
		return mv_err_set(err, MV_EIO,
		    "no repository where one could look, and %s", failed);
	return mv_err_set(err, MV_ENOREPO, "there is no repository in '%s'",
	    r->stores[0]->url);
}

int
mv_repo_find_keyring(struct mv_repo *r, struct mv_err *err)
{
	mv_auto(mv_listing_clear) struct mv_listing l = { 0 };
	mv_auto(mv_highwater_clear) struct mv_highwater seen = { 0 };
	size_t at = 0;
	int rc;

	rc = list(r, &l, err);
	if (rc == 0)
		rc = newest(r, &l, &at, err);
	if (rc == 0)
		rc = refuse_fork(r, &l, at, err);
	if (rc == 0 && r->state_dir != NULL)
		rc = mv_highwater_load(r->state_dir, &r->keys->repo, &seen,
		    err);
	if (rc == 0)
		rc = check_seen(r, &seen, err);
	if (rc == 0 && r->state_dir != NULL)
		remember(r, &seen);
	return rc;
}
