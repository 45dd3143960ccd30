/* SPDX-License-Identifier: MIT */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/keyfile_internal.h"

#define RIGHTS_ALL (MV_RIGHT_WRITE | MV_RIGHT_READ | MV_RIGHT_MAINTAIN | \
	MV_RIGHT_VAULT)
/* What a key file may hold of an epoch: the private key is in a grant. */
#define HAS_IN_FILE 3

void
mv_identity_wipe(struct mv_identity *id)
{
	sodium_memzero(id, sizeof(*id));
}

int
mv_keyset_new(struct mv_keyset **out, struct mv_err *err)
{
	struct mv_keyset *k = sodium_malloc(sizeof(*k));

	if (k == NULL)
		return mv_err_set(err, MV_ENOMEM, "hold keys");
	memset(k, 0, sizeof(*k));
	*out = k;
	return 0;
}

void
mv_keyset_free(struct mv_keyset *k)
{
	if (k == NULL)
		return;
	free(k->note);
	sodium_free(k);
}

void
mv_keyset_freep(struct mv_keyset **k)
{
	mv_keyset_free(*k);
	*k = NULL;
}

const struct mv_identity *
mv_keyset_find(const struct mv_keyset *k, uint8_t rights)
{
	const struct mv_identity *id;
	size_t i;

	for (i = 0; i < k->nidentities; i++) {
		id = &k->identities[i];
		if (rights == 0 ? id->number == 0 :
		    (id->rights & rights) == rights)
			return id;
	}
	return NULL;
}

struct mv_epoch_secrets *
mv_keyset_epoch(struct mv_keyset *k, uint32_t epoch)
{
	size_t i;

	for (i = 0; i < k->nepochs; i++)
		if (k->epochs[i].epoch == epoch)
			return &k->epochs[i];
	return NULL;
}

/* Where number stands or belongs: identities ascend. */
static size_t
identity_at(const struct mv_keyset *k, uint32_t number)
{
	size_t i = 0;

	while (i < k->nidentities && k->identities[i].number < number)
		i++;
	return i;
}

int
mv_keyset_add(struct mv_keyset *k, const struct mv_identity *id,
    struct mv_err *err)
{
	size_t i = identity_at(k, id->number);
	struct mv_identity *at = &k->identities[i];

	if (i < k->nidentities && at->number == id->number) {
		if (mv_equal(at->seed.b, id->seed.b, MV_KEY_BYTES) &&
		    mv_equal(at->box.b, id->box.b, MV_KEY_BYTES))
			return 0;
		return mv_err_set(err, MV_EUSAGE,
		    "two different keys have the number %u", id->number);
	}
	if (k->nidentities == MV_KEYSET_IDENTITIES_MAX)
		return mv_err_set(err, MV_EUSAGE,
		    "more than %d keys together", MV_KEYSET_IDENTITIES_MAX);
	memmove(at + 1, at, (k->nidentities - i) * sizeof(*at));
	*at = *id;
	k->nidentities++;
	return 0;
}

/* Takes one secret of an epoch; a contradiction must not go unnoticed. */
static int
take_secret(struct mv_epoch_secrets *to, const struct mv_epoch_secrets *from,
    uint8_t flag, struct mv_key *dst, const struct mv_key *src,
    struct mv_err *err)
{
	if ((from->has & flag) == 0)
		return 0;
	if ((to->has & flag) != 0 &&
	    !mv_equal(dst->b, src->b, MV_KEY_BYTES))
		return mv_err_set(err, MV_ECORRUPT,
		    "two different secrets for epoch %u", from->epoch);
	*dst = *src;
	to->has |= flag;
	return 0;
}

int
mv_epoch_secrets_merge(struct mv_epoch_secrets *to,
    const struct mv_epoch_secrets *from, struct mv_err *err)
{
	int rc;

	rc = take_secret(to, from, 1, &to->structure, &from->structure, err);
	if (rc == 0)
		rc = take_secret(to, from, 2, &to->identity, &from->identity,
		    err);
	if (rc == 0)
		rc = take_secret(to, from, 4, &to->priv, &from->priv, err);
	return rc;
}

int
mv_keyset_add_epoch(struct mv_keyset *k, const struct mv_epoch_secrets *e,
    struct mv_err *err)
{
	struct mv_epoch_secrets *at = mv_keyset_epoch(k, e->epoch);
	size_t i = 0;

	if (at != NULL)
		return mv_epoch_secrets_merge(at, e, err);
	if (k->nepochs == MV_KEYSET_EPOCHS_MAX)
		return mv_err_set(err, MV_EUSAGE,
		    "more than %d epochs in key files", MV_KEYSET_EPOCHS_MAX);
	while (i < k->nepochs && k->epochs[i].epoch < e->epoch)
		i++;
	memmove(&k->epochs[i + 1], &k->epochs[i],
	    (k->nepochs - i) * sizeof(k->epochs[0]));
	/* Only what the flags name: the rest of *e is not ours to keep. */
	k->epochs[i] = (struct mv_epoch_secrets){ .epoch = e->epoch };
	k->nepochs++;
	return mv_epoch_secrets_merge(&k->epochs[i], e, err);
}

static int
merge_vault(struct mv_keyset *k, const struct mv_keyset *what,
    struct mv_err *err)
{
	if (!what->has_vault)
		return 0;
	if (k->has_vault && !mv_equal(k->vault.b, what->vault.b, MV_KEY_BYTES))
		return mv_err_set(err, MV_EUSAGE,
		    "two different vault secrets");
	k->vault = what->vault;
	k->has_vault = 1;
	return 0;
}

int
mv_keyset_merge(struct mv_keyset *k, const struct mv_keyset *what,
    struct mv_err *err)
{
	size_t i;
	int rc = 0;

	if (memcmp(k->repo.b, what->repo.b, sizeof(k->repo.b)) != 0 ||
	    memcmp(k->owner, what->owner, sizeof(k->owner)) != 0)
		return mv_err_set(err, MV_EUSAGE,
		    "keys of different repositories cannot be used together");
	for (i = 0; rc == 0 && i < what->nidentities; i++)
		rc = mv_keyset_add(k, &what->identities[i], err);
	for (i = 0; rc == 0 && i < what->nepochs; i++)
		rc = mv_keyset_add_epoch(k, &what->epochs[i], err);
	if (rc == 0)
		rc = merge_vault(k, what, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "use several key files");
	if (what->keyring > k->keyring)
		k->keyring = what->keyring;
	if (k->note == NULL && what->note != NULL) {
		k->note = strdup(what->note);
		if (k->note == NULL)
			return mv_err_set(err, MV_ENOMEM, "merge keys");
	}
	return 0;
}

static int
put(struct mv_sbuf *b, const void *p, size_t len)
{
	return mv_sbuf_put(b, p, len, NULL);
}

static int
put_le(struct mv_sbuf *b, uint64_t v, size_t width)
{
	uint8_t le[8];
	size_t i;

	for (i = 0; i < width; i++)
		le[i] = (uint8_t)(v >> (8 * i));
	return put(b, le, width);
}

static int
put_varint(struct mv_sbuf *b, uint64_t v)
{
	int rc = 0;

	for (; v >= 0x80 && rc == 0; v >>= 7)
		rc = put_le(b, (v & 0x7f) | 0x80, 1);
	return rc < 0 ? rc : put_le(b, v, 1);
}

static int
put_identity(struct mv_sbuf *b, const struct mv_identity *id)
{
	int rc = put_le(b, id->number, 4);

	rc |= put_le(b, id->rights, 1);
	rc |= put(b, id->seed.b, MV_KEY_BYTES);
	rc |= put(b, id->box.b, MV_KEY_BYTES);
	return rc;
}

static int
put_epoch(struct mv_sbuf *b, const struct mv_epoch_secrets *e)
{
	static const struct mv_key none;
	int rc = put_le(b, e->epoch, 4);

	rc |= put_le(b, e->has & HAS_IN_FILE, 1);
	rc |= put(b, e->has & 1 ? e->structure.b : none.b, MV_KEY_BYTES);
	rc |= put(b, e->has & 2 ? e->identity.b : none.b, MV_KEY_BYTES);
	return rc;
}

int
mv_keyset_encode(const struct mv_keyset *k, struct mv_sbuf *out,
    struct mv_err *err)
{
	size_t i, n, nepochs = 0;
	int rc;

	for (i = 0; i < k->nepochs; i++)
		nepochs += (k->epochs[i].has & HAS_IN_FILE) != 0;
	/* Failures are all of one kind here: no memory. */
	rc = put(out, k->repo.b, sizeof(k->repo.b));
	rc |= put(out, k->owner, sizeof(k->owner));
	rc |= put_le(out, k->keyring, 8);
	rc |= put_varint(out, k->nidentities);
	for (i = 0; i < k->nidentities; i++)
		rc |= put_identity(out, &k->identities[i]);
	rc |= put_varint(out, nepochs);
	for (i = 0; i < k->nepochs; i++)
		if ((k->epochs[i].has & HAS_IN_FILE) != 0)
			rc |= put_epoch(out, &k->epochs[i]);
	rc |= put_varint(out, k->has_vault);
	if (k->has_vault)
		rc |= put(out, k->vault.b, MV_KEY_BYTES);
	n = k->note != NULL ? strlen(k->note) : 0;
	rc |= put_varint(out, n);
	rc |= put(out, k->note, n);
	return rc == 0 ? 0 : mv_err_set(err, MV_ENOMEM, "write keys");
}

/* -1 for what no key file says. */
static int
take_identity(struct mv_cur *c, struct mv_keyset *k)
{
	struct mv_identity *id = &k->identities[k->nidentities];

	id->number = mv_cur_u32(c);
	id->rights = mv_cur_u8(c);
	mv_cur_copy(c, id->seed.b, MV_KEY_BYTES);
	mv_cur_copy(c, id->box.b, MV_KEY_BYTES);
	if (c->failed || (k->nidentities > 0 && id[-1].number >= id->number))
		return -1;
	mv_sign_public(&id->seed, id->sign_pub);
	k->nidentities++;
	if (id->number > 0) {
		mv_seal_public(&id->box, id->box_pub);
		return id->rights == 0 || (id->rights & ~RIGHTS_ALL) != 0 ?
		    -1 : 0;
	}
	/* The owner only signs, and must be the one that is pinned. */
	return id->rights != 0 || !mv_all_zero(id->box.b, MV_KEY_BYTES) ||
	    memcmp(id->sign_pub, k->owner, sizeof(k->owner)) != 0 ? -1 : 0;
}

static int
take_epoch(struct mv_cur *c, struct mv_keyset *k)
{
	struct mv_epoch_secrets *e = &k->epochs[k->nepochs];
	uint32_t last = k->nepochs > 0 ? e[-1].epoch : 0;

	e->epoch = mv_cur_u32(c);
	e->has = mv_cur_u8(c);
	mv_cur_copy(c, e->structure.b, MV_KEY_BYTES);
	mv_cur_copy(c, e->identity.b, MV_KEY_BYTES);
	k->nepochs++;
	if (c->failed || e->epoch <= last || e->has == 0 ||
	    e->has > HAS_IN_FILE)
		return -1;
	if ((e->has & 1) == 0 && !mv_all_zero(e->structure.b, MV_KEY_BYTES))
		return -1;
	if ((e->has & 2) == 0 && !mv_all_zero(e->identity.b, MV_KEY_BYTES))
		return -1;
	return 0;
}

static int
take_all(struct mv_cur *c, struct mv_keyset *k)
{
	const uint8_t *note;
	uint64_t i, n;
	size_t len;

	mv_cur_copy(c, k->repo.b, sizeof(k->repo.b));
	mv_cur_copy(c, k->owner, sizeof(k->owner));
	k->keyring = mv_cur_u64(c);
	n = mv_cur_varint(c);
	if (n > MV_KEYSET_IDENTITIES_MAX)
		return -1;
	for (i = 0; i < n; i++)
		if (take_identity(c, k) < 0)
			return -1;
	n = mv_cur_varint(c);
	if (n > MV_KEYSET_EPOCHS_MAX)
		return -1;
	for (i = 0; i < n; i++)
		if (take_epoch(c, k) < 0)
			return -1;
	n = mv_cur_varint(c);
	if (n > 1)
		return -1;
	k->has_vault = (uint8_t)n;
	if (k->has_vault)
		mv_cur_copy(c, k->vault.b, MV_KEY_BYTES);
	note = mv_cur_bytes(c, &len);
	if (!mv_cur_done(c) || (len > 0 && memchr(note, '\0', len) != NULL))
		return -1;
	k->note = len > 0 ? strndup((const char *)note, len) : NULL;
	return 0;
}

int
mv_keyset_decode(const uint8_t *p, size_t len, struct mv_keyset **out,
    struct mv_err *err)
{
	mv_auto(mv_keyset_freep) struct mv_keyset *k = NULL;
	struct mv_cur c = mv_cur_of(p, len);
	int rc;

	rc = mv_keyset_new(&k, err);
	if (rc < 0)
		return rc;
	if (take_all(&c, k) < 0)
		return mv_err_set(err, MV_EUSAGE,
		    "the contents of the key file are malformed");
	*out = mv_take(&k);
	return 0;
}
