/* SPDX-License-Identifier: MIT */
/* members_ring: the next keyring: copied, changed, signed and published. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/time.h"
#include "repo/highwater.h"
#include "repo/members_internal.h"

#define KEYRING_OBJECT_MAX (16u << 20)

uint8_t
mv_rights_give(uint8_t rights, uint32_t epoch, uint32_t newest)
{
	uint8_t has = 0;

	if ((rights & MV_RIGHT_READ) != 0)
		has |= 7;
	/* Whoever writes looks old packs up, but never names their chunks. */
	if ((rights & MV_RIGHT_WRITE) != 0)
		has |= epoch == newest ? 3 : 1;
	if ((rights & MV_RIGHT_MAINTAIN) != 0)
		has |= 1;
	return has;
}

int
mv_owner_of(const struct mv_repo *r, const struct mv_identity **out,
    struct mv_err *err)
{
	*out = mv_keyset_find(r->keys, 0);
	if (*out == NULL)
		return mv_err_set(err, MV_EAUTH,
		    "the owner's key is not among the keys given");
	return 0;
}

void
mv_labels_decref(json_t **doc)
{
	json_decref(*doc);
	*doc = NULL;
}

static int
newest_structure(const struct mv_repo *r, const struct mv_key **out,
    struct mv_err *err)
{
	uint32_t newest = mv_repo_newest_epoch(r);
	const struct mv_epoch_secrets *s = mv_repo_epoch(r, newest);

	if (s == NULL || (s->has & 1) == 0)
		return mv_err_set(err, MV_EAUTH,
		    "our keys do not open epoch %" PRIu32, newest);
	*out = &s->structure;
	return 0;
}

int
mv_labels_open(const struct mv_repo *r, json_t **out, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	const struct mv_key *structure = NULL;
	int rc;

	rc = newest_structure(r, &structure, err);
	if (rc == 0)
		rc = mv_keyring_open_labels(&r->keyring, structure, &text,
		    err);
	if (rc < 0)
		return rc;
	rc = mv_json_object(text.p, text.len, out, err);
	return mv_err_ctx(err, rc, "the labels of the keyring");
}

int
mv_labels_set(json_t *doc, const char *section, uint32_t number,
    json_t *value, struct mv_err *err)
{
	json_t *o = json_object_get(doc, section);
	char key[12];

	(void)snprintf(key, sizeof(key), "%" PRIu32, number);
	if (!json_is_object(o)) {
		o = json_object();
		if (json_object_set_new(doc, section, o) < 0)
			o = NULL;
	}
	if (o == NULL) {
		json_decref(value);
		return mv_err_set(err, MV_ENOMEM, "label key %s", key);
	}
	/* A text that is no UTF-8 makes no value. */
	if (json_object_set_new(o, key, value) < 0)
		return mv_err_set(err, MV_EUSAGE,
		    "the label of key %s is not UTF-8", key);
	return 0;
}

int
mv_labels_seal(struct mv_keyring *k, const struct mv_key *structure,
    const json_t *doc, struct mv_err *err)
{
	mv_auto(mv_freep) char *text = NULL;

	text = json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS);
	if (text == NULL)
		return mv_err_set(err, MV_ENOMEM, "label the keys");
	return mv_keyring_seal_labels(k, structure, text, strlen(text), err);
}

static void *
copy_array(const void *from, size_t n, size_t more, size_t size)
{
	void *p = calloc(n + more, size);

	if (p != NULL && n > 0)
		memcpy(p, from, n * size);
	return p;
}

int
mv_keyring_successor(const struct mv_repo *r, struct mv_keyring *out,
    struct mv_err *err)
{
	const struct mv_keyring *k = &r->keyring;
	/* A key gets a grant for each epoch, an epoch one for each key. */
	size_t more = k->nkeys + k->nepochs + 1;

	if (k->number == UINT32_MAX)
		return mv_err_set(err, MV_EREFUSED,
		    "there is no keyring after this one");
	out->repo = k->repo;
	out->number = k->number + 1;
	out->prev = k->hash;
	out->time = mv_time_now();
	memcpy(out->owner, k->owner, sizeof(out->owner));
	out->keys = copy_array(k->keys, k->nkeys, 1, sizeof(*k->keys));
	out->epochs = copy_array(k->epochs, k->nepochs, 1, sizeof(*k->epochs));
	out->grants = copy_array(k->grants, k->ngrants, more,
	    sizeof(*k->grants));
	if (out->keys == NULL || out->epochs == NULL || out->grants == NULL)
		return mv_err_set(err, MV_ENOMEM, "make a keyring");
	out->nkeys = k->nkeys;
	out->nepochs = k->nepochs;
	out->ngrants = k->ngrants;
	return 0;
}

static bool
grant_before(const struct mv_keyring_grant *a,
    const struct mv_keyring_grant *b)
{
	return a->epoch != b->epoch ? a->epoch < b->epoch : a->key < b->key;
}

int
mv_keyring_grant(struct mv_keyring *k, const struct mv_key *outer,
    const struct mv_keyring_key *to, const struct mv_epoch_secrets *what,
    struct mv_err *err)
{
	struct mv_keyring_grant g;
	size_t i = k->ngrants;
	int rc;

	rc = mv_grant_seal(&k->repo, outer, to, what, &g, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "grant epoch %" PRIu32 " to key %"
		    PRIu32, what->epoch, to->number);
	while (i > 0 && grant_before(&g, &k->grants[i - 1]))
		i--;
	memmove(&k->grants[i + 1], &k->grants[i],
	    (k->ngrants - i) * sizeof(g));
	k->grants[i] = g;
	k->ngrants++;
	return 0;
}

/* All stores answer, and none has a keyring with this number or a later one. */
static int
check_unchanged(struct mv_repo *r, uint64_t number, struct mv_err *err)
{
	const char *left_out;
	bool newer = false;
	size_t i;
	int rc;

	for (i = 0; i < r->nstores; i++) {
		left_out = mv_repo_left_out(r, i);
		if (left_out != NULL)
			return mv_err_set(err, MV_EIO, "the keyring changes "
			    "in all stores or in none, and '%s' is away: %s",
			    r->stores[i]->url, left_out);
	}
	rc = mv_repo_has_keyring(r, number, &newer, err);
	if (rc < 0)
		return mv_err_ctx(err, rc,
		    "the keyring changes in all stores or in none");
	if (newer)
		return mv_err_set(err, MV_EAGAIN,
		    "there is another keyring meanwhile");
	return 0;
}

/* A host that made a keyring must never make another with its number. */
static int
remember(struct mv_repo *r, const struct mv_keyring *k, struct mv_err *err)
{
	struct mv_highwater seen = { 0 };

	if (r->state_dir == NULL)
		return 0;
	mv_highwater_note_keyring(&seen, k->number, &k->hash);
	return mv_highwater_raise(r->state_dir, &k->repo, &seen, err);
}

static void
remember_if_there(struct mv_repo *r, const struct mv_keyring *k,
    const char *name)
{
	struct mv_err why = { 0 };
	char text[MV_ERR_TEXT_MAX];
	uint64_t size;
	size_t i;

	for (i = 0; i < r->nstores; i++) {
		if (mv_store_size(r->stores[i], name, &size, NULL) < 0)
			continue;
		if (remember(r, k, &why) == 0)
			return;
		(void)mv_err_text(&why, text, sizeof(text));
		mv_warn("%s", text);
		return;
	}
}

int
mv_keyring_publish(struct mv_repo *r, struct mv_keyring *next,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf obj = { 0 };
	const struct mv_identity *owner = NULL;
	char name[MV_OBJECT_NAME_MAX];
	int rc;

	rc = mv_owner_of(r, &owner, err);
	if (rc == 0)
		rc = mv_keyring_encode(next, &owner->seed, &obj, err);
	if (rc == 0 && obj.len > KEYRING_OBJECT_MAX)
		rc = mv_err_set(err, MV_EREFUSED,
		    "the keyring has become too long");
	if (rc == 0)
		rc = check_unchanged(r, next->number, err);
	if (rc < 0)
		return rc;
	mv_object_name(MV_KIND_KEYRING, next->number, NULL, &next->hash,
	    name);
	rc = mv_repo_put(r, name, obj.p, obj.len, err);
	if (rc < 0) {
		remember_if_there(r, next, name);
		return mv_err_ctx(err, rc, "put '%s'", name);
	}
	rc = remember(r, next, err);
	if (rc < 0)
		return rc;
	mv_keyring_clear(&r->keyring);
	r->keyring = *next;
	*next = (struct mv_keyring){ 0 };
	sodium_free(r->epochs);
	r->epochs = NULL;
	return mv_repo_open_grants(r, err);
}

int
mv_keyring_spread(struct mv_repo *r, struct mv_err *err)
{
	char name[MV_OBJECT_NAME_MAX];

	mv_object_name(MV_KIND_KEYRING, r->keyring.number, NULL,
	    &r->keyring.hash, name);
	return mv_repo_spread(r, name, err);
}
