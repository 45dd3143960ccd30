/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/time.h"
#include "repo/repo.h"

/* The numbers of the first keys; the owner is not in the list. */
enum { WRITER = 1, READER, VAULT_HOST, VAULT_KIT, NKEYS = VAULT_KIT };

/* What each key is, in the order of the numbers. */
static const struct role {
	uint32_t number;
	uint8_t rights;
	uint8_t has;		/* of epoch 1, in its grant; 0: no grant */
	const char *label;
} roles[NKEYS] = {
	{ WRITER, MV_RIGHT_WRITE, 1 | 2, "writer on %s" },
	{ READER, MV_RIGHT_READ, 1 | 2 | 4, "reader" },
	{ VAULT_HOST, MV_RIGHT_VAULT, 0, "vault on %s" },
	{ VAULT_KIT, MV_RIGHT_VAULT, 0, "vault in the recovery kit" },
};

/* All that is secret in a new repository, while it is being made. */
struct fresh {
	struct mv_identity owner;
	struct mv_identity keys[NKEYS];
	struct mv_epoch_secrets epoch;
	struct mv_key vault;
};

void
mv_repo_plan_clear(struct mv_repo_plan *p)
{
	mv_keyset_free(p->keys.owner);
	mv_keyset_free(p->keys.writer);
	mv_keyset_free(p->keys.reader);
	mv_keyset_free(p->keys.vault);
	mv_keyset_free(p->keys.kit);
	mv_buf_clear(&p->keyring);
	*p = (struct mv_repo_plan){ 0 };
}

static void
make_fresh(struct fresh *f)
{
	size_t i;

	mv_random(f->owner.seed.b, MV_KEY_BYTES);
	mv_sign_public(&f->owner.seed, f->owner.sign_pub);
	for (i = 0; i < NKEYS; i++) {
		f->keys[i].number = roles[i].number;
		f->keys[i].rights = roles[i].rights;
		mv_random(f->keys[i].seed.b, MV_KEY_BYTES);
		mv_sign_public(&f->keys[i].seed, f->keys[i].sign_pub);
		mv_seal_keypair(f->keys[i].box_pub, &f->keys[i].box);
	}
	f->epoch.epoch = 1;
	f->epoch.has = 1 | 2 | 4;
	mv_random(f->epoch.structure.b, MV_KEY_BYTES);
	mv_random(f->epoch.identity.b, MV_KEY_BYTES);
	mv_random(f->vault.b, MV_KEY_BYTES);
}

/* Canonical JSON: environment, and what each key is called. */
static char *
labels_json(const char *environment, const char *host)
{
	json_t *doc = json_object(), *keys = json_object();
	char number[12], *label, *text;
	size_t i;

	for (i = 0; i < NKEYS; i++) {
		(void)snprintf(number, sizeof(number), "%u",
		    roles[i].number);
		label = NULL;
		if (strstr(roles[i].label, "%s") == NULL)
			label = strdup(roles[i].label);
		else if (asprintf(&label, "%.*s%s",
		    (int)strcspn(roles[i].label, "%"), roles[i].label,
		    host) < 0)
			label = NULL;
		json_object_set_new(keys, number, json_string(label));
		free(label);
	}
	json_object_set_new(doc, "keys", keys);
	/* A name that is no UTF-8 makes no JSON. */
	text = json_object_set_new(doc, "environment",
	    json_string(environment)) < 0 || json_object_size(keys) < NKEYS ?
	    NULL : json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(doc);
	return text;
}

static int
fill_keys(struct mv_keyring *k, const struct fresh *f, struct mv_err *err)
{
	size_t i;

	k->keys = calloc(NKEYS, sizeof(*k->keys));
	k->epochs = calloc(1, sizeof(*k->epochs));
	k->grants = calloc(NKEYS, sizeof(*k->grants));
	if (k->keys == NULL || k->epochs == NULL || k->grants == NULL)
		return mv_err_set(err, MV_ENOMEM, "make a keyring");
	for (i = 0; i < NKEYS; i++) {
		k->keys[i].number = roles[i].number;
		k->keys[i].rights = roles[i].rights;
		k->keys[i].distrusted_from = MV_NOT_DISTRUSTED;
		memcpy(k->keys[i].sign_pub, f->keys[i].sign_pub,
		    MV_PUBLIC_BYTES);
		memcpy(k->keys[i].box_pub, f->keys[i].box_pub,
		    MV_PUBLIC_BYTES);
	}
	k->nkeys = NKEYS;
	return 0;
}

static int
fill_grants(struct mv_keyring *k, const struct fresh *f, struct mv_err *err)
{
	mv_auto(mv_epoch_secrets_wipe) struct mv_epoch_secrets what = f->epoch;
	size_t i;
	int rc;

	for (i = 0; i < NKEYS; i++) {
		if (roles[i].has == 0)
			continue;
		what.has = roles[i].has;
		rc = mv_grant_seal(&k->repo, &f->epoch.structure, &k->keys[i],
		    &what, &k->grants[k->ngrants], err);
		if (rc < 0)
			return rc;
		k->ngrants++;
	}
	return 0;
}

static int
make_keyring(struct fresh *f, const struct mv_id16 *repo, const char *labels,
    struct mv_repo_plan *p, struct mv_err *err)
{
	mv_auto(mv_keyring_clear) struct mv_keyring k = {
		.repo = *repo, .number = 1, .time = mv_time_now()
	};
	int rc;

	memcpy(k.owner, f->owner.sign_pub, sizeof(k.owner));
	rc = fill_keys(&k, f, err);
	if (rc < 0)
		return rc;
	k.nepochs = 1;
	k.epochs[0].number = 1;
	k.epochs[0].time = k.time;
	mv_seal_keypair(k.epochs[0].pub, &f->epoch.priv);
	rc = fill_grants(&k, f, err);
	if (rc == 0)
		rc = mv_keyring_seal_labels(&k, &f->epoch.structure, labels,
		    strlen(labels), err);
	if (rc == 0)
		rc = mv_keyring_encode(&k, &f->owner.seed, &p->keyring, err);
	if (rc < 0)
		return rc;
	mv_object_name(MV_KIND_KEYRING, k.number, NULL, &k.hash, p->name);
	return 0;
}

/* Which of the fresh keys go into a key file: docs/format.md, 11. */
struct wanted {
	bool owner;
	uint32_t keys[2];	/* numbers; 0: none */
	uint8_t has;		/* of epoch 1 */
	bool vault;
};

static int
make_keyset(const struct fresh *f, const struct mv_id16 *repo,
    const struct wanted *want, struct mv_keyset **out, struct mv_err *err)
{
	mv_auto(mv_keyset_freep) struct mv_keyset *k = NULL;
	mv_auto(mv_epoch_secrets_wipe) struct mv_epoch_secrets epoch = f->epoch;
	size_t i;
	int rc;

	rc = mv_keyset_new(&k, err);
	if (rc < 0)
		return rc;
	k->repo = *repo;
	memcpy(k->owner, f->owner.sign_pub, sizeof(k->owner));
	k->keyring = 1;
	if (want->owner)
		rc = mv_keyset_add(k, &f->owner, err);
	for (i = 0; rc == 0 && i < MV_ARRAY_LEN(want->keys); i++)
		if (want->keys[i] != 0)
			rc = mv_keyset_add(k, &f->keys[want->keys[i] - 1],
			    err);
	epoch.has = want->has;
	if (rc == 0 && want->has != 0)
		rc = mv_keyset_add_epoch(k, &epoch, err);
	if (rc < 0)
		return rc;
	k->has_vault = want->vault;
	if (want->vault)
		k->vault = f->vault;
	*out = mv_take(&k);
	return 0;
}

static int
make_keysets(const struct fresh *f, const struct mv_id16 *repo,
    struct mv_repo_keys *out, struct mv_err *err)
{
	static const struct wanted owner = { .owner = true, .has = 1 };
	static const struct wanted writer = { .keys = { WRITER }, .has = 3 };
	static const struct wanted reader = { .keys = { READER }, .has = 3 };
	static const struct wanted vault = {
		.keys = { VAULT_HOST }, .vault = true
	};
	static const struct wanted kit = {
		.owner = true, .keys = { READER, VAULT_KIT }, .has = 3,
		.vault = true
	};
	int rc;

	rc = make_keyset(f, repo, &owner, &out->owner, err);
	if (rc == 0)
		rc = make_keyset(f, repo, &writer, &out->writer, err);
	if (rc == 0)
		rc = make_keyset(f, repo, &reader, &out->reader, err);
	if (rc == 0)
		rc = make_keyset(f, repo, &vault, &out->vault, err);
	if (rc == 0)
		rc = make_keyset(f, repo, &kit, &out->kit, err);
	return rc;
}

int
mv_repo_plan(const char *environment, const char *host,
    struct mv_repo_plan *out, struct mv_err *err)
{
	mv_auto(mv_repo_plan_clear) struct mv_repo_plan p = { 0 };
	mv_auto(mv_freep) char *labels = labels_json(environment, host);
	mv_auto(mv_secret_freep) struct mv_secret *home = NULL;
	struct mv_id16 repo;
	struct fresh *f;
	int rc;

	if (labels == NULL)
		return mv_err_set(err, MV_EUSAGE,
		    "the names '%s' and '%s' are not UTF-8", environment,
		    host);
	rc = mv_secret_new(sizeof(*f), &home, err);
	if (rc < 0)
		return rc;
	f = (struct fresh *)(void *)mv_secret_bytes(home);
	make_fresh(f);
	mv_random(repo.b, sizeof(repo.b));
	rc = make_keyring(f, &repo, labels, &p, err);
	if (rc == 0)
		rc = make_keysets(f, &repo, &p.keys, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "make the keys of a repository");
	*out = p;
	p = (struct mv_repo_plan){ 0 };
	return 0;
}

static int
is_keyring(const char *name, uint64_t size, void *arg)
{
	struct mv_name what;

	(void)size;
	(void)arg;
	return mv_object_name_parse(name, &what) == 0 &&
	    what.kind == MV_KIND_KEYRING;
}

int
mv_repo_refuse_existing(struct mv_store *const stores[], size_t nstores,
    struct mv_err *err)
{
	size_t i;
	int rc;

	for (i = 0; i < nstores; i++) {
		rc = mv_store_list(stores[i], "keyring/", is_keyring, NULL,
		    err);
		if (rc > 0)
			return mv_err_set(err, MV_EEXIST,
			    "there is a repository in '%s' already",
			    stores[i]->url);
		/* A place that nobody has prepared holds nothing. */
		if (rc == MV_ENOREPO || rc == MV_ENOTFOUND)
			mv_err_clear(err);
		else if (rc < 0)
			return rc;
	}
	return 0;
}

int
mv_repo_plan_commit(const struct mv_repo_plan *p,
    struct mv_store *const stores[], size_t nstores, struct mv_err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < nstores; i++)
		rc = mv_store_create(stores[i], err);
	if (rc == 0)
		rc = mv_repo_refuse_existing(stores, nstores, err);
	for (i = 0; rc == 0 && i < nstores; i++)
		rc = mv_store_put(stores[i], p->name, p->keyring.p,
		    p->keyring.len, err);
	return rc;
}
