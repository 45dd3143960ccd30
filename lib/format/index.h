/* SPDX-License-Identifier: MIT */
#ifndef MV_FORMAT_INDEX_H
#define MV_FORMAT_INDEX_H

#include "base/buf.h"
#include "format/object.h"

/* index: packs and copies of their footers (docs/format.md, section 6). */
struct mv_index_pack {
	struct mv_id16 id;
	struct mv_id32 hash;
	uint64_t size;
	enum mv_kind kind;
	const uint8_t *footer;	/* payload, unsealed; not owned */
	size_t footer_len;
};

/* Append one pack to the list under construction. */
void mv_index_add(struct mv_buf *list, const struct mv_index_pack *pack);
/* count packs lie in list: the payload of an index object. */
int mv_index_encode(const struct mv_buf *list, size_t count,
    struct mv_buf *payload, struct mv_err *err) MV_MUST_CHECK;
/* Calls each for every pack; a non-zero result ends it. */
int mv_index_decode(const uint8_t *payload, size_t len,
    int (*each)(const struct mv_index_pack *pack, void *arg,
	struct mv_err *err), void *arg, struct mv_err *err) MV_MUST_CHECK;

#endif
