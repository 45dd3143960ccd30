/* SPDX-License-Identifier: MIT */
#include "format/node.h"

#include <stdlib.h>
#include <string.h>

int
mv_list_node_encode(const struct mv_list_node *node, struct mv_buf *out,
    struct mv_err *err)
{
	size_t i;

	if (node->level > MV_NODE_LEVEL_MAX || node->n < 1 ||
	    node->n > MV_NODE_IDS_MAX)
		return mv_err_set(err, MV_EUSAGE,
		    "list node of level %u with %zu ids", node->level,
		    node->n);
	mv_buf_put_u8(out, MV_BLOB_LIST);
	mv_buf_put_u8(out, node->level);
	mv_buf_put_varint(out, node->n);
	mv_buf_put(out, node->ids, node->n * sizeof(node->ids[0]));
	for (i = 0; node->level > 0 && i < node->n; i++)
		mv_buf_put_varint(out, node->leaves[i]);
	return mv_buf_failed(out, err);
}

/* The leaves below each child; their sum is a stream's length and must fit. */
static void
decode_leaves(struct mv_cur *c, struct mv_list_node *node)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < node->n; i++) {
		node->leaves[i] = node->level > 0 ? mv_cur_varint(c) : 1;
		if (node->leaves[i] == 0 ||
		    node->leaves[i] > UINT64_MAX - sum)
			c->failed = 1;
		sum += node->leaves[i];
	}
}

int
mv_list_node_decode(const uint8_t *p, size_t len, struct mv_list_node *out,
    struct mv_err *err)
{
	struct mv_cur c = mv_cur_of(p, len);
	uint8_t type = mv_cur_u8(&c);
	uint8_t level = mv_cur_u8(&c);
	uint64_t n = mv_cur_varint(&c);

	if (c.failed || type != MV_BLOB_LIST || level > MV_NODE_LEVEL_MAX ||
	    n < 1 || n > MV_NODE_IDS_MAX)
		return mv_err_set(err, MV_ECORRUPT, "not a list node");
	out->level = level;
	out->n = (size_t)n;
	mv_cur_copy(&c, out->ids, out->n * sizeof(out->ids[0]));
	decode_leaves(&c, out);
	if (!mv_cur_done(&c))
		return mv_err_set(err, MV_ECORRUPT, "malformed list node");
	return 0;
}

int
mv_list_node_cut(const struct mv_id16 *id, size_t n)
{
	/* The last two bytes as a little-endian u16, modulo 256. */
	return n >= MV_NODE_IDS_MAX || (n >= MV_NODE_IDS_MIN && id->b[14] == 0);
}

static size_t
bitmap_bytes(uint32_t nbits)
{
	return ((size_t)nbits + 7) / 8;
}

void
mv_pin_encode(const struct mv_pin *pin, struct mv_buf *out)
{
	mv_buf_put(out, pin->origin.b, sizeof(pin->origin.b));
	mv_buf_put_varint(out, pin->nbits);
	mv_buf_put(out, pin->bits, bitmap_bytes(pin->nbits));
}

/* At least one bit set, and none beyond nbits. */
static int
bitmap_is_valid(const uint8_t *bits, uint32_t nbits)
{
	size_t n = bitmap_bytes(nbits), i;
	unsigned any = 0;

	for (i = 0; i < n; i++)
		any |= bits[i];
	return any != 0 && (nbits % 8 == 0 || bits[n - 1] >> (nbits % 8) == 0);
}

int
mv_pin_decode(struct mv_cur *c, struct mv_pin *out, struct mv_err *err)
{
	struct mv_pin pin = { 0 };
	const uint8_t *bits;
	uint64_t nbits;

	mv_cur_copy(c, pin.origin.b, sizeof(pin.origin.b));
	nbits = mv_cur_varint(c);
	if (c->failed || nbits < 1 || nbits > MV_PIN_BITS_MAX)
		return mv_err_set(err, MV_ECORRUPT, "malformed pin");
	pin.nbits = (uint32_t)nbits;
	bits = mv_cur_take(c, bitmap_bytes(pin.nbits));
	if (bits == NULL || !bitmap_is_valid(bits, pin.nbits))
		return mv_err_set(err, MV_ECORRUPT, "malformed pin");
	pin.bits = malloc(bitmap_bytes(pin.nbits));
	if (pin.bits == NULL)
		return mv_err_set(err, MV_ENOMEM, "pin of %u segments",
		    pin.nbits);
	memcpy(pin.bits, bits, bitmap_bytes(pin.nbits));
	*out = pin;
	return 0;
}

static int
ascends(const struct mv_pin *pins, size_t i)
{
	return i == 0 || memcmp(pins[i - 1].origin.b, pins[i].origin.b,
	    sizeof(pins[i].origin.b)) < 0;
}

int
mv_pin_leaf_encode(const struct mv_pin *pins, size_t n, struct mv_buf *out,
    struct mv_err *err)
{
	size_t i;

	if (n < 1 || n > MV_PIN_ENTRIES_MAX)
		return mv_err_set(err, MV_EUSAGE, "pin leaf of %zu entries",
		    n);
	mv_buf_put_u8(out, MV_BLOB_PINS);
	mv_buf_put_varint(out, n);
	for (i = 0; i < n; i++) {
		if (!ascends(pins, i))
			return mv_err_set(err, MV_EUSAGE,
			    "pins are not in order");
		mv_pin_encode(&pins[i], out);
	}
	return mv_buf_failed(out, err);
}

static int
decode_pins(struct mv_cur *c, struct mv_pin_leaf *leaf, size_t n,
    struct mv_err *err)
{
	int rc;

	for (leaf->n = 0; leaf->n < n; leaf->n++) {
		rc = mv_pin_decode(c, &leaf->pins[leaf->n], err);
		if (rc < 0)
			return rc;
		if (!ascends(leaf->pins, leaf->n)) {
			leaf->n++;
			return mv_err_set(err, MV_ECORRUPT,
			    "pin leaf out of order");
		}
	}
	if (!mv_cur_done(c))
		return mv_err_set(err, MV_ECORRUPT, "pin leaf too long");
	return 0;
}

int
mv_pin_leaf_decode(const uint8_t *p, size_t len, struct mv_pin_leaf *out,
    struct mv_err *err)
{
	struct mv_cur c = mv_cur_of(p, len);
	struct mv_pin_leaf leaf = { 0 };
	uint8_t type = mv_cur_u8(&c);
	uint64_t n = mv_cur_varint(&c);
	int rc;

	if (c.failed || type != MV_BLOB_PINS || n < 1 ||
	    n > MV_PIN_ENTRIES_MAX)
		return mv_err_set(err, MV_ECORRUPT, "not a pin leaf");
	leaf.pins = calloc((size_t)n, sizeof(*leaf.pins));
	if (leaf.pins == NULL)
		return mv_err_set(err, MV_ENOMEM, "pin leaf");
	rc = decode_pins(&c, &leaf, (size_t)n, err);
	if (rc < 0) {
		mv_pin_leaf_clear(&leaf);
		return rc;
	}
	*out = leaf;
	return 0;
}

void
mv_pin_leaf_clear(struct mv_pin_leaf *leaf)
{
	size_t i;

	for (i = 0; i < leaf->n; i++)
		free(leaf->pins[i].bits);
	free(leaf->pins);
	*leaf = (struct mv_pin_leaf){ 0 };
}

int
mv_pin_leaf_cut(const struct mv_id16 *origin, size_t n)
{
	return n >= MV_PIN_ENTRIES_MAX || origin->b[15] % 64 == 0;
}

void
mv_root_encode(const struct mv_root *root, struct mv_buf *out)
{
	mv_buf_put_u8(out, root->tag);
	switch (root->tag) {
	case MV_ROOT_INLINE:
		mv_buf_put_varint(out, root->n);
		mv_buf_put(out, root->ids, root->n * sizeof(root->ids[0]));
		break;
	case MV_ROOT_TREE:
		mv_buf_put_u8(out, root->level);
		mv_buf_put(out, root->ids[0].b, sizeof(root->ids[0].b));
		mv_buf_put_varint(out, root->leaves);
		break;
	default:
		break;
	}
}

static void
decode_inline(struct mv_cur *c, struct mv_root *root)
{
	uint64_t n = mv_cur_varint(c);

	if (n < 1 || n > MV_ROOT_INLINE_MAX) {
		c->failed = 1;
		return;
	}
	root->n = (size_t)n;
	root->leaves = n;
	mv_cur_copy(c, root->ids, root->n * sizeof(root->ids[0]));
}

static void
decode_tree(struct mv_cur *c, struct mv_root *root)
{
	root->level = mv_cur_u8(c);
	mv_cur_copy(c, root->ids[0].b, sizeof(root->ids[0].b));
	root->leaves = mv_cur_varint(c);
	/* A stream of so few leaves has to be inline. */
	if (root->level > MV_NODE_LEVEL_MAX ||
	    root->leaves <= MV_ROOT_INLINE_MAX)
		c->failed = 1;
}

void
mv_root_decode(struct mv_cur *c, struct mv_root *out)
{
	*out = (struct mv_root){ .tag = mv_cur_u8(c) };
	switch (out->tag) {
	case MV_ROOT_EMPTY:
		break;
	case MV_ROOT_INLINE:
		decode_inline(c, out);
		break;
	case MV_ROOT_TREE:
		decode_tree(c, out);
		break;
	default:
		c->failed = 1;
	}
	if (c->failed)
		*out = (struct mv_root){ 0 };
}
