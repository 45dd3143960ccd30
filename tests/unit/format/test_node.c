/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "format/node.h"
#include "support/mv_test.h"

static struct mv_list_node *
new_node(uint8_t level, size_t n)
{
	struct mv_list_node *node = calloc(1, sizeof(*node));
	size_t i;

	assert_non_null(node);
	node->level = level;
	node->n = n;
	mv_test_fill(node->ids, n * sizeof(node->ids[0]), 7);
	for (i = 0; i < n; i++)
		node->leaves[i] = level > 0 ? i * 1000 + 1 : 1;
	return node;
}

static void
a_list_node_survives(uint8_t level, size_t n)
{
	struct mv_list_node *in = new_node(level, n), *out = new_node(0, 1);
	struct mv_buf b = { 0 };
	struct mv_err err;

	assert_ok(mv_list_node_encode(in, &b, &err), &err);
	assert_ok(mv_list_node_decode(b.p, b.len, out, &err), &err);
	assert_int_equal(out->level, level);
	assert_int_equal(out->n, n);
	assert_memory_equal(out->ids, in->ids, n * sizeof(in->ids[0]));
	assert_memory_equal(out->leaves, in->leaves,
	    n * sizeof(in->leaves[0]));
	mv_buf_put_u8(&b, 0);
	assert_fails(mv_list_node_decode(b.p, b.len, out, &err), MV_ECORRUPT,
	    &err);
	assert_fails(mv_list_node_decode(b.p, b.len - 2, out, &err),
	    MV_ECORRUPT, &err);
	mv_buf_clear(&b);
	free(in);
	free(out);
}

static void
list_nodes_survive(void **state)
{
	(void)state;
	a_list_node_survives(0, 1);
	a_list_node_survives(0, MV_NODE_IDS_MAX);
	a_list_node_survives(3, 17);
	a_list_node_survives(MV_NODE_LEVEL_MAX, MV_NODE_IDS_MAX);
}

static void
impossible_list_nodes_are_refused(void **state)
{
	struct mv_list_node *node = new_node(1, 2);
	struct mv_buf b = { 0 };
	struct mv_err err;

	(void)state;
	node->leaves[0] = node->leaves[1] = UINT64_MAX / 2 + 1;
	assert_ok(mv_list_node_encode(node, &b, &err), &err);
	assert_fails(mv_list_node_decode(b.p, b.len, node, &err), MV_ECORRUPT,
	    &err);
	mv_buf_reset(&b);
	node->leaves[0] = 0;
	node->leaves[1] = 1;
	assert_ok(mv_list_node_encode(node, &b, &err), &err);
	assert_fails(mv_list_node_decode(b.p, b.len, node, &err), MV_ECORRUPT,
	    &err);
	node->n = 0;
	assert_fails(mv_list_node_encode(node, &b, &err), MV_EUSAGE, &err);
	mv_buf_clear(&b);
	free(node);
}

static void
nodes_end_where_the_format_says(void **state)
{
	struct mv_id16 id = { { 0 } };

	(void)state;
	/* u16 of the last two bytes, little-endian, modulo 256. */
	id.b[14] = 0;
	id.b[15] = 9;
	assert_false(mv_list_node_cut(&id, MV_NODE_IDS_MIN - 1));
	assert_true(mv_list_node_cut(&id, MV_NODE_IDS_MIN));
	id.b[14] = 1;
	id.b[15] = 0;
	assert_false(mv_list_node_cut(&id, MV_NODE_IDS_MAX - 1));
	assert_true(mv_list_node_cut(&id, MV_NODE_IDS_MAX));
	assert_true(mv_pin_leaf_cut(&id, 1));
	id.b[15] = 63;
	assert_false(mv_pin_leaf_cut(&id, MV_PIN_ENTRIES_MAX - 1));
	assert_true(mv_pin_leaf_cut(&id, MV_PIN_ENTRIES_MAX));
}

static void
pin_leaves_survive(void **state)
{
	uint8_t one[1] = { 0x80 }, two[2] = { 0x00, 0x01 };
	struct mv_pin pins[2] = {
		{ .origin = { { 1 } }, .nbits = 8, .bits = one },
		{ .origin = { { 2 } }, .nbits = 9, .bits = two },
	};
	struct mv_pin_leaf leaf = { 0 };
	struct mv_buf b = { 0 };
	struct mv_err err;

	(void)state;
	assert_ok(mv_pin_leaf_encode(pins, 2, &b, &err), &err);
	assert_ok(mv_pin_leaf_decode(b.p, b.len, &leaf, &err), &err);
	assert_int_equal(leaf.n, 2);
	assert_int_equal(leaf.pins[1].nbits, 9);
	assert_memory_equal(leaf.pins[1].bits, two, 2);
	mv_pin_leaf_clear(&leaf);
	/* A bit beyond the last. */
	b.p[b.len - 1] = 3;
	assert_fails(mv_pin_leaf_decode(b.p, b.len, &leaf, &err), MV_ECORRUPT,
	    &err);
	/* None at all. */
	b.p[b.len - 1] = 0;
	assert_fails(mv_pin_leaf_decode(b.p, b.len, &leaf, &err), MV_ECORRUPT,
	    &err);
	mv_buf_clear(&b);
}

static void
pins_out_of_order_are_refused(void **state)
{
	uint8_t bits[1] = { 1 };
	struct mv_pin pins[2] = {
		{ .origin = { { 2 } }, .nbits = 1, .bits = bits },
		{ .origin = { { 1 } }, .nbits = 1, .bits = bits },
	};
	struct mv_pin_leaf leaf = { 0 };
	struct mv_buf b = { 0 };
	struct mv_err err;

	(void)state;
	assert_fails(mv_pin_leaf_encode(pins, 2, &b, &err), MV_EUSAGE, &err);
	mv_buf_reset(&b);
	mv_buf_put_u8(&b, MV_BLOB_PINS);
	mv_buf_put_varint(&b, 2);
	mv_pin_encode(&pins[0], &b);
	mv_pin_encode(&pins[0], &b);
	assert_fails(mv_pin_leaf_decode(b.p, b.len, &leaf, &err), MV_ECORRUPT,
	    &err);
	mv_buf_clear(&b);
}

static void
roots_survive(void **state)
{
	struct mv_root in[] = {
		{ .tag = MV_ROOT_EMPTY },
		{ .tag = MV_ROOT_INLINE, .n = 2, .leaves = 2,
		    .ids = { { { 1 } }, { { 2 } } } },
		{ .tag = MV_ROOT_TREE, .level = 7, .leaves = 1ull << 40,
		    .ids = { { { 3 } } } },
	};
	struct mv_buf b = { 0 };
	struct mv_root out;
	struct mv_cur c;
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(in); i++) {
		mv_buf_reset(&b);
		mv_root_encode(&in[i], &b);
		c = mv_cur_of(b.p, b.len);
		mv_root_decode(&c, &out);
		assert_true(mv_cur_done(&c));
		assert_memory_equal(&out, &in[i], sizeof(out));
	}
	mv_buf_clear(&b);
}

static void
short_streams_have_to_be_inline(void **state)
{
	struct mv_root in = { .tag = MV_ROOT_TREE,
	    .leaves = MV_ROOT_INLINE_MAX }, out;
	struct mv_buf b = { 0 };
	struct mv_cur c;

	(void)state;
	mv_root_encode(&in, &b);
	c = mv_cur_of(b.p, b.len);
	mv_root_decode(&c, &out);
	assert_true(c.failed);
	mv_buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_nodes_survive),
		cmocka_unit_test(impossible_list_nodes_are_refused),
		cmocka_unit_test(nodes_end_where_the_format_says),
		cmocka_unit_test(pin_leaves_survive),
		cmocka_unit_test(pins_out_of_order_are_refused),
		cmocka_unit_test(roots_survive),
		cmocka_unit_test(short_streams_have_to_be_inline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
