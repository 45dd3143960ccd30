/* SPDX-License-Identifier: MIT */
#include "format/object.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"

/* docs/format.md, 1.1: the least size of an object. */
#define PAD_MIN 65536
/* docs/format.md, 1.4: L stands inside the box. */
#define LENGTH_BYTES 4

_Static_assert(sizeof(MV_MAGIC) - 1 == 8, "magic");

void
mv_header_encode(const struct mv_header *h, uint8_t out[MV_HEADER_BYTES])
{
	size_t i;

	memset(out, 0, MV_HEADER_BYTES);
	memcpy(out, MV_MAGIC, 8);
	out[8] = MV_FORMAT_VERSION;
	out[9] = h->kind;
	for (i = 0; i < 4; i++)
		out[12 + i] = (uint8_t)(h->epoch >> (8 * i));
	memcpy(out + 16, h->repo.b, sizeof(h->repo.b));
}

static int
has_epoch(uint8_t kind)
{
	return kind != MV_KIND_KEYRING && kind != MV_KIND_VAULT;
}

int
mv_header_decode(const uint8_t *p, size_t len, struct mv_header *out,
    struct mv_err *err)
{
	struct mv_cur c = mv_cur_of(p, len);
	struct mv_header h = { 0 };
	const uint8_t *magic = mv_cur_take(&c, 8);
	uint8_t version = mv_cur_u8(&c);
	uint16_t zero;

	h.kind = mv_cur_u8(&c);
	zero = mv_cur_u16(&c);
	h.epoch = mv_cur_u32(&c);
	mv_cur_copy(&c, h.repo.b, sizeof(h.repo.b));
	if (c.failed || memcmp(magic, MV_MAGIC, 8) != 0)
		return mv_err_set(err, MV_ECORRUPT,
		    "it does not begin as an object of mastvault");
	/* Before anything else: the rest may mean something new there. */
	if (version != MV_FORMAT_VERSION)
		return mv_err_set(err, MV_EUSAGE,
		    "it has format version %u, and this program knows "
		    "version %d only", version, MV_FORMAT_VERSION);
	if (zero != 0 || h.kind < MV_KIND_KEYRING || h.kind > MV_KIND_BAD ||
	    (h.epoch != 0) != has_epoch(h.kind))
		return mv_err_set(err, MV_ECORRUPT, "its header is malformed");
	*out = h;
	return 0;
}

int
mv_header_expect(const uint8_t *p, size_t len, enum mv_kind kind,
    const struct mv_id16 *repo, struct mv_header *out, struct mv_err *err)
{
	struct mv_header h;
	int rc;

	rc = mv_header_decode(p, len, &h, err);
	if (rc < 0)
		return rc;
	if (h.kind != kind)
		return mv_err_set(err, MV_ECORRUPT,
		    "it is an object of kind %u, not %d", h.kind, (int)kind);
	if (memcmp(h.repo.b, repo->b, sizeof(repo->b)) != 0)
		return mv_err_set(err, MV_ECORRUPT,
		    "it belongs to another repository");
	*out = h;
	return 0;
}

static unsigned
log2_floor(uint64_t n)
{
	return 63 - (unsigned)__builtin_clzll(n);
}

uint64_t
mv_pad(uint64_t n)
{
	unsigned e, s;
	uint64_t mask;

	if (n <= PAD_MIN)
		return PAD_MIN;
	e = log2_floor(n);
	s = log2_floor(e) + 1;
	mask = (UINT64_C(1) << (e - s)) - 1;
	return (n + mask) & ~mask;
}

void
mv_object_name(enum mv_kind kind, uint64_t number, const struct mv_id16 *id,
    const struct mv_id32 *hash, char out[MV_OBJECT_NAME_MAX])
{
	char h[2 * sizeof(hash->b) + 1], i[2 * sizeof(id->b) + 1] = "";
	const size_t max = MV_OBJECT_NAME_MAX;

	mv_hex_encode(hash->b, sizeof(hash->b), h);
	if (id != NULL)
		mv_hex_encode(id->b, sizeof(id->b), i);
	switch (kind) {
	case MV_KIND_KEYRING:
		(void)snprintf(out, max, "keyring/%08" PRIx64 "-%s", number, h);
		break;
	case MV_KIND_DATA_PACK:
	case MV_KIND_NODE_PACK:
		(void)snprintf(out, max, "packs/%.2s/%s-%s", i, i, h);
		break;
	case MV_KIND_INDEX:
		(void)snprintf(out, max, "index/%s", h);
		break;
	case MV_KIND_SNAPSHOT:
		(void)snprintf(out, max, "snapshots/%s", h);
		break;
	case MV_KIND_VAULT:
		(void)snprintf(out, max, "vault/%s-%s", i, h);
		break;
	case MV_KIND_LEDGER:
		(void)snprintf(out, max, "ledger/%08" PRIx64 "-%s", number, h);
		break;
	case MV_KIND_BAD:
		(void)snprintf(out, max, "bad/%s", h);
		break;
	}
}

/* Which kinds of names there are, and what comes before the hash. */
static const struct form {
	const char *prefix;
	enum mv_kind kind;
	enum { BARE, NUMBERED, IDENTIFIED } what;
} forms[] = {
	{ "keyring/", MV_KIND_KEYRING, NUMBERED },
	{ "packs/", MV_KIND_DATA_PACK, IDENTIFIED },
	{ "index/", MV_KIND_INDEX, BARE },
	{ "snapshots/", MV_KIND_SNAPSHOT, BARE },
	{ "vault/", MV_KIND_VAULT, IDENTIFIED },
	{ "ledger/", MV_KIND_LEDGER, NUMBERED },
	{ "bad/", MV_KIND_BAD, BARE },
};

/* "12345678-": big-endian digits, and a number is never 0. */
static int
parse_number(const char **p, uint64_t *out)
{
	uint8_t be[4];

	if (strnlen(*p, 9) < 9 || (*p)[8] != '-' ||
	    mv_hex_decode(*p, 8, be, sizeof(be)) < 0)
		return -1;
	*out = (uint64_t)be[0] << 24 | (uint64_t)be[1] << 16 |
	    (uint64_t)be[2] << 8 | be[3];
	*p += 9;
	return *out > 0 ? 0 : -1;
}

static int
parse_id(const char **p, struct mv_id16 *out)
{
	if (strnlen(*p, 33) < 33 || (*p)[32] != '-' ||
	    mv_hex_decode(*p, 32, out->b, sizeof(out->b)) < 0)
		return -1;
	*p += 33;
	return 0;
}

static int
parse_form(const struct form *form, const char *p, struct mv_name *n)
{
	if (form->kind == MV_KIND_DATA_PACK) {
		/* "PP/" repeats the first digits of the id. */
		if (strnlen(p, 5) < 5 || p[2] != '/' ||
		    memcmp(p, p + 3, 2) != 0)
			return -1;
		p += 3;
	}
	if (form->what == NUMBERED && parse_number(&p, &n->number) < 0)
		return -1;
	if (form->what == IDENTIFIED && parse_id(&p, &n->id) < 0)
		return -1;
	return mv_hex_decode(p, strlen(p), n->hash.b, sizeof(n->hash.b));
}

int
mv_object_name_parse(const char *name, struct mv_name *out)
{
	struct mv_name n = { 0 };
	size_t i, len;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		len = strlen(forms[i].prefix);
		if (strncmp(name, forms[i].prefix, len) != 0)
			continue;
		if (parse_form(&forms[i], name + len, &n) < 0)
			return MV_ENOTFOUND;
		n.kind = forms[i].kind;
		*out = n;
		return 0;
	}
	return MV_ENOTFOUND;
}

int
mv_object_verify(const void *buf, size_t len, const struct mv_id32 *hash,
    const char *what, struct mv_err *err)
{
	uint8_t is[MV_HASH_BYTES];

	mv_sha256(buf, len, is);
	if (memcmp(is, hash->b, sizeof(is)) != 0)
		return mv_err_set(err, MV_ECORRUPT,
		    "'%s': its %zu bytes do not have the SHA-256 of its name",
		    what, len);
	return 0;
}

int
mv_all_zero(const uint8_t *p, size_t len)
{
	uint8_t any = 0;
	size_t i;

	for (i = 0; i < len; i++)
		any |= p[i];
	return any == 0;
}

int
mv_object_seal(const struct mv_header *h, const struct mv_key *key,
    const uint8_t *payload, size_t len, struct mv_buf *out,
    struct mv_err *err)
{
	const size_t extra = MV_HEADER_BYTES + MV_BOX_EXTRA;
	size_t total, box, start = out->len;
	uint8_t *obj;
	int rc;

	if (len > UINT32_MAX / 2)
		return mv_err_set(err, MV_EUSAGE,
		    "an object of %zu bytes is too long", len);
	total = (size_t)mv_pad(extra + LENGTH_BYTES + len);
	box = total - extra;
	(void)mv_buf_reserve(out, total);
	rc = mv_buf_failed(out, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "seal an object");

	/* H || nonce || L || payload || zeros, sealed where it stands. */
	obj = out->p + start;
	mv_header_encode(h, obj);
	out->len += MV_HEADER_BYTES + MV_NONCE_BYTES;
	mv_buf_put_u32(out, (uint32_t)len);
	mv_buf_put(out, payload, len);
	mv_buf_put_zero(out, box - LENGTH_BYTES - len + MV_TAG_BYTES);
	mv_random(obj + MV_HEADER_BYTES, MV_NONCE_BYTES);
	mv_aead_seal(key, obj + MV_HEADER_BYTES, obj, MV_HEADER_BYTES,
	    obj + MV_HEADER_BYTES + MV_NONCE_BYTES, box,
	    obj + MV_HEADER_BYTES + MV_NONCE_BYTES);
	return 0;
}

int
mv_object_open(const struct mv_key *key, const uint8_t *obj, size_t len,
    struct mv_buf *out, struct mv_err *err)
{
	const size_t extra = MV_HEADER_BYTES + MV_BOX_EXTRA;
	size_t box, used, start = out->len;
	uint8_t *plain;
	struct mv_cur c;
	int rc;

	if (len < PAD_MIN)
		return mv_err_set(err, MV_ECORRUPT,
		    "%zu bytes are too few for an object", len);
	box = len - extra;
	(void)mv_buf_reserve(out, box);
	rc = mv_buf_failed(out, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "open an object");
	plain = out->p + start;
	rc = mv_box_open(key, obj, MV_HEADER_BYTES, obj + MV_HEADER_BYTES,
	    len - MV_HEADER_BYTES, plain, err);
	if (rc < 0)
		return rc;
	c = mv_cur_of(plain, box);
	used = mv_cur_u32(&c);
	if (used > c.left || mv_pad(extra + LENGTH_BYTES + used) != len)
		return mv_err_set(err, MV_ECORRUPT,
		    "its length does not fit its padding");
	if (!mv_all_zero(c.p + used, c.left - used))
		return mv_err_set(err, MV_ECORRUPT, "its padding is not zero");
	memmove(plain, c.p, used);
	out->len += used;
	return 0;
}
