/* SPDX-License-Identifier: MIT */
#include "format/pack.h"

#include <string.h>

#include "base/cleanup.h"

#define TRAILER_PLAIN 8		/* offset u32, length u32 */
#define WRAP_AD_BYTES (4 + 16 + 1 + 16 + 4)
#define BOX_AD_MAX (7 + MV_PACK_START)

_Static_assert(MV_TRAILER_BYTES == TRAILER_PLAIN + MV_BOX_EXTRA, "trailer");
_Static_assert(MV_WRAP_NODE_BYTES == MV_KEY_BYTES + MV_BOX_EXTRA, "wrap");
_Static_assert(MV_WRAP_DATA_BYTES == MV_WRAP_NODE_BYTES + MV_SEAL_EXTRA,
    "wrap");

static void
put_u32(uint8_t *p, uint32_t v)
{
	size_t i;

	for (i = 0; i < sizeof(v); i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

size_t
mv_wrap_bytes(enum mv_kind kind)
{
	return kind == MV_KIND_NODE_PACK ? MV_WRAP_NODE_BYTES :
	    MV_WRAP_DATA_BYTES;
}

static void
wrap_ad(const struct mv_id16 *repo, enum mv_kind kind,
    const struct mv_id16 *origin, uint32_t epoch, uint8_t out[WRAP_AD_BYTES])
{
	memcpy(out, "wrap", 4);
	memcpy(out + 4, repo->b, 16);
	out[20] = (uint8_t)kind;
	memcpy(out + 21, origin->b, 16);
	put_u32(out + 37, epoch);
}

int
mv_wrap_seal(const struct mv_id16 *repo, enum mv_kind kind,
    const struct mv_id16 *origin, uint32_t epoch,
    const struct mv_key *structure, const uint8_t epoch_pub[MV_PUBLIC_BYTES],
    const struct mv_key *pack_key, uint8_t out[MV_WRAP_DATA_BYTES],
    struct mv_err *err)
{
	mv_auto(mv_key_wipe) struct mv_key k = { 0 };
	uint8_t sealed[MV_KEY_BYTES + MV_SEAL_EXTRA];
	uint8_t ad[WRAP_AD_BYTES];
	int rc;

	wrap_ad(repo, kind, origin, epoch, ad);
	mv_kdf(structure, "mastvault 1 wrap", &k);
	memset(out, 0, MV_WRAP_DATA_BYTES);
	if (kind == MV_KIND_NODE_PACK) {
		mv_box_seal(&k, ad, sizeof(ad), pack_key->b, MV_KEY_BYTES,
		    out);
		return 0;
	}
	rc = mv_seal_to(epoch_pub, pack_key->b, MV_KEY_BYTES, sealed, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "seal a pack's key");
	mv_box_seal(&k, ad, sizeof(ad), sealed, sizeof(sealed), out);
	return 0;
}

int
mv_wrap_open(const struct mv_id16 *repo, enum mv_kind kind,
    const struct mv_footer_origin *o, const struct mv_key *structure,
    const struct mv_key *epoch_priv, struct mv_key *pack_key,
    struct mv_err *err)
{
	mv_auto(mv_key_wipe) struct mv_key k = { 0 };
	uint8_t sealed[MV_KEY_BYTES + MV_SEAL_EXTRA];
	uint8_t pub[MV_PUBLIC_BYTES];
	uint8_t ad[WRAP_AD_BYTES];
	int rc;

	wrap_ad(repo, kind, &o->id, o->epoch, ad);
	mv_kdf(structure, "mastvault 1 wrap", &k);
	if (kind == MV_KIND_NODE_PACK) {
		rc = mv_box_open(&k, ad, sizeof(ad), o->wrap,
		    MV_WRAP_NODE_BYTES, pack_key->b, err);
		return mv_err_ctx(err, rc, "open a node pack's key");
	}
	if (epoch_priv == NULL)
		return mv_err_set(err, MV_EAUTH,
		    "reading data takes the private key of epoch %u",
		    o->epoch);
	rc = mv_box_open(&k, ad, sizeof(ad), o->wrap, MV_WRAP_DATA_BYTES,
	    sealed, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "open a data pack's key");
	mv_seal_public(epoch_priv, pub);
	rc = mv_seal_open(pub, epoch_priv, sealed, sizeof(sealed),
	    pack_key->b, err);
	return mv_err_ctx(err, rc, "open a data pack's key");
}

/*
 * The boxes of footer and trailer are bound to the pack's header and id:
 * head is the first MV_PACK_START bytes of the pack.
 */
static size_t
box_ad(const char *what, const uint8_t head[MV_PACK_START],
    uint8_t out[BOX_AD_MAX])
{
	size_t len = strlen(what);

	memcpy(out, what, len);
	memcpy(out + len, head, MV_PACK_START);
	return len + MV_PACK_START;
}

static void
seal_tail(const struct mv_key *structure, const uint8_t *payload, size_t len,
    struct mv_buf *pack)
{
	mv_auto(mv_key_wipe) struct mv_key k = { 0 };
	uint8_t plain[TRAILER_PLAIN], ad[BOX_AD_MAX];
	size_t adlen, at = pack->len;

	mv_kdf(structure, "mastvault 1 footer", &k);
	put_u32(plain, (uint32_t)at);
	put_u32(plain + 4, (uint32_t)(len + MV_BOX_EXTRA));
	adlen = box_ad("footer", pack->p, ad);
	mv_box_seal(&k, ad, adlen, payload, len, pack->p + at);
	adlen = box_ad("trailer", pack->p, ad);
	mv_box_seal(&k, ad, adlen, plain, sizeof(plain),
	    pack->p + at + len + MV_BOX_EXTRA);
	pack->len += len + MV_BOX_EXTRA + MV_TRAILER_BYTES;
}

int
mv_pack_finish(const struct mv_key *structure, struct mv_footer *f,
    struct mv_buf *pack, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf payload = { 0 };
	size_t tail, fill;
	int rc;

	rc = mv_footer_encode(f, &payload, err);
	if (rc < 0)
		return rc;
	tail = payload.len + MV_BOX_EXTRA + MV_TRAILER_BYTES;
	if (tail > MV_PACK_MAX || pack->len > MV_PACK_MAX - tail)
		return mv_err_set(err, MV_EUSAGE, "pack of %zu bytes",
		    pack->len + tail);
	fill = (size_t)mv_pad(pack->len + tail) - pack->len - tail;
	if (mv_buf_reserve(pack, fill + tail) < 0)
		return mv_buf_failed(pack, err);
	mv_random(pack->p + pack->len, fill);
	mv_sha256(pack->p + pack->len, fill, f->fill_hash);
	pack->len += fill;
	/* The hash is the payload's last field, and its length is fixed. */
	memcpy(payload.p + payload.len - MV_HASH_BYTES, f->fill_hash,
	    MV_HASH_BYTES);
	seal_tail(structure, payload.p, payload.len, pack);
	return 0;
}

int
mv_trailer_open(const struct mv_key *structure,
    const uint8_t head[MV_PACK_START], const uint8_t tail[MV_TRAILER_BYTES],
    uint64_t pack_size, uint32_t *offset, uint32_t *len, struct mv_err *err)
{
	mv_auto(mv_key_wipe) struct mv_key k = { 0 };
	uint8_t plain[TRAILER_PLAIN], ad[BOX_AD_MAX];
	struct mv_cur c = mv_cur_of(plain, sizeof(plain));
	size_t adlen = box_ad("trailer", head, ad);
	uint32_t at, n;
	int rc;

	mv_kdf(structure, "mastvault 1 footer", &k);
	rc = mv_box_open(&k, ad, adlen, tail, MV_TRAILER_BYTES, plain, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "open a pack's trailer");
	at = mv_cur_u32(&c);
	n = mv_cur_u32(&c);
	if (at < MV_PACK_START || n < MV_BOX_EXTRA ||
	    (uint64_t)at + n + MV_TRAILER_BYTES != pack_size)
		return mv_err_set(err, MV_ECORRUPT,
		    "pack's trailer does not fit its size");
	*offset = at;
	*len = n;
	return 0;
}

int
mv_footer_open(const struct mv_key *structure,
    const uint8_t head[MV_PACK_START], const uint8_t *box, size_t len,
    struct mv_buf *payload, struct mv_err *err)
{
	mv_auto(mv_key_wipe) struct mv_key k = { 0 };
	uint8_t ad[BOX_AD_MAX];
	size_t adlen = box_ad("footer", head, ad);
	int rc;

	if (len < MV_BOX_EXTRA)
		return mv_err_set(err, MV_ECORRUPT, "pack's footer is cut");
	/* One more: no bytes at all would leave nothing to point into. */
	if (mv_buf_reserve(payload, len - MV_BOX_EXTRA + 1) < 0)
		return mv_buf_failed(payload, err);
	mv_kdf(structure, "mastvault 1 footer", &k);
	rc = mv_box_open(&k, ad, adlen, box, len, payload->p + payload->len,
	    err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "open a pack's footer");
	payload->len += len - MV_BOX_EXTRA;
	return 0;
}
