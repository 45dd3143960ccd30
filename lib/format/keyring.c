/* SPDX-License-Identifier: MIT */
#include "format/keyring.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/keyring_internal.h"
#include "format/labels.h"

#define RIGHTS_ALL (MV_RIGHT_WRITE | MV_RIGHT_READ | MV_RIGHT_MAINTAIN | \
	MV_RIGHT_VAULT)
/* A name has eight hex digits for the number. */
#define NUMBER_MAX UINT32_MAX
/* H || signature || L */
#define PAYLOAD_START (MV_HEADER_BYTES + MV_SIGN_BYTES + 4)
/* What one entry takes at least: bounds what a count can make us allocate. */
#define KEY_BYTES (4 + 1 + 1 + 8 + 2 * MV_PUBLIC_BYTES)
#define EPOCH_BYTES (4 + 8 + MV_PUBLIC_BYTES)
#define GRANT_BYTES (4 + 4 + MV_GRANT_BYTES)

void
mv_keyring_clear(struct mv_keyring *k)
{
	free(k->keys);
	free(k->epochs);
	free(k->grants);
	mv_buf_clear(&k->labels);
	*k = (struct mv_keyring){ 0 };
}

const struct mv_keyring_key *
mv_keyring_find(const struct mv_keyring *k, uint32_t number)
{
	size_t i;

	for (i = 0; i < k->nkeys; i++)
		if (k->keys[i].number == number)
			return &k->keys[i];
	return NULL;
}

static int
bad(const char *what, struct mv_err *err)
{
	return mv_err_set(err, MV_ECORRUPT, "its %s are malformed", what);
}

static int
check_keys(const struct mv_keyring *k, struct mv_err *err)
{
	const struct mv_keyring_key *key;
	uint32_t last = 0;
	size_t i;

	for (i = 0; i < k->nkeys; i++) {
		key = &k->keys[i];
		if (key->number <= last || key->rights == 0 ||
		    (key->rights & ~RIGHTS_ALL) != 0 || key->removed > 1)
			return bad("keys", err);
		last = key->number;
	}
	return 0;
}

static int
check_epochs(const struct mv_keyring *k, struct mv_err *err)
{
	size_t i;

	for (i = 0; i < k->nepochs; i++)
		if (k->epochs[i].number != i + 1)
			return bad("epochs", err);
	return k->nepochs > 0 ? 0 : bad("epochs", err);
}

static int
check_grants(const struct mv_keyring *k, struct mv_err *err)
{
	const struct mv_keyring_grant *g, *last = NULL;
	size_t i;

	for (i = 0; i < k->ngrants; i++, last = g) {
		g = &k->grants[i];
		if (g->epoch < 1 || g->epoch > k->nepochs ||
		    mv_keyring_find(k, g->key) == NULL)
			return bad("grants", err);
		if (last != NULL && (g->epoch < last->epoch ||
		    (g->epoch == last->epoch && g->key <= last->key)))
			return bad("grants", err);
	}
	return 0;
}

int
mv_keyring_check(const struct mv_keyring *k, struct mv_err *err)
{
	int rc;

	if (k->number < 1 || k->number > NUMBER_MAX ||
	    mv_all_zero(k->prev.b, sizeof(k->prev.b)) != (k->number == 1))
		return mv_err_set(err, MV_ECORRUPT,
		    "its number does not fit its predecessor");
	rc = check_keys(k, err);
	if (rc == 0)
		rc = check_epochs(k, err);
	if (rc == 0)
		rc = check_grants(k, err);
	return rc;
}

int
mv_keyring_payload_encode(const struct mv_keyring *k, struct mv_buf *b,
    struct mv_err *err)
{
	size_t i;

	mv_buf_put_u64(b, k->number);
	mv_buf_put(b, k->prev.b, sizeof(k->prev.b));
	mv_buf_put_u64(b, (uint64_t)k->time);
	mv_buf_put(b, k->owner, sizeof(k->owner));
	mv_buf_put_varint(b, k->nkeys);
	for (i = 0; i < k->nkeys; i++) {
		mv_buf_put_u32(b, k->keys[i].number);
		mv_buf_put_u8(b, k->keys[i].rights);
		mv_buf_put_u8(b, k->keys[i].removed);
		mv_buf_put_u64(b, k->keys[i].distrusted_from);
		mv_buf_put(b, k->keys[i].sign_pub, MV_PUBLIC_BYTES);
		mv_buf_put(b, k->keys[i].box_pub, MV_PUBLIC_BYTES);
	}
	mv_buf_put_varint(b, k->nepochs);
	for (i = 0; i < k->nepochs; i++) {
		mv_buf_put_u32(b, k->epochs[i].number);
		mv_buf_put_u64(b, (uint64_t)k->epochs[i].time);
		mv_buf_put(b, k->epochs[i].pub, MV_PUBLIC_BYTES);
	}
	mv_buf_put_varint(b, k->ngrants);
	for (i = 0; i < k->ngrants; i++) {
		mv_buf_put_u32(b, k->grants[i].epoch);
		mv_buf_put_u32(b, k->grants[i].key);
		mv_buf_put(b, k->grants[i].box, MV_GRANT_BYTES);
	}
	mv_buf_put_bytes(b, k->labels.p, k->labels.len);
	return mv_buf_failed(b, err);
}

/* H || L || payload || zeros: what the signature is made over. */
static void
put_signed(struct mv_buf *b, const uint8_t *header, const uint8_t *rest,
    size_t len)
{
	mv_buf_put(b, header, MV_HEADER_BYTES);
	mv_buf_put(b, rest, len);
}

int
mv_keyring_encode(struct mv_keyring *k, const struct mv_key *owner_seed,
    struct mv_buf *out, struct mv_err *err)
{
	const struct mv_header header = {
		.kind = MV_KIND_KEYRING, .repo = k->repo
	};
	mv_auto(mv_buf_clear) struct mv_buf payload = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	uint8_t h[MV_HEADER_BYTES], sig[MV_SIGN_BYTES];
	uint8_t owner[MV_PUBLIC_BYTES];
	size_t total, start = out->len;
	int rc;

	mv_sign_public(owner_seed, owner);
	if (memcmp(owner, k->owner, sizeof(owner)) != 0)
		return mv_err_set(err, MV_EAUTH,
		    "the owner key given is not the keyring's");
	rc = mv_keyring_check(k, err);
	if (rc == 0)
		rc = mv_keyring_payload_encode(k, &payload, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "make a keyring");
	total = (size_t)mv_pad(PAYLOAD_START + payload.len);
	mv_header_encode(&header, h);
	put_signed(&text, h, NULL, 0);
	mv_buf_put_u32(&text, (uint32_t)payload.len);
	mv_buf_put(&text, payload.p, payload.len);
	mv_buf_put_zero(&text, total - PAYLOAD_START - payload.len);
	rc = mv_buf_failed(&text, err);
	if (rc < 0)
		return rc;
	rc = mv_sign(owner_seed, MV_LABEL_KEYRING, text.p, text.len, sig, err);
	if (rc < 0)
		return rc;
	mv_buf_put(out, h, sizeof(h));
	mv_buf_put(out, sig, sizeof(sig));
	mv_buf_put(out, text.p + sizeof(h), text.len - sizeof(h));
	rc = mv_buf_failed(out, err);
	if (rc == 0)
		mv_sha256(out->p + start, total, k->hash.b);
	return rc;
}

/*
 * Room for as many entries as are announced, and as the input can hold.
 * NULL and a failed cursor otherwise; NULL alone for none.
 */
static void *
take_count(struct mv_cur *c, size_t least, size_t size, size_t *n,
    struct mv_err *err, int *rc)
{
	uint64_t count = mv_cur_varint(c);
	void *p;

	*n = 0;
	if (count > c->left / least)
		c->failed = 1;
	if (c->failed || count == 0)
		return NULL;
	p = calloc((size_t)count, size);
	if (p == NULL)
		*rc = mv_err_set(err, MV_ENOMEM, "keyring of %llu entries",
		    (unsigned long long)count);
	else
		*n = (size_t)count;
	return p;
}

static int
take_keys(struct mv_cur *c, struct mv_keyring *k, struct mv_err *err)
{
	size_t i;
	int rc = 0;

	k->keys = take_count(c, KEY_BYTES, sizeof(*k->keys), &k->nkeys, err,
	    &rc);
	for (i = 0; i < k->nkeys; i++) {
		k->keys[i].number = mv_cur_u32(c);
		k->keys[i].rights = mv_cur_u8(c);
		k->keys[i].removed = mv_cur_u8(c);
		k->keys[i].distrusted_from = mv_cur_u64(c);
		mv_cur_copy(c, k->keys[i].sign_pub, MV_PUBLIC_BYTES);
		mv_cur_copy(c, k->keys[i].box_pub, MV_PUBLIC_BYTES);
	}
	return rc;
}

static int
take_epochs(struct mv_cur *c, struct mv_keyring *k, struct mv_err *err)
{
	size_t i;
	int rc = 0;

	k->epochs = take_count(c, EPOCH_BYTES, sizeof(*k->epochs),
	    &k->nepochs, err, &rc);
	for (i = 0; i < k->nepochs; i++) {
		k->epochs[i].number = mv_cur_u32(c);
		k->epochs[i].time = (int64_t)mv_cur_u64(c);
		mv_cur_copy(c, k->epochs[i].pub, MV_PUBLIC_BYTES);
	}
	return rc;
}

static int
take_grants(struct mv_cur *c, struct mv_keyring *k, struct mv_err *err)
{
	size_t i;
	int rc = 0;

	k->grants = take_count(c, GRANT_BYTES, sizeof(*k->grants),
	    &k->ngrants, err, &rc);
	for (i = 0; i < k->ngrants; i++) {
		k->grants[i].epoch = mv_cur_u32(c);
		k->grants[i].key = mv_cur_u32(c);
		mv_cur_copy(c, k->grants[i].box, MV_GRANT_BYTES);
	}
	return rc;
}

int
mv_keyring_payload_decode(const uint8_t *p, size_t len, struct mv_keyring *k,
    struct mv_err *err)
{
	struct mv_cur c = mv_cur_of(p, len);
	const uint8_t *labels;
	size_t n;
	int rc;

	k->number = mv_cur_u64(&c);
	mv_cur_copy(&c, k->prev.b, sizeof(k->prev.b));
	k->time = (int64_t)mv_cur_u64(&c);
	mv_cur_copy(&c, k->owner, sizeof(k->owner));
	rc = take_keys(&c, k, err);
	if (rc == 0)
		rc = take_epochs(&c, k, err);
	if (rc == 0)
		rc = take_grants(&c, k, err);
	if (rc < 0)
		return rc;
	labels = mv_cur_bytes(&c, &n);
	if (!mv_cur_done(&c))
		return bad("contents", err);
	mv_buf_put(&k->labels, labels, n);
	return mv_buf_failed(&k->labels, err);
}

/* The signature must be that of the owner whom the caller knows. */
static int
verify(const uint8_t *obj, size_t len, const struct mv_keyring *k,
    const uint8_t owner[MV_PUBLIC_BYTES], struct mv_err *err)
{
	const uint8_t *sig = obj + MV_HEADER_BYTES;
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	int rc;

	put_signed(&text, obj, sig + MV_SIGN_BYTES,
	    len - MV_HEADER_BYTES - MV_SIGN_BYTES);
	rc = mv_buf_failed(&text, err);
	if (rc < 0)
		return rc;
	/* A whole keyring of somebody else is not a damaged one of ours. */
	if (memcmp(k->owner, owner, sizeof(k->owner)) != 0 &&
	    mv_verify(k->owner, MV_LABEL_KEYRING, text.p, text.len, sig,
		NULL) == 0)
		return mv_err_set(err, MV_EAUTH,
		    "it is signed by another owner than the key file names");
	rc = mv_verify(owner, MV_LABEL_KEYRING, text.p, text.len, sig, err);
	if (rc < 0)
		return rc;
	if (memcmp(k->owner, owner, sizeof(k->owner)) != 0)
		return mv_err_set(err, MV_ECORRUPT,
		    "it names another owner than signed it");
	return 0;
}

int
mv_keyring_decode(const uint8_t *obj, size_t len, const struct mv_id16 *repo,
    const uint8_t owner[MV_PUBLIC_BYTES], struct mv_keyring *out,
    struct mv_err *err)
{
	mv_auto(mv_keyring_clear) struct mv_keyring k = { .repo = *repo };
	struct mv_header header;
	struct mv_cur c;
	size_t used;
	int rc;

	rc = mv_header_expect(obj, len, MV_KIND_KEYRING, repo, &header, err);
	if (rc < 0)
		return rc;
	c = mv_cur_of(obj, len);
	(void)mv_cur_take(&c, MV_HEADER_BYTES + MV_SIGN_BYTES);
	used = mv_cur_u32(&c);
	if (c.failed || used > c.left || mv_pad(PAYLOAD_START + used) != len ||
	    !mv_all_zero(c.p + used, c.left - used))
		return bad("length and padding", err);
	rc = mv_keyring_payload_decode(c.p, used, &k, err);
	if (rc == 0)
		rc = verify(obj, len, &k, owner, err);
	if (rc == 0)
		rc = mv_keyring_check(&k, err);
	if (rc < 0)
		return rc;
	mv_sha256(obj, len, k.hash.b);
	*out = k;
	k = (struct mv_keyring){ 0 };
	return 0;
}

static void
label_key(const struct mv_key *structure, struct mv_key *out)
{
	mv_kdf(structure, MV_LABEL_LABEL, out);
}

int
mv_keyring_seal_labels(struct mv_keyring *k, const struct mv_key *structure,
    const char *json, size_t len, struct mv_err *err)
{
	mv_auto(mv_key_wipe) struct mv_key key = { 0 };
	int rc;

	mv_buf_reset(&k->labels);
	mv_buf_put_zero(&k->labels, len + MV_BOX_EXTRA);
	rc = mv_buf_failed(&k->labels, err);
	if (rc < 0)
		return rc;
	label_key(structure, &key);
	mv_box_seal(&key, NULL, 0, (const uint8_t *)json, len, k->labels.p);
	return 0;
}

int
mv_keyring_open_labels(const struct mv_keyring *k,
    const struct mv_key *structure, struct mv_buf *out, struct mv_err *err)
{
	mv_auto(mv_key_wipe) struct mv_key key = { 0 };
	int rc;

	/* One more: no bytes at all would leave nothing to point into. */
	if (mv_buf_reserve(out, k->labels.len + 1) < 0)
		return mv_buf_failed(out, err);
	label_key(structure, &key);
	rc = mv_box_open(&key, NULL, 0, k->labels.p, k->labels.len,
	    out->p + out->len, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "labels of the keyring");
	out->len += k->labels.len - MV_BOX_EXTRA;
	return 0;
}
