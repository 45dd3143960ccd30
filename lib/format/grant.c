/* SPDX-License-Identifier: MIT */
#include <sodium.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/keyring.h"
#include "format/labels.h"

/* Grants: what an epoch gives to one key (docs/format.md, 3). */

#define PLAIN_BYTES (1 + 3 * MV_KEY_BYTES)
#define SEALED_BYTES (PLAIN_BYTES + MV_SEAL_EXTRA)
#define AD_BYTES (MV_REPO_ID_BYTES + 4 + 4)

_Static_assert(MV_GRANT_BYTES == SEALED_BYTES + MV_BOX_EXTRA, "grant");

/* G, while it is in the clear. */
struct plain {
	uint8_t b[PLAIN_BYTES];
};

static void
plain_wipe(struct plain *p)
{
	sodium_memzero(p, sizeof(*p));
}

void
mv_epoch_secrets_wipe(struct mv_epoch_secrets *s)
{
	sodium_memzero(s, sizeof(*s));
}

static void
grant_ad(const struct mv_id16 *repo, const struct mv_keyring_grant *g,
    uint8_t out[AD_BYTES])
{
	size_t i;

	memcpy(out, repo->b, sizeof(repo->b));
	for (i = 0; i < 4; i++) {
		out[MV_REPO_ID_BYTES + i] = (uint8_t)(g->epoch >> (8 * i));
		out[MV_REPO_ID_BYTES + 4 + i] = (uint8_t)(g->key >> (8 * i));
	}
}

/* The three secrets and the flags that say which are there. */
static struct mv_key *
secret_of(struct mv_epoch_secrets *s, size_t i)
{
	return i == 0 ? &s->structure : i == 1 ? &s->identity : &s->priv;
}

static void
plain_from(const struct mv_epoch_secrets *s, struct plain *out)
{
	const struct mv_key *k;
	size_t i;

	out->b[0] = s->has;
	for (i = 0; i < 3; i++) {
		k = i == 0 ? &s->structure : i == 1 ? &s->identity : &s->priv;
		if (s->has & (1u << i))
			memcpy(out->b + 1 + i * MV_KEY_BYTES, k->b,
			    MV_KEY_BYTES);
	}
}

static int
plain_to(const struct plain *p, struct mv_epoch_secrets *out)
{
	const uint8_t *k;
	size_t i;

	out->has = p->b[0];
	if (out->has == 0 || out->has > 7)
		return -1;
	for (i = 0; i < 3; i++) {
		k = p->b + 1 + i * MV_KEY_BYTES;
		if (out->has & (1u << i))
			memcpy(secret_of(out, i)->b, k, MV_KEY_BYTES);
		else if (!mv_all_zero(k, MV_KEY_BYTES))
			return -1;
	}
	return 0;
}

int
mv_grant_seal(const struct mv_id16 *repo, const struct mv_key *outer,
    const struct mv_keyring_key *key, const struct mv_epoch_secrets *what,
    struct mv_keyring_grant *out, struct mv_err *err)
{
	mv_auto(plain_wipe) struct plain plain = { 0 };
	mv_auto(mv_key_wipe) struct mv_key k = { 0 };
	struct mv_keyring_grant g = {
		.epoch = what->epoch, .key = key->number
	};
	uint8_t ad[AD_BYTES], sealed[SEALED_BYTES];
	int rc;

	plain_from(what, &plain);
	rc = mv_seal_to(key->box_pub, plain.b, sizeof(plain.b), sealed, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "grant epoch %u to key %u",
		    what->epoch, key->number);
	grant_ad(repo, &g, ad);
	mv_kdf(outer, MV_LABEL_GRANT, &k);
	mv_box_seal(&k, ad, sizeof(ad), sealed, sizeof(sealed), g.box);
	*out = g;
	return 0;
}

int
mv_grant_open(const struct mv_id16 *repo, const struct mv_key *outer,
    const struct mv_keyring_grant *grant, const uint8_t box_pub[32],
    const struct mv_key *box_priv, struct mv_epoch_secrets *out,
    struct mv_err *err)
{
	mv_auto(mv_epoch_secrets_wipe) struct mv_epoch_secrets s = { 0 };
	mv_auto(plain_wipe) struct plain plain = { 0 };
	mv_auto(mv_key_wipe) struct mv_key k = { 0 };
	uint8_t ad[AD_BYTES], sealed[SEALED_BYTES];
	int rc;

	grant_ad(repo, grant, ad);
	mv_kdf(outer, MV_LABEL_GRANT, &k);
	rc = mv_box_open(&k, ad, sizeof(ad), grant->box, sizeof(grant->box),
	    sealed, err);
	if (rc == 0)
		rc = mv_seal_open(box_pub, box_priv, sealed, sizeof(sealed),
		    plain.b, err);
	if (rc == 0 && plain_to(&plain, &s) < 0)
		rc = mv_err_set(err, MV_ECORRUPT, "its contents are malformed");
	if (rc < 0)
		return mv_err_ctx(err, rc, "grant of epoch %u to key %u",
		    grant->epoch, grant->key);
	s.epoch = grant->epoch;
	*out = s;
	return 0;
}
