/* SPDX-License-Identifier: MIT */
#include "repo/members.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "repo/highwater.h"
#include "repo/members_internal.h"
#include "repo/snapshots.h"

/* Rights that come with a structure secret. */
#define STRUCTURE_RIGHTS (MV_RIGHT_WRITE | MV_RIGHT_READ | MV_RIGHT_MAINTAIN)

/* Seal to a key what of an epoch its rights give. */
static int
grant_epoch(const struct mv_repo *r, struct mv_keyring *next,
    const struct mv_keyring_key *to, uint32_t epoch, struct mv_err *err)
{
	uint8_t has = mv_rights_give(to->rights, epoch,
	    (uint32_t)next->nepochs);
	const struct mv_epoch_secrets *s = mv_repo_epoch(r, epoch), *outer;
	mv_auto(mv_epoch_secrets_wipe) struct mv_epoch_secrets what = { 0 };

	if (has == 0)
		return 0;
	outer = mv_repo_epoch(r, epoch > 1 ? epoch - 1 : 1);
	if (s == NULL || (s->has & has) != has || outer == NULL ||
	    (outer->has & 1) == 0)
		return mv_err_set(err, MV_EAUTH, "the keys given do not open "
		    "epoch %" PRIu32 ", which a %s must", epoch,
		    mv_role_name(to->rights) != NULL ?
		    mv_role_name(to->rights) : "key");
	what = *s;
	what.has = has;
	return mv_keyring_grant(next, &outer->structure, to, &what, err);
}

/* The member that k is, or NULL; MV_EEXIST when it is one in part. */
static int
find_same(const struct mv_keyring *ring, const struct mv_public_key *k,
    const struct mv_keyring_key **out, struct mv_err *err)
{
	const struct mv_keyring_key *m;
	bool sign, box;
	size_t i;

	*out = NULL;
	for (i = 0; i < ring->nkeys; i++) {
		m = &ring->keys[i];
		sign = memcmp(m->sign_pub, k->sign_pub, MV_PUBLIC_BYTES) == 0;
		box = memcmp(m->box_pub, k->box_pub, MV_PUBLIC_BYTES) == 0;
		if (!sign && !box)
			continue;
		if (m->removed)
			return mv_err_set(err, MV_EEXIST, "this key was "
			    "removed, as number %" PRIu32 ", and does not come "
			    "back: make another", m->number);
		if (!sign || !box || m->rights != k->rights)
			return mv_err_set(err, MV_EEXIST, "key %" PRIu32
			    " has one of these public keys already",
			    m->number);
		*out = m;
	}
	if (memcmp(ring->owner, k->sign_pub, MV_PUBLIC_BYTES) == 0)
		return mv_err_set(err, MV_EEXIST,
		    "the owner's key has no other role");
	return 0;
}

static int
label(const struct mv_repo *r, struct mv_keyring *next,
    const struct mv_key *structure, uint32_t number, const char *name,
    struct mv_err *err)
{
	mv_auto(mv_labels_decref) json_t *doc = NULL;
	int rc;

	rc = mv_labels_open(r, &doc, err);
	if (rc == 0 && name != NULL)
		rc = mv_labels_set(doc, "keys", number, json_string(name),
		    err);
	if (rc == 0)
		rc = mv_labels_set(doc, name != NULL ? "since" : "removed",
		    number, json_integer((json_int_t)next->time), err);
	if (rc == 0)
		rc = mv_labels_seal(next, structure, doc, err);
	return rc;
}

static int
admit(struct mv_repo *r, const struct mv_public_key *k, uint32_t *number,
    struct mv_err *err)
{
	mv_auto(mv_keyring_clear) struct mv_keyring next = { 0 };
	const struct mv_epoch_secrets *newest;
	struct mv_keyring_key *key;
	uint32_t e;
	int rc;

	rc = mv_keyring_successor(r, &next, err);
	if (rc < 0)
		return rc;
	key = &next.keys[next.nkeys];
	*key = (struct mv_keyring_key){
		.number = next.nkeys > 0 ? key[-1].number + 1 : 1,
		.rights = k->rights,
		.distrusted_from = MV_NOT_DISTRUSTED,
	};
	memcpy(key->sign_pub, k->sign_pub, MV_PUBLIC_BYTES);
	memcpy(key->box_pub, k->box_pub, MV_PUBLIC_BYTES);
	next.nkeys++;
	*number = key->number;
	for (e = 1; rc == 0 && e <= next.nepochs; e++)
		rc = grant_epoch(r, &next, key, e, err);
	newest = mv_repo_epoch(r, mv_repo_newest_epoch(r));
	if (rc == 0 && newest == NULL)
		rc = mv_err_set(err, MV_EAUTH,
		    "the keys given do not open the newest epoch");
	if (rc == 0)
		rc = label(r, &next, &newest->structure, key->number,
		    k->label[0] != '\0' ? k->label : mv_role_name(k->rights),
		    err);
	return rc < 0 ? rc : mv_keyring_publish(r, &next, err);
}

int
mv_repo_admit(struct mv_repo *r, const struct mv_public_key *k,
    uint32_t *number, bool *added, struct mv_err *err)
{
	const struct mv_identity *owner;
	const struct mv_keyring_key *same = NULL;
	int rc;

	rc = mv_owner_of(r, &owner, err);
	if (rc == 0)
		rc = find_same(&r->keyring, k, &same, err);
	if (rc == 0 && (k->rights & MV_RIGHT_VAULT) != 0 &&
	    !r->keys->has_vault)
		rc = mv_err_set(err, MV_EAUTH, "the keys given do not open "
		    "the vault, which a vault key must");
	if (rc < 0)
		return mv_err_ctx(err, rc, "admit a key");
	*added = same == NULL;
	if (same != NULL) {
		*number = same->number;
		return mv_keyring_spread(r, err);
	}
	return mv_err_ctx(err, admit(r, k, number, err), "admit a key");
}

int
mv_repo_enrol(struct mv_repo *r, uint32_t number, const char *note,
    const char *comment, struct mv_sbuf *out, struct mv_err *err)
{
	const struct mv_keyring_key *member = mv_keyring_find(&r->keyring,
	    number);
	mv_auto(mv_epoch_secrets_wipe) struct mv_epoch_secrets first = { 0 };
	const struct mv_epoch_secrets *s = mv_repo_epoch(r, 1);
	mv_auto(mv_keyset_freep) struct mv_keyset *k = NULL;
	const struct mv_identity *owner;
	int rc;

	rc = mv_owner_of(r, &owner, err);
	if (rc == 0 && member == NULL)
		rc = mv_err_set(err, MV_ENOTFOUND, "there is no key %" PRIu32,
		    number);
	if (rc == 0)
		rc = mv_keyset_new(&k, err);
	if (rc < 0)
		return rc;
	k->repo = r->keyring.repo;
	memcpy(k->owner, r->keyring.owner, sizeof(k->owner));
	k->keyring = r->keyring.number;
	if (s != NULL)
		first = *s;
	first.epoch = 1;
	/* The private key is in the grant alone. */
	first.has &= mv_rights_give(member->rights, 1,
	    mv_repo_newest_epoch(r)) & 3;
	if (first.has != 0)
		rc = mv_keyset_add_epoch(k, &first, err);
	if ((member->rights & MV_RIGHT_VAULT) != 0 && r->keys->has_vault) {
		k->has_vault = 1;
		k->vault = r->keys->vault;
	}
	k->note = strdup(note);
	if (rc == 0 && k->note == NULL)
		rc = mv_err_set(err, MV_ENOMEM, "write an enrolment");
	if (rc == 0)
		rc = mv_enrolment_encode(k, member, &owner->seed, comment,
		    out, err);
	return rc;
}

/* Who of those left could do what this key could? */
static size_t
others_with(const struct mv_keyring *ring, uint32_t number, uint8_t rights)
{
	size_t i, n = 0;

	for (i = 0; i < ring->nkeys; i++)
		n += ring->keys[i].number != number &&
		    !ring->keys[i].removed &&
		    (ring->keys[i].rights & rights) != 0;
	return n;
}

/* Is it among the keys given the only active one with this right? */
static bool
is_our_only(const struct mv_repo *r, const struct mv_keyring_key *key,
    uint8_t right)
{
	const struct mv_keyring_key *other;
	bool ours = false;
	size_t i;

	for (i = 0; i < r->keys->nidentities; i++) {
		other = mv_keyring_find(&r->keyring,
		    r->keys->identities[i].number);
		ours |= other == key;
		if (other != NULL && other != key && !other->removed &&
		    (other->rights & right) != 0)
			return false;
	}
	return ours;
}

static int
refuse_needed(const struct mv_repo *r, const struct mv_keyring_key *key,
    struct mv_err *err)
{
	static const uint8_t needed[] = { MV_RIGHT_READ, MV_RIGHT_VAULT };
	size_t i;

	for (i = 0; i < sizeof(needed); i++)
		if ((key->rights & needed[i]) != 0 &&
		    is_our_only(r, key, needed[i]))
			return mv_err_set(err, MV_EREFUSED, "key %" PRIu32
			    " is one of those that were given: whoever has "
			    "them could not read what comes", key->number);
	for (i = 0; i < sizeof(needed); i++)
		if ((key->rights & needed[i]) != 0 &&
		    others_with(&r->keyring, key->number, needed[i]) == 0)
			return mv_err_set(err, MV_EREFUSED, "key %" PRIu32
			    " is the last %s: admit another before",
			    key->number, mv_role_name(needed[i]));
	return 0;
}

/* The highest number that a key can be distrusted behind. */
#define LAST_MAX (MV_NOT_DISTRUSTED - 2)

/*
 * The last number of a writer's that counts.  Where there are other writers
 * they may have used what its unfinished run stored, under the next one.
 * Whoever stole the key signs snapshots with any number: the next one has to
 * be a number, too, or all that the key ever made would count no more.
 */
static int
last_number(struct mv_repo *r, const struct mv_keyring_key *key,
    uint64_t *out, struct mv_err *err)
{
	mv_auto(mv_snapshots_clear) struct mv_snapshots all = { 0 };
	mv_auto(mv_highwater_clear) struct mv_highwater seen = { 0 };
	const struct mv_highwater_writer *mark;
	const struct mv_snapshot *newest;
	size_t i;
	int rc;

	rc = mv_snapshots_load(r, &all, err);
	if (rc == 0 && r->state_dir != NULL)
		rc = mv_highwater_load(r->state_dir, &r->keyring.repo, &seen,
		    err);
	if (rc < 0)
		return rc;
	newest = mv_snapshots_newest(&all, key->number);
	mark = mv_highwater_find(&seen, key->number);
	*out = newest != NULL ? newest->seq : 0;
	if (mark != NULL && mark->seq > *out)
		*out = mark->seq;
	for (i = 0; i < r->keyring.nkeys; i++) {
		if (r->keyring.keys[i].number != key->number &&
		    (r->keyring.keys[i].rights & MV_RIGHT_WRITE) != 0) {
			*out += *out < LAST_MAX;
			break;
		}
	}
	if (*out > LAST_MAX)
		*out = LAST_MAX;
	return 0;
}

/* Secrets that the removed key does not get, for all that are left. */
static int
begin_epoch(const struct mv_repo *r, struct mv_keyring *next,
    bool keep_identity, struct mv_epoch_secrets *fresh, struct mv_err *err)
{
	uint32_t last = mv_repo_newest_epoch(r);
	const struct mv_epoch_secrets *s = mv_repo_epoch(r, last);
	mv_auto(mv_epoch_secrets_wipe) struct mv_epoch_secrets what = { 0 };
	size_t i;
	int rc = 0;

	if (s == NULL || (s->has & 3) != 3)
		return mv_err_set(err, MV_EAUTH,
		    "the keys given do not open epoch %" PRIu32, last);
	fresh->epoch = last + 1;
	fresh->has = 7;
	mv_random(fresh->structure.b, MV_KEY_BYTES);
	if (keep_identity)
		fresh->identity = s->identity;
	else
		mv_random(fresh->identity.b, MV_KEY_BYTES);
	next->epochs[last] = (struct mv_keyring_epoch){
		.number = last + 1, .time = next->time,
	};
	mv_seal_keypair(next->epochs[last].pub, &fresh->priv);
	next->nepochs++;
	for (i = 0; rc == 0 && i < next->nkeys; i++) {
		what = *fresh;
		what.has = mv_rights_give(next->keys[i].rights, last + 1,
		    last + 1);
		if (!next->keys[i].removed && what.has != 0)
			rc = mv_keyring_grant(next, &s->structure,
			    &next->keys[i], &what, err);
	}
	return rc;
}

static int
expel(struct mv_repo *r, const struct mv_keyring_key *key, bool keep_identity,
    struct mv_expelled *out, struct mv_err *err)
{
	mv_auto(mv_epoch_secrets_wipe) struct mv_epoch_secrets fresh = { 0 };
	mv_auto(mv_keyring_clear) struct mv_keyring next = { 0 };
	const struct mv_epoch_secrets *newest;
	size_t i = (size_t)(key - r->keyring.keys);
	uint32_t number = key->number;
	int rc;

	newest = mv_repo_epoch(r, mv_repo_newest_epoch(r));
	if (newest == NULL)
		return mv_err_set(err, MV_EAUTH,
		    "the keys given do not open the newest epoch");
	rc = mv_keyring_successor(r, &next, err);
	if (rc == 0 && (key->rights & MV_RIGHT_WRITE) != 0)
		rc = last_number(r, key, &out->last, err);
	if (rc < 0)
		return rc;
	next.keys[i].removed = 1;
	if ((key->rights & MV_RIGHT_WRITE) != 0 &&
	    out->last + 1 < next.keys[i].distrusted_from)
		next.keys[i].distrusted_from = out->last + 1;
	if ((key->rights & STRUCTURE_RIGHTS) != 0)
		rc = begin_epoch(r, &next, keep_identity, &fresh, err);
	if (rc == 0)
		rc = label(r, &next, fresh.epoch != 0 ? &fresh.structure :
		    &newest->structure, number, NULL, err);
	if (rc == 0)
		rc = mv_keyring_publish(r, &next, err);
	if (rc < 0)
		return rc;
	out->epoch = fresh.epoch;
	return 0;
}

int
mv_repo_expel(struct mv_repo *r, uint32_t number, bool keep_identity,
    struct mv_expelled *out, struct mv_err *err)
{
	const struct mv_keyring_key *key = mv_keyring_find(&r->keyring,
	    number);
	const struct mv_identity *owner;
	int rc;

	*out = (struct mv_expelled){ 0 };
	rc = mv_owner_of(r, &owner, err);
	if (rc == 0 && key == NULL)
		rc = mv_err_set(err, MV_ENOTFOUND, "there is no key %" PRIu32,
		    number);
	if (rc < 0)
		return rc;
	if (key->removed)
		return mv_keyring_spread(r, err);
	rc = refuse_needed(r, key, err);
	if (rc == 0)
		rc = expel(r, key, keep_identity, out, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "remove key %" PRIu32, number);
	out->removed = true;
	return 0;
}

void
mv_member_clear(struct mv_member *m)
{
	free(m->label);
	*m = (struct mv_member){ 0 };
}

static const json_t *
entry(const json_t *doc, const char *section, uint32_t number)
{
	char key[12];

	(void)snprintf(key, sizeof(key), "%" PRIu32, number);
	return json_object_get(json_object_get(doc, section), key);
}

int
mv_repo_member(const struct mv_repo *r, uint32_t number,
    struct mv_member *out, struct mv_err *err)
{
	mv_auto(mv_labels_decref) json_t *doc = NULL;
	const char *name;
	const json_t *since;
	int rc;

	rc = mv_labels_open(r, &doc, err);
	if (rc < 0)
		return rc;
	name = json_string_value(entry(doc, "keys", number));
	since = entry(doc, "since", number);
	out->label = strdup(name != NULL ? name : "");
	if (out->label == NULL)
		return mv_err_set(err, MV_ENOMEM, "list keys");
	/* Those of the first keyring are as old as the first epoch. */
	out->since = since != NULL ? (int64_t)json_integer_value(since) :
	    r->keyring.epochs[0].time;
	out->removed = (int64_t)json_integer_value(entry(doc, "removed",
	    number));
	return 0;
}
