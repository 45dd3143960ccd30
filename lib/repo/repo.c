/* SPDX-License-Identifier: MIT */
#include "repo/repo.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "repo/repo_internal.h"

int
mv_repo_open(const struct mv_repo_opts *opts, struct mv_repo **out,
    struct mv_err *err)
{
	mv_auto(mv_repo_freep) struct mv_repo *r = calloc(1, sizeof(*r));
	int rc;

	if (r == NULL)
		return mv_err_set(err, MV_ENOMEM, "open the repository");
	(void)pthread_mutex_init(&r->lock, NULL);
	r->stores = calloc(opts->nstores + 1, sizeof(struct mv_store *));
	r->left_out = calloc(opts->nstores + 1, sizeof(r->left_out[0]));
	if (opts->state_dir != NULL)
		r->state_dir = strdup(opts->state_dir);
	if (r->stores == NULL || r->left_out == NULL ||
	    (opts->state_dir != NULL && r->state_dir == NULL))
		return mv_err_set(err, MV_ENOMEM, "open the repository");
	memcpy(r->stores, opts->stores,
	    opts->nstores * sizeof(struct mv_store *));
	r->nstores = opts->nstores;
	r->keys = opts->keys;
	rc = mv_repo_find_keyring(r, err);
	if (rc == 0)
		rc = mv_repo_open_grants(r, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "open the repository");
	*out = mv_take(&r);
	return 0;
}

void
mv_repo_free(struct mv_repo *r)
{
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; r->left_out != NULL && i < r->nstores; i++)
		free(r->left_out[i]);
	free(r->left_out);
	(void)pthread_mutex_destroy(&r->lock);
	sodium_free(r->epochs);
	mv_keyring_clear(&r->keyring);
	free(r->stores);
	free(r->state_dir);
	free(r);
}

void
mv_repo_freep(struct mv_repo **r)
{
	mv_repo_free(*r);
	*r = NULL;
}

const struct mv_id16 *
mv_repo_id(const struct mv_repo *r)
{
	return &r->keys->repo;
}

const struct mv_keyring *
mv_repo_keyring(const struct mv_repo *r)
{
	return &r->keyring;
}

struct mv_keyset *
mv_repo_keyset(struct mv_repo *r)
{
	return r->keys;
}

const char *
mv_repo_state_dir(const struct mv_repo *r)
{
	return r->state_dir;
}

size_t
mv_repo_nstores(const struct mv_repo *r)
{
	return r->nstores;
}

struct mv_store *
mv_repo_store(struct mv_repo *r, size_t i)
{
	return r->stores[i];
}

const struct mv_epoch_secrets *
mv_repo_epoch(const struct mv_repo *r, uint32_t epoch)
{
	if (epoch < 1 || epoch > r->keyring.nepochs ||
	    r->epochs[epoch - 1].has == 0)
		return NULL;
	return &r->epochs[epoch - 1];
}

uint32_t
mv_repo_newest_epoch(const struct mv_repo *r)
{
	return (uint32_t)r->keyring.nepochs;
}

const uint8_t *
mv_repo_sign_pub(uint32_t key, void *repo)
{
	const struct mv_repo *r = repo;
	const struct mv_keyring_key *k = mv_keyring_find(&r->keyring, key);

	return k != NULL ? k->sign_pub : NULL;
}

const uint8_t *
mv_repo_vault_pub(uint32_t key, void *repo)
{
	const struct mv_repo *r = repo;
	const struct mv_keyring_key *k = mv_keyring_find(&r->keyring, key);

	return k != NULL && (k->rights & MV_RIGHT_VAULT) ? k->sign_pub : NULL;
}

bool
mv_repo_trusts(const struct mv_repo *r, uint32_t writer, uint64_t seq)
{
	const struct mv_keyring_key *k = mv_keyring_find(&r->keyring, writer);

	/* Removing a key ends what it may add, not what it added. */
	return k != NULL && (k->rights & MV_RIGHT_WRITE) != 0 &&
	    seq < k->distrusted_from;
}

/* What went wrong while the stores were asked, one after the other. */
struct tries {
	struct mv_buf bad;	/* stores with a copy that does not verify */
	struct mv_err failed;	/* the first that could not answer */
	size_t nbad;
};

static void
tries_clear(struct tries *t)
{
	mv_buf_clear(&t->bad);
}

static const char *
bad_stores(struct tries *t)
{
	const char *text = mv_buf_cstr(&t->bad);

	return text != NULL ? text : "some stores";
}

static int
try_store(struct mv_store *st, const char *name, const struct mv_id32 *hash,
    size_t max, struct mv_buf *out, struct tries *t)
{
	struct mv_err one = { 0 };
	size_t start = out->len;
	int rc;

	rc = mv_store_get_all(st, name, max, out, &one);
	if (rc == 0)
		rc = mv_object_verify(out->p + start, out->len - start, hash,
		    name, &one);
	if (rc == 0)
		return 0;
	out->len = start;
	if (rc == MV_ECORRUPT) {
		mv_buf_printf(&t->bad, "%s'%s'", t->nbad++ > 0 ? ", " : "",
		    st->url);
	} else if (rc != MV_ENOTFOUND && t->failed.code == MV_OK) {
		t->failed = one;
	}
	return rc;
}

int
mv_repo_get(struct mv_repo *r, const char *name, size_t max,
    struct mv_buf *out, struct mv_err *err)
{
	mv_auto(tries_clear) struct tries t = { 0 };
	struct mv_name what;
	size_t i;

	if (mv_object_name_parse(name, &what) < 0)
		return mv_err_set(err, MV_EUSAGE, "'%s' is no object's name",
		    name);
	for (i = 0; i < r->nstores; i++) {
		if (try_store(r->stores[i], name, &what.hash, max, out,
		    &t) < 0)
			continue;
		if (t.nbad > 0)
			mv_warn("'%s' is damaged in %s and was taken from '%s'",
			    name, bad_stores(&t), r->stores[i]->url);
		return 0;
	}
	if (t.nbad > 0)
		return mv_err_set(err, MV_ECORRUPT, "'%s' is damaged in %s",
		    name, bad_stores(&t));
	if (t.failed.code != MV_OK) {
		if (err != NULL)
			*err = t.failed;
		return t.failed.code;
	}
	return mv_err_set(err, MV_ENOTFOUND, "no store has '%s'", name);
}
