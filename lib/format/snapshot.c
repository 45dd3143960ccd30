/* SPDX-License-Identifier: MIT */
#include "format/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/labels.h"
#include "format/snapshot_internal.h"

#define PARTS_ALL (MV_PART_DB | MV_PART_MEDIA | MV_PART_SECRETS | \
	MV_PART_REDIS | MV_PART_INCOMPLETE | MV_PART_PINNED)
/* An empty root takes one byte, and a struct mv_root some hundred. */
#define STREAMS_MAX 65536
/* Origin, nbits, one byte of bits. */
#define PIN_BYTES_MIN (MV_PACK_ID_BYTES + 1 + 1)

void
mv_snapshot_clear(struct mv_snapshot *s)
{
	size_t i;

	free(s->vault);
	for (i = 0; i < s->npin_nodes; i++)
		free(s->pin_nodes[i].bits);
	free(s->pin_nodes);
	free(s->streams);
	mv_buf_clear(&s->detail);
	*s = (struct mv_snapshot){ 0 };
}

static int
bad(const char *what, struct mv_err *err)
{
	return mv_err_set(err, MV_ECORRUPT,
	    "%s of the snapshot cannot be", what);
}

/* What no snapshot, ours or another's, may break. */
static int
check(const struct mv_snapshot *s, struct mv_err *err)
{
	size_t i;

	if (s->seq < 1 ||
	    mv_all_zero(s->prev.b, sizeof(s->prev.b)) != (s->seq == 1))
		return bad("number and predecessor", err);
	if (s->writer < 1 || s->keyring < 1)
		return bad("writer or keyring", err);
	if (mv_all_zero(s->ledger_hash.b, sizeof(s->ledger_hash.b)) !=
	    (s->ledger == 0))
		return bad("ledger entry", err);
	if ((s->parts & ~(uint32_t)PARTS_ALL) != 0)
		return bad("parts", err);
	if (s->nstreams > STREAMS_MAX)
		return bad("number of streams", err);
	for (i = 1; i < s->npin_nodes; i++)
		if (memcmp(s->pin_nodes[i - 1].origin.b,
		    s->pin_nodes[i].origin.b, MV_PACK_ID_BYTES) >= 0)
			return bad("order of pins", err);
	if (s->detail.len < MV_TAG_BYTES)
		return bad("detail", err);
	return 0;
}

int
mv_snapshot_body_encode(const struct mv_snapshot *s, struct mv_buf *out,
    struct mv_err *err)
{
	size_t i;
	int rc;

	rc = check(s, err);
	if (rc < 0)
		return rc;
	mv_buf_put_u64(out, s->seq);
	mv_buf_put(out, s->prev.b, sizeof(s->prev.b));
	mv_buf_put_u32(out, s->writer);
	mv_buf_put_u64(out, (uint64_t)s->started);
	mv_buf_put_u64(out, (uint64_t)s->finished);
	mv_buf_put_u64(out, s->keyring);
	mv_buf_put_u64(out, s->ledger);
	mv_buf_put(out, s->ledger_hash.b, sizeof(s->ledger_hash.b));
	mv_buf_put_varint(out, s->parts);
	mv_buf_put_u64(out, s->added);
	mv_buf_put_varint(out, s->nvault);
	for (i = 0; i < s->nvault; i++)
		mv_buf_put(out, s->vault[i].b, sizeof(s->vault[i].b));
	mv_root_encode(&s->pins, out);
	mv_buf_put_varint(out, s->npin_nodes);
	for (i = 0; i < s->npin_nodes; i++)
		mv_pin_encode(&s->pin_nodes[i], out);
	mv_buf_put_varint(out, s->nstreams);
	for (i = 0; i < s->nstreams; i++)
		mv_root_encode(&s->streams[i], out);
	mv_buf_put(out, s->detail_key, sizeof(s->detail_key));
	mv_buf_put_bytes(out, s->detail.p, s->detail.len);
	return mv_buf_failed(out, err);
}

/* Count entries of at least least bytes; more than the rest holds fails. */
static size_t
take_count(struct mv_cur *c, size_t least, size_t max)
{
	uint64_t n = mv_cur_varint(c);

	if (n > c->left / least || n > max)
		c->failed = 1;
	return c->failed ? 0 : (size_t)n;
}

static int
take_array(size_t n, size_t size, void *out, struct mv_err *err)
{
	void *p = n > 0 ? calloc(n, size) : NULL;

	if (n > 0 && p == NULL)
		return mv_err_set(err, MV_ENOMEM, "snapshot of %zu entries",
		    n);
	memcpy(out, &p, sizeof(p));
	return 0;
}

static int
take_vault(struct mv_cur *c, struct mv_snapshot *s, struct mv_err *err)
{
	size_t i, n = take_count(c, sizeof(s->vault[0].b), SIZE_MAX);
	int rc;

	rc = take_array(n, sizeof(*s->vault), &s->vault, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < n; i++)
		mv_cur_copy(c, s->vault[i].b, sizeof(s->vault[i].b));
	s->nvault = n;
	return 0;
}

static int
take_pin_nodes(struct mv_cur *c, struct mv_snapshot *s, struct mv_err *err)
{
	size_t n = take_count(c, PIN_BYTES_MIN, SIZE_MAX);
	int rc;

	rc = take_array(n, sizeof(*s->pin_nodes), &s->pin_nodes, err);
	while (rc == 0 && s->npin_nodes < n) {
		rc = mv_pin_decode(c, &s->pin_nodes[s->npin_nodes], err);
		if (rc == 0)
			s->npin_nodes++;
	}
	return rc;
}

static int
take_streams(struct mv_cur *c, struct mv_snapshot *s, struct mv_err *err)
{
	size_t i, n = take_count(c, 1, STREAMS_MAX);
	int rc;

	rc = take_array(n, sizeof(*s->streams), &s->streams, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < n && !c->failed; i++)
		mv_root_decode(c, &s->streams[i]);
	s->nstreams = n;
	return 0;
}

static void
take_fixed(struct mv_cur *c, struct mv_snapshot *s)
{
	uint64_t parts;

	s->seq = mv_cur_u64(c);
	mv_cur_copy(c, s->prev.b, sizeof(s->prev.b));
	s->writer = mv_cur_u32(c);
	s->started = (int64_t)mv_cur_u64(c);
	s->finished = (int64_t)mv_cur_u64(c);
	s->keyring = mv_cur_u64(c);
	s->ledger = mv_cur_u64(c);
	mv_cur_copy(c, s->ledger_hash.b, sizeof(s->ledger_hash.b));
	parts = mv_cur_varint(c);
	if (parts > PARTS_ALL)
		c->failed = 1;
	s->parts = (uint32_t)parts;
	s->added = mv_cur_u64(c);
}

int
mv_snapshot_body_decode(const uint8_t *p, size_t len, struct mv_snapshot *out,
    struct mv_err *err)
{
	mv_auto(mv_snapshot_clear) struct mv_snapshot s = { 0 };
	struct mv_cur c = mv_cur_of(p, len);
	const uint8_t *detail;
	size_t n;
	int rc;

	take_fixed(&c, &s);
	rc = take_vault(&c, &s, err);
	if (rc < 0)
		return rc;
	mv_root_decode(&c, &s.pins);
	rc = take_pin_nodes(&c, &s, err);
	if (rc == 0)
		rc = take_streams(&c, &s, err);
	if (rc < 0)
		return rc;
	mv_cur_copy(&c, s.detail_key, sizeof(s.detail_key));
	detail = mv_cur_bytes(&c, &n);
	if (!mv_cur_done(&c))
		return bad("the contents", err);
	mv_buf_put(&s.detail, detail, n);
	rc = mv_buf_failed(&s.detail, err);
	if (rc == 0)
		rc = check(&s, err);
	if (rc < 0)
		return rc;
	*out = s;
	s = (struct mv_snapshot){ 0 };
	return 0;
}

/* H || body: what the signature is made over. */
static int
signed_text(const uint8_t h[MV_HEADER_BYTES], const uint8_t *body, size_t len,
    struct mv_buf *out, struct mv_err *err)
{
	mv_buf_put(out, h, MV_HEADER_BYTES);
	mv_buf_put(out, body, len);
	return mv_buf_failed(out, err);
}

int
mv_snapshot_encode(struct mv_snapshot *s, const struct mv_id16 *repo,
    const struct mv_key *structure, const struct mv_key *seed,
    struct mv_buf *out, struct mv_err *err)
{
	const struct mv_header header = {
		.kind = MV_KIND_SNAPSHOT, .epoch = s->epoch, .repo = *repo
	};
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	mv_auto(mv_key_wipe) struct mv_key key = { 0 };
	uint8_t h[MV_HEADER_BYTES];
	size_t start = out->len;
	int rc;

	mv_header_encode(&header, h);
	mv_buf_put(&text, h, sizeof(h));
	rc = mv_snapshot_body_encode(s, &text, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "make a snapshot");
	rc = mv_sign(seed, MV_LABEL_SNAPSHOT, text.p, text.len, s->sig, err);
	if (rc < 0)
		return rc;
	mv_buf_put(&text, s->sig, sizeof(s->sig));
	rc = mv_buf_failed(&text, err);
	if (rc < 0)
		return rc;
	mv_kdf(structure, MV_LABEL_SNAPSHOT, &key);
	rc = mv_object_seal(&header, &key, text.p + sizeof(h),
	    text.len - sizeof(h), out, err);
	if (rc == 0)
		mv_sha256(out->p + start, out->len - start, s->id.b);
	return rc;
}

static int
verify(const uint8_t h[MV_HEADER_BYTES], const struct mv_buf *payload,
    const struct mv_snapshot *s,
    const uint8_t *(*pub_of)(uint32_t writer, void *arg), void *arg,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	const uint8_t *pub = pub_of(s->writer, arg);
	int rc;

	if (pub == NULL)
		return mv_err_set(err, MV_EAUTH,
		    "its writer, key %u, is not in the keyring", s->writer);
	rc = signed_text(h, payload->p, payload->len - MV_SIGN_BYTES, &text,
	    err);
	if (rc < 0)
		return rc;
	return mv_verify(pub, MV_LABEL_SNAPSHOT, text.p, text.len, s->sig,
	    err);
}

int
mv_snapshot_decode(const uint8_t *obj, size_t len, const struct mv_id16 *repo,
    const struct mv_key *structure,
    const uint8_t *(*pub_of)(uint32_t writer, void *arg), void *arg,
    struct mv_snapshot *out, struct mv_err *err)
{
	mv_auto(mv_snapshot_clear) struct mv_snapshot s = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf payload = { 0 };
	mv_auto(mv_key_wipe) struct mv_key key = { 0 };
	struct mv_header header;
	int rc;

	rc = mv_header_expect(obj, len, MV_KIND_SNAPSHOT, repo, &header, err);
	if (rc < 0)
		return rc;
	mv_kdf(structure, MV_LABEL_SNAPSHOT, &key);
	rc = mv_object_open(&key, obj, len, &payload, err);
	if (rc < 0)
		return rc;
	if (payload.len < MV_SIGN_BYTES)
		return bad("the length", err);
	rc = mv_snapshot_body_decode(payload.p, payload.len - MV_SIGN_BYTES,
	    &s, err);
	if (rc < 0)
		return rc;
	memcpy(s.sig, payload.p + payload.len - MV_SIGN_BYTES, MV_SIGN_BYTES);
	rc = verify(obj, &payload, &s, pub_of, arg, err);
	if (rc < 0)
		return rc;
	s.epoch = header.epoch;
	mv_sha256(obj, len, s.id.b);
	*out = s;
	s = (struct mv_snapshot){ 0 };
	return 0;
}

static void
detail_ad(const struct mv_snapshot *s, const struct mv_id16 *repo,
    struct mv_buf *out)
{
	mv_buf_put_str(out, "detail");
	mv_buf_put(out, repo->b, sizeof(repo->b));
	mv_buf_put_u64(out, s->seq);
	mv_buf_put_u32(out, s->writer);
}

/* The key d is used for one detail only. */
static const uint8_t no_nonce[MV_NONCE_BYTES];

int
mv_snapshot_seal_detail(struct mv_snapshot *s, const struct mv_id16 *repo,
    const uint8_t epoch_pub[MV_PUBLIC_BYTES], const char *json, size_t len,
    struct mv_err *err)
{
	mv_auto(mv_key_wipe) struct mv_key d = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf ad = { 0 };
	int rc;

	detail_ad(s, repo, &ad);
	mv_buf_reset(&s->detail);
	mv_buf_put_zero(&s->detail, len + MV_TAG_BYTES);
	rc = ad.failed ? mv_buf_failed(&ad, err) :
	    mv_buf_failed(&s->detail, err);
	if (rc < 0)
		return rc;
	mv_random(d.b, sizeof(d.b));
	rc = mv_seal_to(epoch_pub, d.b, sizeof(d.b), s->detail_key, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "seal a snapshot's detail");
	mv_aead_seal(&d, no_nonce, ad.p, ad.len, (const uint8_t *)json, len,
	    s->detail.p);
	return 0;
}

int
mv_snapshot_open_detail(const struct mv_snapshot *s,
    const struct mv_id16 *repo, const struct mv_key *epoch_priv,
    struct mv_buf *out, struct mv_err *err)
{
	mv_auto(mv_key_wipe) struct mv_key d = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf ad = { 0 };
	uint8_t pub[MV_PUBLIC_BYTES];
	int rc;

	detail_ad(s, repo, &ad);
	/* One more: no bytes at all would leave nothing to point into. */
	(void)mv_buf_reserve(out, s->detail.len + 1);
	rc = ad.failed ? mv_buf_failed(&ad, err) : mv_buf_failed(out, err);
	if (rc < 0)
		return rc;
	mv_seal_public(epoch_priv, pub);
	rc = mv_seal_open(pub, epoch_priv, s->detail_key,
	    sizeof(s->detail_key), d.b, err);
	if (rc == 0)
		rc = mv_aead_open(&d, no_nonce, ad.p, ad.len, s->detail.p,
		    s->detail.len, out->p + out->len, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "detail of the snapshot");
	out->len += s->detail.len - MV_TAG_BYTES;
	return 0;
}
