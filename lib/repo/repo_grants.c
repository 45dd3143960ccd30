/* SPDX-License-Identifier: MIT */
#include <sodium.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "repo/repo_internal.h"

/* Our keys must be the ones that the keyring lists under their numbers. */
static int
check_identity(const struct mv_repo *r, const struct mv_identity *id,
    struct mv_err *err)
{
	const struct mv_keyring_key *k;

	if (id->number == 0)
		return 0;
	k = mv_keyring_find(&r->keyring, id->number);
	if (k == NULL ||
	    memcmp(k->sign_pub, id->sign_pub, MV_PUBLIC_BYTES) != 0 ||
	    memcmp(k->box_pub, id->box_pub, MV_PUBLIC_BYTES) != 0)
		return mv_err_set(err, MV_EAUTH,
		    "the keyring does not know our key %u", id->number);
	if (k->removed)
		mv_warn("key %u was removed from the keyring", id->number);
	return 0;
}

static struct mv_epoch_secrets *
at(struct mv_repo *r, uint32_t epoch)
{
	return &r->epochs[epoch - 1];
}

static int
from_key_files(struct mv_repo *r, struct mv_err *err)
{
	const struct mv_epoch_secrets *e;
	size_t i;
	int rc;

	for (i = 0; i < r->keys->nepochs; i++) {
		e = &r->keys->epochs[i];
		if (e->epoch > r->keyring.nepochs)
			return mv_err_set(err, MV_ECORRUPT,
			    "the keyring was rolled back: it ends before "
			    "epoch %u", e->epoch);
		rc = mv_epoch_secrets_merge(at(r, e->epoch), e, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
open_one(struct mv_repo *r, const struct mv_keyring_grant *g,
    const struct mv_identity *id, struct mv_err *err)
{
	mv_auto(mv_epoch_secrets_wipe) struct mv_epoch_secrets s = { 0 };
	const struct mv_epoch_secrets *outer;
	uint8_t pub[MV_PUBLIC_BYTES];
	int rc;

	/* Each epoch's grants lie under the structure secret before it. */
	outer = at(r, g->epoch > 1 ? g->epoch - 1 : 1);
	if ((outer->has & 1) == 0)
		return 0;
	rc = mv_grant_open(&r->keys->repo, &outer->structure, g, id->box_pub,
	    &id->box, &s, err);
	if (rc < 0)
		return rc;
	if (s.has & 4) {
		mv_seal_public(&s.priv, pub);
		if (memcmp(pub, r->keyring.epochs[g->epoch - 1].pub,
		    sizeof(pub)) != 0)
			return mv_err_set(err, MV_ECORRUPT,
			    "the grant of epoch %u does not fit its key",
			    g->epoch);
	}
	return mv_epoch_secrets_merge(at(r, g->epoch), &s, err);
}

static const struct mv_identity *
identity(const struct mv_keyset *k, uint32_t number)
{
	size_t i;

	for (i = 0; i < k->nidentities; i++)
		if (k->identities[i].number == number)
			return &k->identities[i];
	return NULL;
}

int
mv_repo_open_grants(struct mv_repo *r, struct mv_err *err)
{
	const struct mv_keyring *k = &r->keyring;
	const struct mv_identity *id;
	size_t i;
	int rc = 0;

	r->epochs = sodium_allocarray(k->nepochs, sizeof(*r->epochs));
	if (r->epochs == NULL)
		return mv_err_set(err, MV_ENOMEM, "hold the epochs' secrets");
	memset(r->epochs, 0, k->nepochs * sizeof(*r->epochs));
	for (i = 0; i < k->nepochs; i++)
		r->epochs[i].epoch = k->epochs[i].number;

	for (i = 0; rc == 0 && i < r->keys->nidentities; i++)
		rc = check_identity(r, &r->keys->identities[i], err);
	if (rc == 0)
		rc = from_key_files(r, err);
	/* Ascending by epoch, so what opens the next one is there. */
	for (i = 0; rc == 0 && i < k->ngrants; i++) {
		id = identity(r->keys, k->grants[i].key);
		if (id != NULL)
			rc = open_one(r, &k->grants[i], id, err);
	}
	return rc;
}
