/* SPDX-License-Identifier: MIT */
#ifndef MV_FORMAT_NODE_H
#define MV_FORMAT_NODE_H

#include "base/buf.h"
#include "format/object.h"

/* node: list nodes, pin leaves and roots (docs/format.md, 4.2). */
#define MV_NODE_IDS_MAX 1024
#define MV_NODE_IDS_MIN 16
#define MV_NODE_LEVEL_MAX 7
#define MV_ROOT_INLINE_MAX 16
#define MV_PIN_ENTRIES_MAX 256
#define MV_PIN_BITS_MAX 65536

enum mv_blob_type { MV_BLOB_LIST = 1, MV_BLOB_PINS = 2 };

struct mv_list_node {
	uint8_t level;
	size_t n;
	struct mv_id16 ids[MV_NODE_IDS_MAX];
	uint64_t leaves[MV_NODE_IDS_MAX];	/* 1 each at level 0 */
};

int mv_list_node_encode(const struct mv_list_node *node, struct mv_buf *out,
    struct mv_err *err) MV_MUST_CHECK;
int mv_list_node_decode(const uint8_t *p, size_t len,
    struct mv_list_node *out, struct mv_err *err) MV_MUST_CHECK;
/* True when a writer ends a node after the n-th id. */
int mv_list_node_cut(const struct mv_id16 *id, size_t n);

struct mv_pin {
	struct mv_id16 origin;
	uint32_t nbits;
	uint8_t *bits;		/* owned by whoever made it */
};

struct mv_pin_leaf {
	struct mv_pin *pins;	/* owned, with their bits */
	size_t n;
};

void mv_pin_encode(const struct mv_pin *pin, struct mv_buf *out);
/* One entry; out->bits is allocated.  Order is the caller's to check. */
int mv_pin_decode(struct mv_cur *c, struct mv_pin *out, struct mv_err *err)
    MV_MUST_CHECK;
int mv_pin_leaf_encode(const struct mv_pin *pins, size_t n,
    struct mv_buf *out, struct mv_err *err) MV_MUST_CHECK;
int mv_pin_leaf_decode(const uint8_t *p, size_t len, struct mv_pin_leaf *out,
    struct mv_err *err) MV_MUST_CHECK;
void mv_pin_leaf_clear(struct mv_pin_leaf *leaf);
int mv_pin_leaf_cut(const struct mv_id16 *origin, size_t n);

enum mv_root_tag { MV_ROOT_EMPTY = 0, MV_ROOT_INLINE = 1, MV_ROOT_TREE = 2 };

struct mv_root {
	uint8_t tag;		/* enum mv_root_tag */
	uint8_t level;
	size_t n;		/* inline ids */
	struct mv_id16 ids[MV_ROOT_INLINE_MAX];	/* or ids[0]: the top node */
	uint64_t leaves;
};

void mv_root_encode(const struct mv_root *root, struct mv_buf *out);
/* Fails the cursor for a root that is malformed. */
void mv_root_decode(struct mv_cur *c, struct mv_root *out);

#endif
