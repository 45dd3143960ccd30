/* SPDX-License-Identifier: MIT */
#include "format/vault.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/labels.h"
#include "format/vault_internal.h"

/* H || id, which also is the box's associated data. */
#define HEAD_BYTES (MV_HEADER_BYTES + 16)
#define LENGTH_BYTES 4
#define RECIPIENT_BYTES (4 + MV_KEY_BYTES + MV_SEAL_EXTRA)
#define CONTENT_MAX (1u << 30)

void
mv_vault_version_clear(struct mv_vault_version *v)
{
	free(v->recipients);
	mv_buf_clear(&v->content);
	*v = (struct mv_vault_version){ 0 };
}

/* What no version, ours or another's, may break. */
static int
check(const struct mv_vault_version *v, struct mv_err *err)
{
	uint32_t last = 0;
	size_t i;

	if (v->number < 1 ||
	    mv_all_zero(v->prev.b, sizeof(v->prev.b)) != (v->number == 1))
		return mv_err_set(err, MV_ECORRUPT,
		    "its number does not fit its predecessor");
	if (v->signer < 1 || v->nrecipients < 1 ||
	    v->content.len < MV_TAG_BYTES)
		return mv_err_set(err, MV_ECORRUPT,
		    "it lacks a signer, recipients or contents");
	for (i = 0; i < v->nrecipients; i++) {
		if (v->recipients[i].key <= last)
			return mv_err_set(err, MV_ECORRUPT,
			    "its recipients are not in order");
		last = v->recipients[i].key;
	}
	return 0;
}

int
mv_vault_body_encode(const struct mv_vault_version *v, struct mv_buf *out,
    struct mv_err *err)
{
	size_t i;
	int rc;

	rc = check(v, err);
	if (rc < 0)
		return rc;
	mv_buf_put_u64(out, v->number);
	mv_buf_put(out, v->prev.b, sizeof(v->prev.b));
	mv_buf_put_u64(out, (uint64_t)v->time);
	mv_buf_put_u32(out, v->signer);
	mv_buf_put_varint(out, v->nrecipients);
	for (i = 0; i < v->nrecipients; i++) {
		mv_buf_put_u32(out, v->recipients[i].key);
		mv_buf_put(out, v->recipients[i].sealed,
		    sizeof(v->recipients[i].sealed));
	}
	mv_buf_put_bytes(out, v->content.p, v->content.len);
	return mv_buf_failed(out, err);
}

static int
take_recipients(struct mv_cur *c, struct mv_vault_version *v,
    struct mv_err *err)
{
	uint64_t n = mv_cur_varint(c);
	size_t i;

	if (c->failed || n < 1 || n > c->left / RECIPIENT_BYTES)
		return mv_err_set(err, MV_ECORRUPT,
		    "its recipients are malformed");
	v->recipients = calloc((size_t)n, sizeof(*v->recipients));
	if (v->recipients == NULL)
		return mv_err_set(err, MV_ENOMEM, "read recipients");
	v->nrecipients = (size_t)n;
	for (i = 0; i < v->nrecipients; i++) {
		v->recipients[i].key = mv_cur_u32(c);
		mv_cur_copy(c, v->recipients[i].sealed,
		    sizeof(v->recipients[i].sealed));
	}
	return 0;
}

int
mv_vault_body_decode(const uint8_t *p, size_t len,
    struct mv_vault_version *out, struct mv_err *err)
{
	mv_auto(mv_vault_version_clear) struct mv_vault_version v = { 0 };
	struct mv_cur c = mv_cur_of(p, len);
	const uint8_t *content;
	size_t n;
	int rc;

	v.number = mv_cur_u64(&c);
	mv_cur_copy(&c, v.prev.b, sizeof(v.prev.b));
	v.time = (int64_t)mv_cur_u64(&c);
	v.signer = mv_cur_u32(&c);
	rc = take_recipients(&c, &v, err);
	if (rc < 0)
		return rc;
	content = mv_cur_bytes(&c, &n);
	if (!mv_cur_done(&c))
		return mv_err_set(err, MV_ECORRUPT, "its end is malformed");
	mv_buf_put(&v.content, content, n);
	rc = mv_buf_failed(&v.content, err);
	if (rc == 0)
		rc = check(&v, err);
	if (rc < 0)
		return rc;
	*out = v;
	v = (struct mv_vault_version){ 0 };
	return 0;
}

static void
content_ad(const struct mv_vault_version *v, const struct mv_id16 *repo,
    struct mv_buf *out)
{
	mv_buf_put_str(out, "vault");
	mv_buf_put(out, repo->b, sizeof(repo->b));
	mv_buf_put_u64(out, v->number);
	mv_buf_put(out, v->id.b, sizeof(v->id.b));
}

/* The key c is used for one content only. */
static const uint8_t no_nonce[MV_NONCE_BYTES];

/* meta and file, one after the other, sealed where they stand. */
static int
seal_content(struct mv_vault_version *v, const struct mv_id16 *repo,
    const struct mv_key *c, const char *meta, const uint8_t *file, size_t len,
    struct mv_err *err)
{
	mv_auto(mv_secret_freep) struct mv_secret *plain = NULL;
	mv_auto(mv_buf_clear) struct mv_buf ad = { 0 }, part = { 0 };
	size_t meta_len = strlen(meta), n;
	uint8_t *p;
	int rc;

	/* Lengths are no secret; the file never stands outside a secret. */
	mv_buf_put_bytes(&part, meta, meta_len);
	mv_buf_put_varint(&part, len);
	content_ad(v, repo, &ad);
	rc = ad.failed ? mv_buf_failed(&ad, err) : mv_buf_failed(&part, err);
	if (rc < 0)
		return rc;
	n = part.len + len;
	rc = mv_secret_new(n, &plain, err);
	if (rc < 0)
		return rc;
	p = mv_secret_bytes(plain);
	memcpy(p, part.p, part.len);
	if (len > 0)
		memcpy(p + part.len, file, len);
	mv_buf_reset(&v->content);
	mv_buf_put_zero(&v->content, n + MV_TAG_BYTES);
	rc = mv_buf_failed(&v->content, err);
	if (rc == 0)
		mv_aead_seal(c, no_nonce, ad.p, ad.len, p, n, v->content.p);
	return rc;
}

static int
by_key(const void *a, const void *b)
{
	const struct mv_vault_recipient *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

static int
seal_recipients(struct mv_vault_version *v, const struct mv_key *c,
    const struct mv_keyring_key *const to[], size_t nto, struct mv_err *err)
{
	size_t i;
	int rc;

	free(v->recipients);
	v->nrecipients = 0;
	v->recipients = calloc(nto + 1, sizeof(*v->recipients));
	if (v->recipients == NULL)
		return mv_err_set(err, MV_ENOMEM, "seal to %zu keys", nto);
	for (i = 0; i < nto; i++) {
		v->recipients[i].key = to[i]->number;
		rc = mv_seal_to(to[i]->box_pub, c->b, sizeof(c->b),
		    v->recipients[i].sealed, err);
		if (rc < 0)
			return mv_err_ctx(err, rc, "seal to key %u",
			    to[i]->number);
	}
	v->nrecipients = nto;
	if (nto > 1)
		qsort(v->recipients, nto, sizeof(*v->recipients), by_key);
	return 0;
}

/* Put H || id || BOX(K_vault, H || id, L || payload || zeros) behind out. */
static int
put_object(const uint8_t head[HEAD_BYTES], const struct mv_key *vault_secret,
    const struct mv_buf *payload, struct mv_buf *out, struct mv_err *err)
{
	const size_t extra = HEAD_BYTES + MV_BOX_EXTRA + LENGTH_BYTES;
	mv_auto(mv_key_wipe) struct mv_key key = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf plain = { 0 };
	size_t total = (size_t)mv_pad(extra + payload->len);
	int rc;

	mv_buf_put_u32(&plain, (uint32_t)payload->len);
	mv_buf_put(&plain, payload->p, payload->len);
	mv_buf_put_zero(&plain, total - extra - payload->len);
	(void)mv_buf_reserve(out, total);
	rc = plain.failed ? mv_buf_failed(&plain, err) :
	    mv_buf_failed(out, err);
	if (rc < 0)
		return rc;
	mv_buf_put(out, head, HEAD_BYTES);
	mv_kdf(vault_secret, MV_LABEL_VAULT, &key);
	mv_box_seal(&key, head, HEAD_BYTES, plain.p, plain.len,
	    out->p + out->len);
	out->len += plain.len + MV_BOX_EXTRA;
	return 0;
}

int
mv_vault_version_encode(struct mv_vault_version *v,
    const struct mv_id16 *repo, const struct mv_key *vault_secret,
    const struct mv_key *seed, const struct mv_keyring_key *const to[],
    size_t nto, const char *meta_json, const uint8_t *file, size_t file_len,
    struct mv_buf *out, struct mv_err *err)
{
	const struct mv_header header = {
		.kind = MV_KIND_VAULT, .repo = *repo
	};
	mv_auto(mv_key_wipe) struct mv_key c = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	uint8_t sig[MV_SIGN_BYTES];
	size_t start = out->len;
	int rc;

	if (file_len > CONTENT_MAX || strlen(meta_json) > CONTENT_MAX)
		return mv_err_set(err, MV_EUSAGE,
		    "%zu bytes are too many for the vault", file_len);
	mv_random(v->id.b, sizeof(v->id.b));
	mv_random(c.b, sizeof(c.b));
	rc = seal_content(v, repo, &c, meta_json, file, file_len, err);
	if (rc == 0)
		rc = seal_recipients(v, &c, to, nto, err);
	if (rc < 0)
		return rc;
	mv_buf_put_zero(&text, MV_HEADER_BYTES);
	mv_buf_put(&text, v->id.b, sizeof(v->id.b));
	rc = mv_vault_body_encode(v, &text, err);
	if (rc < 0)
		return rc;
	mv_header_encode(&header, text.p);
	rc = mv_sign(seed, MV_LABEL_VAULT, text.p, text.len, sig, err);
	if (rc < 0)
		return rc;
	mv_buf_put(&text, sig, sizeof(sig));
	rc = mv_buf_failed(&text, err);
	if (rc < 0)
		return rc;

	const struct mv_buf payload = {
		.p = text.p + HEAD_BYTES, .len = text.len - HEAD_BYTES
	};
	rc = put_object(text.p, vault_secret, &payload, out, err);
	if (rc == 0)
		mv_sha256(out->p + start, out->len - start, v->hash.b);
	return rc;
}

/* Opens the box; plain and *payload are what is in it. */
static int
open_box(const uint8_t *obj, size_t len, const struct mv_key *vault_secret,
    struct mv_buf *plain, struct mv_cur *payload, struct mv_err *err)
{
	const size_t extra = HEAD_BYTES + MV_BOX_EXTRA + LENGTH_BYTES;
	mv_auto(mv_key_wipe) struct mv_key key = { 0 };
	size_t used;
	int rc;

	if (len < extra || len != mv_pad(len))
		return mv_err_set(err, MV_ECORRUPT,
		    "%zu bytes are no vault version", len);
	mv_buf_put_zero(plain, len - HEAD_BYTES - MV_BOX_EXTRA);
	rc = mv_buf_failed(plain, err);
	if (rc < 0)
		return rc;
	mv_kdf(vault_secret, MV_LABEL_VAULT, &key);
	rc = mv_box_open(&key, obj, HEAD_BYTES, obj + HEAD_BYTES,
	    len - HEAD_BYTES, plain->p, err);
	if (rc < 0)
		return rc;
	*payload = mv_cur_of(plain->p, plain->len);
	used = mv_cur_u32(payload);
	if (used < MV_SIGN_BYTES || used > payload->left ||
	    mv_pad(extra + used) != len ||
	    !mv_all_zero(payload->p + used, payload->left - used))
		return mv_err_set(err, MV_ECORRUPT,
		    "its length does not fit its padding");
	payload->left = used;
	return 0;
}

static int
verify(const uint8_t head[HEAD_BYTES], const uint8_t *body, size_t len,
    const uint8_t *pub, uint32_t signer, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	int rc;

	if (pub == NULL)
		return mv_err_set(err, MV_EAUTH,
		    "its signer, key %u, is not in the keyring", signer);
	mv_buf_put(&text, head, HEAD_BYTES);
	mv_buf_put(&text, body, len);
	rc = mv_buf_failed(&text, err);
	if (rc < 0)
		return rc;
	return mv_verify(pub, MV_LABEL_VAULT, text.p, text.len, body + len,
	    err);
}

int
mv_vault_version_decode(const uint8_t *obj, size_t len,
    const struct mv_id16 *repo, const struct mv_key *vault_secret,
    const uint8_t *(*pub_of)(uint32_t key, void *arg), void *arg,
    struct mv_vault_version *out, struct mv_err *err)
{
	mv_auto(mv_vault_version_clear) struct mv_vault_version v = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf plain = { 0 };
	struct mv_header header;
	struct mv_cur payload;
	size_t n;
	int rc;

	rc = mv_header_expect(obj, len, MV_KIND_VAULT, repo, &header, err);
	if (rc == 0)
		rc = open_box(obj, len, vault_secret, &plain, &payload, err);
	if (rc < 0)
		return rc;
	n = payload.left - MV_SIGN_BYTES;
	rc = mv_vault_body_decode(payload.p, n, &v, err);
	if (rc == 0)
		rc = verify(obj, payload.p, n, pub_of(v.signer, arg),
		    v.signer, err);
	if (rc < 0)
		return rc;
	memcpy(v.id.b, obj + MV_HEADER_BYTES, sizeof(v.id.b));
	mv_sha256(obj, len, v.hash.b);
	*out = v;
	v = (struct mv_vault_version){ 0 };
	return 0;
}

static int
split_content(const uint8_t *p, size_t n, struct mv_buf *meta,
    struct mv_sbuf *file, struct mv_err *err)
{
	struct mv_cur c = mv_cur_of(p, n);
	size_t meta_len, file_len;
	const uint8_t *m = mv_cur_bytes(&c, &meta_len);
	const uint8_t *f = mv_cur_bytes(&c, &file_len);

	if (!mv_cur_done(&c))
		return mv_err_set(err, MV_ECORRUPT,
		    "the contents of a vault version are malformed");
	mv_buf_put(meta, m, meta_len);
	if (mv_buf_failed(meta, NULL) < 0)
		return mv_err_set(err, MV_ENOMEM, "read a vault version");
	return mv_sbuf_put(file, f, file_len, err);
}

int
mv_vault_version_open(const struct mv_vault_version *v,
    const struct mv_id16 *repo, uint32_t key, const uint8_t box_pub[32],
    const struct mv_key *box_priv, struct mv_buf *meta_json,
    struct mv_sbuf *file, struct mv_err *err)
{
	mv_auto(mv_secret_freep) struct mv_secret *plain = NULL;
	mv_auto(mv_key_wipe) struct mv_key c = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf ad = { 0 };
	const struct mv_vault_recipient *r = NULL;
	size_t i;
	int rc;

	for (i = 0; i < v->nrecipients; i++)
		if (v->recipients[i].key == key)
			r = &v->recipients[i];
	if (r == NULL)
		return mv_err_set(err, MV_EAUTH,
		    "it is not sealed to key %u", key);
	content_ad(v, repo, &ad);
	rc = mv_buf_failed(&ad, err);
	if (rc == 0)
		rc = mv_secret_new(v->content.len, &plain, err);
	if (rc == 0)
		rc = mv_seal_open(box_pub, box_priv, r->sealed,
		    sizeof(r->sealed), c.b, err);
	if (rc == 0)
		rc = mv_aead_open(&c, no_nonce, ad.p, ad.len, v->content.p,
		    v->content.len, mv_secret_bytes(plain), err);
	if (rc < 0)
		return rc;
	return split_content(mv_secret_bytes(plain),
	    v->content.len - MV_TAG_BYTES, meta_json, file, err);
}
