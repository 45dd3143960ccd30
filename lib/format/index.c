/* SPDX-License-Identifier: MIT */
#include "format/index.h"

void
mv_index_add(struct mv_buf *list, const struct mv_index_pack *pack)
{
	mv_buf_put(list, pack->id.b, sizeof(pack->id.b));
	mv_buf_put(list, pack->hash.b, sizeof(pack->hash.b));
	mv_buf_put_u64(list, pack->size);
	mv_buf_put_u8(list, (uint8_t)pack->kind);
	mv_buf_put_bytes(list, pack->footer, pack->footer_len);
}

int
mv_index_encode(const struct mv_buf *list, size_t count,
    struct mv_buf *payload, struct mv_err *err)
{
	int rc;

	rc = mv_buf_failed(list, err);
	if (rc < 0)
		return rc;
	mv_buf_put_varint(payload, count);
	mv_buf_put(payload, list->p, list->len);
	return mv_buf_failed(payload, err);
}

static void
decode_pack(struct mv_cur *c, struct mv_index_pack *pack)
{
	mv_cur_copy(c, pack->id.b, sizeof(pack->id.b));
	mv_cur_copy(c, pack->hash.b, sizeof(pack->hash.b));
	pack->size = mv_cur_u64(c);
	pack->kind = mv_cur_u8(c);
	pack->footer = mv_cur_bytes(c, &pack->footer_len);
	if (pack->kind != MV_KIND_DATA_PACK && pack->kind != MV_KIND_NODE_PACK)
		c->failed = 1;
}

int
mv_index_decode(const uint8_t *payload, size_t len,
    int (*each)(const struct mv_index_pack *pack, void *arg,
	struct mv_err *err), void *arg, struct mv_err *err)
{
	struct mv_cur start = mv_cur_of(payload, len), c;
	struct mv_index_pack pack;
	uint64_t count, i;
	int rc;

	/* Once over all of it first: a malformed index has no effect. */
	count = mv_cur_varint(&start);
	c = start;
	for (i = 0; i < count && !c.failed; i++)
		decode_pack(&c, &pack);
	if (!mv_cur_done(&c))
		return mv_err_set(err, MV_ECORRUPT, "malformed index");
	c = start;
	for (i = 0; i < count; i++) {
		decode_pack(&c, &pack);
		rc = each(&pack, arg, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}
