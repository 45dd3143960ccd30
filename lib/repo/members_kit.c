/* SPDX-License-Identifier: MIT */
/* members_kit: another recovery kit, with members of its own. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "repo/members_internal.h"

/* A new key becomes a member, and its identity, under its number, part of k. */
static int
join(struct mv_repo *r, uint8_t right, const char *label, struct mv_keyset *k,
    struct mv_err *err)
{
	mv_auto(mv_keyset_freep) struct mv_keyset *pending = NULL;
	struct mv_public_key pub = { .rights = right };
	struct mv_identity *id;
	uint32_t number = 0;
	bool added;
	int rc;

	rc = mv_pending_new(right, &pending, err);
	if (rc < 0)
		return rc;
	id = &pending->identities[0];
	memcpy(pub.sign_pub, id->sign_pub, MV_PUBLIC_BYTES);
	memcpy(pub.box_pub, id->box_pub, MV_PUBLIC_BYTES);
	memcpy(pub.label, label, strlen(label) + 1);
	rc = mv_repo_admit(r, &pub, &number, &added, err);
	if (rc < 0)
		return rc;
	id->number = number;
	return mv_keyset_add(k, id, err);
}

/*
 * Old versions of the secrets are sealed to old vault keys, and belong to
 * old snapshots.
 */
static int
keep_vault_keys(const struct mv_keyset *from, struct mv_keyset *k,
    struct mv_err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < from->nidentities && rc == 0; i++)
		if (from->identities[i].rights == MV_RIGHT_VAULT)
			rc = mv_keyset_add(k, &from->identities[i], err);
	return rc;
}

int
mv_repo_new_kit(struct mv_repo *r, struct mv_keyset **out,
    struct mv_err *err)
{
	mv_auto(mv_epoch_secrets_wipe) struct mv_epoch_secrets first = { 0 };
	mv_auto(mv_keyset_freep) struct mv_keyset *k = NULL;
	const struct mv_epoch_secrets *s = mv_repo_epoch(r, 1);
	const struct mv_identity *owner = NULL;
	int rc;

	rc = mv_owner_of(r, &owner, err);
	if (rc == 0 && (s == NULL || (s->has & 3) != 3 ||
	    !r->keys->has_vault))
		rc = mv_err_set(err, MV_EAUTH, "a kit opens backups and "
		    "secrets, and the keys given do not");
	if (rc == 0)
		rc = mv_keyset_new(&k, err);
	if (rc < 0)
		return rc;
	k->repo = r->keyring.repo;
	memcpy(k->owner, r->keyring.owner, sizeof(k->owner));
	first = *s;
	first.has = 3;
	k->has_vault = 1;
	k->vault = r->keys->vault;
	rc = mv_keyset_add(k, owner, err);
	if (rc == 0)
		rc = mv_keyset_add_epoch(k, &first, err);
	if (rc == 0)
		rc = keep_vault_keys(r->keys, k, err);
	if (rc == 0)
		rc = join(r, MV_RIGHT_READ, "reader in a recovery kit", k,
		    err);
	if (rc == 0)
		rc = join(r, MV_RIGHT_VAULT, "vault in a recovery kit", k,
		    err);
	if (rc < 0)
		return rc;
	k->keyring = r->keyring.number;
	*out = mv_take(&k);
	return 0;
}
