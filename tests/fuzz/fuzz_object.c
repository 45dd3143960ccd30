/* SPDX-License-Identifier: MIT */
/*
 * Objects as a store gives them.  The first byte chooses what the rest is:
 * the bytes of a whole object, or what lies in one that we sealed but never
 * signed; none of those is taken for a signed one.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/keyring.h"
#include "format/labels.h"
#include "format/pack.h"
#include "format/snapshot.h"
#include "format/vault.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct mv_id16 repo = { .b = "repository of us" };
static const struct mv_key secret = { .b = "structure" };
static const uint8_t pub[MV_PUBLIC_BYTES] = { 1 };

static const uint8_t *
pub_of(uint32_t writer, void *arg)
{
	(void)arg;
	return writer % 2 == 0 ? pub : NULL;
}

static void
refused(int rc)
{
	if (rc != MV_ECORRUPT && rc != MV_EAUTH && rc != MV_EUSAGE &&
	    rc != MV_ENOMEM)
		abort();
}

/* As keyring, snapshot and vault version. */
static void
whole(const uint8_t *p, size_t len)
{
	mv_auto(mv_keyring_clear) struct mv_keyring k = { 0 };
	mv_auto(mv_snapshot_clear) struct mv_snapshot s = { 0 };
	mv_auto(mv_vault_version_clear) struct mv_vault_version v = { 0 };
	struct mv_header h;
	uint8_t again[MV_HEADER_BYTES];

	refused(mv_keyring_decode(p, len, &repo, pub, &k, NULL));
	refused(mv_snapshot_decode(p, len, &repo, &secret, pub_of, NULL, &s,
	    NULL));
	refused(mv_vault_version_decode(p, len, &repo, &secret, pub_of, NULL,
	    &v, NULL));
	if (mv_header_decode(p, len, &h, NULL) < 0)
		return;
	mv_header_encode(&h, again);
	if (memcmp(again, p, sizeof(again)) != 0)
		abort();
}

static void
snapshot(const uint8_t *p, size_t len)
{
	const struct mv_header h = { .kind = MV_KIND_SNAPSHOT, .epoch = 1,
	    .repo = repo };
	mv_auto(mv_snapshot_clear) struct mv_snapshot s = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf obj = { 0 }, open = { 0 };
	struct mv_key key;

	mv_kdf(&secret, MV_LABEL_SNAPSHOT, &key);
	if (mv_object_seal(&h, &key, p, len, &obj, NULL) < 0)
		return;
	if (mv_object_open(&key, obj.p, obj.len, &open, NULL) < 0 ||
	    open.len != len || (len > 0 && memcmp(open.p, p, len) != 0))
		abort();
	refused(mv_snapshot_decode(obj.p, obj.len, &repo, &secret, pub_of,
	    NULL, &s, NULL));
}

/* A sealed vault version: head, and all that the box would hold. */
static void
vault(const uint8_t *p, size_t len)
{
	const size_t head = MV_HEADER_BYTES + sizeof(struct mv_id16);
	const struct mv_header h = { .kind = MV_KIND_VAULT, .repo = repo };
	const uint64_t all = mv_pad(head + MV_BOX_EXTRA + 4 + len);
	mv_auto(mv_vault_version_clear) struct mv_vault_version v = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf plain = { 0 }, obj = { 0 };
	struct mv_key key;

	mv_buf_put_u32(&plain, (uint32_t)len);
	mv_buf_put(&plain, p, len);
	mv_buf_put_zero(&plain, all - head - MV_BOX_EXTRA - plain.len);
	mv_buf_put_zero(&obj, all);
	if (mv_buf_failed(&plain, NULL) < 0 || mv_buf_failed(&obj, NULL) < 0)
		return;
	mv_header_encode(&h, obj.p);
	mv_kdf(&secret, MV_LABEL_VAULT, &key);
	mv_box_seal(&key, obj.p, head, plain.p, plain.len, obj.p + head);
	refused(mv_vault_version_decode(obj.p, obj.len, &repo, &secret,
	    pub_of, NULL, &v, NULL));
}

/* Grant, labels, trailer, footer box and wraps, none of them authentic. */
static void
boxes(const uint8_t *p, size_t len)
{
	mv_auto(mv_epoch_secrets_wipe) struct mv_epoch_secrets e = { 0 };
	mv_auto(mv_keyring_clear) struct mv_keyring k = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf out = { 0 };
	struct mv_keyring_grant g = { .epoch = 1, .key = 1 };
	struct mv_footer_origin o = { .epoch = 1 };
	uint8_t head[MV_PACK_START] = { 0 }, tail[MV_TRAILER_BYTES] = { 0 };
	uint32_t offset, n;
	struct mv_key key;

	memcpy(g.box, p, len < sizeof(g.box) ? len : sizeof(g.box));
	memcpy(o.wrap, p, len < sizeof(o.wrap) ? len : sizeof(o.wrap));
	memcpy(tail, p, len < sizeof(tail) ? len : sizeof(tail));
	mv_buf_put(&k.labels, p, len);
	refused(mv_grant_open(&repo, &secret, &g, pub, &secret, &e, NULL));
	refused(mv_wrap_open(&repo, MV_KIND_DATA_PACK, &o, &secret, &secret,
	    &key, NULL));
	refused(mv_wrap_open(&repo, MV_KIND_NODE_PACK, &o, &secret, NULL,
	    &key, NULL));
	refused(mv_trailer_open(&secret, head, tail, 1 << 16, &offset, &n,
	    NULL));
	refused(mv_keyring_open_labels(&k, &secret, &out, NULL));
	refused(mv_footer_open(&secret, head, p, len, &out, NULL));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (mv_secret_init(NULL) < 0)
		abort();
	if (len == 0)
		return 0;
	switch (data[0]) {
	case 's':
		snapshot(data + 1, len - 1);
		break;
	case 'v':
		vault(data + 1, len - 1);
		break;
	case 'b':
		boxes(data + 1, len - 1);
		break;
	default:
		whole(data + 1, len - 1);
	}
	return 0;
}
