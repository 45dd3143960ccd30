/* SPDX-License-Identifier: MIT */
/*
 * pack_footer: a pack's footer out of a store, without the pack.
 */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "repo/index.h"

/*
 * The end that is read first: trailer, and nearly always the whole footer
 * (some 60 segments of 100 bytes, and 16 bytes a chunk).
 */
#define TAIL_BYTES (64u << 10)

static int
get_exactly(struct mv_store *st, const char *name, uint64_t offset,
    uint8_t *buf, size_t len, struct mv_err *err)
{
	size_t got;
	int rc;

	rc = mv_store_get(st, name, offset, buf, len, &got, err);
	if (rc < 0)
		return rc;
	if (got != len)
		return mv_err_set(err, MV_ECORRUPT,
		    "'%s' ends before its size in '%s'", name, st->url);
	return 0;
}

/* Header and id of the pack; S of its epoch. */
static int
open_head(struct mv_repo *r, const uint8_t head[MV_PACK_START],
    const struct mv_name *name, struct mv_header *h,
    const struct mv_epoch_secrets **secrets, struct mv_err *err)
{
	int rc;

	rc = mv_header_decode(head, MV_HEADER_BYTES, h, err);
	if (rc < 0)
		return rc;
	if ((h->kind != MV_KIND_DATA_PACK && h->kind != MV_KIND_NODE_PACK) ||
	    memcmp(h->repo.b, mv_repo_id(r)->b, sizeof(h->repo.b)) != 0 ||
	    memcmp(head + MV_HEADER_BYTES, name->id.b, MV_PACK_ID_BYTES) != 0)
		return mv_err_set(err, MV_ECORRUPT,
		    "pack of another kind, repository or id");
	*secrets = mv_repo_epoch(r, h->epoch);
	if (*secrets == NULL)
		return mv_err_set(err, MV_EAUTH,
		    "no key here opens epoch %" PRIu32, h->epoch);
	return 0;
}

int
mv_footer_verify(struct mv_repo *r, const struct mv_footer *f,
    struct mv_err *err)
{
	const struct mv_footer_origin *o;
	const uint8_t *pub;
	size_t i;
	int rc;

	for (i = 0; i < f->norigins; i++) {
		o = &f->origins[i];
		pub = mv_repo_sign_pub(o->writer, r);
		if (pub == NULL)
			return mv_err_set(err, MV_EAUTH,
			    "unknown writer %" PRIu32, o->writer);
		rc = mv_origin_verify(mv_repo_id(r), f->kind, pub, o, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The footer box, from what was read of the end and, if need be, the store. */
static int
get_box(struct mv_store *st, const char *name, uint64_t size,
    const struct mv_buf *tail, uint32_t offset, uint32_t len,
    struct mv_buf *box, struct mv_err *err)
{
	uint64_t tail_at = size - tail->len;

	if (offset >= tail_at) {
		mv_buf_put(box, tail->p + (offset - tail_at), len);
		return mv_buf_failed(box, err);
	}
	if (mv_buf_reserve(box, len) < 0)
		return mv_buf_failed(box, err);
	box->len = len;
	return get_exactly(st, name, offset, box->p, len, err);
}

static int
get_footer(struct mv_repo *r, struct mv_store *st, const struct mv_name *name,
    const char *text, uint64_t size, struct mv_buf *payload,
    struct mv_footer *out, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf tail = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf box = { 0 };
	const struct mv_epoch_secrets *secrets = NULL;
	uint8_t head[MV_PACK_START];
	uint32_t offset, len;
	struct mv_header h;
	int rc;

	rc = get_exactly(st, text, 0, head, sizeof(head), err);
	if (rc == 0)
		rc = open_head(r, head, name, &h, &secrets, err);
	if (rc < 0)
		return rc;
	if (mv_buf_reserve(&tail, TAIL_BYTES) < 0)
		return mv_buf_failed(&tail, err);
	tail.len = size < TAIL_BYTES ? (size_t)size : TAIL_BYTES;
	rc = get_exactly(st, text, size - tail.len, tail.p, tail.len, err);
	if (rc == 0)
		rc = mv_trailer_open(&secrets->structure, head,
		    tail.p + tail.len - MV_TRAILER_BYTES, size, &offset, &len,
		    err);
	if (rc == 0)
		rc = get_box(st, text, size, &tail, offset, len, &box, err);
	if (rc == 0)
		rc = mv_footer_open(&secrets->structure, head, box.p, box.len,
		    payload, err);
	if (rc < 0)
		return rc;
	return mv_footer_decode(h.kind, size, payload->p, payload->len, out,
	    err);
}

int
mv_pack_footer_get(struct mv_repo *r, struct mv_store *st,
    const struct mv_name *name, uint64_t size, struct mv_buf *payload,
    struct mv_footer *out, struct mv_err *err)
{
	mv_auto(mv_footer_clear) struct mv_footer f = { 0 };
	char text[MV_OBJECT_NAME_MAX];
	int rc;

	mv_object_name(MV_KIND_DATA_PACK, 0, &name->id, &name->hash, text);
	if (size < MV_PACK_START + MV_TRAILER_BYTES || size > MV_PACK_MAX)
		return mv_err_set(err, MV_ECORRUPT,
		    "'%s' cannot be a pack: it has %" PRIu64 " bytes in '%s'",
		    text, size, st->url);
	mv_buf_reset(payload);
	rc = get_footer(r, st, name, text, size, payload, &f, err);
	if (rc == 0)
		rc = mv_footer_verify(r, &f, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "footer of '%s' in '%s'", text,
		    st->url);
	*out = f;
	f = (struct mv_footer){ 0 };
	return 0;
}
