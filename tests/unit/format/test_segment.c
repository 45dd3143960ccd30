/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "format/segment.h"
#include "support/mv_test.h"

static const uint8_t data[] = "abcdefghij";

/* Plain, two files' chunks, the second file's next one, plain. */
static void
fill(struct mv_segment_chunk chunks[5])
{
	memset(chunks, 0, 5 * sizeof(*chunks));
	chunks[0].len = 1;
	chunks[1] = (struct mv_segment_chunk){ .len = 2, .media = true,
	    .file_key = { 1 } };
	chunks[2] = (struct mv_segment_chunk){ .len = 3, .media = true,
	    .file_key = { 2 } };
	chunks[3] = (struct mv_segment_chunk){ .len = 3, .media = true,
	    .file_key = { 2 } };
	chunks[4].len = 1;
}

static void
chunks_survive(void **state)
{
	struct mv_segment_chunk in[5];
	struct mv_segment out = { 0 };
	struct mv_buf raw = { 0 };
	struct mv_err err;
	size_t i;

	(void)state;
	fill(in);
	assert_ok(mv_segment_encode(in, 5, data, 10, &raw, &err), &err);
	/* n, five lengths, two keys, the data. */
	assert_int_equal(raw.len, 1 + 5 + 2 * 32 + 10);
	assert_ok(mv_segment_decode(raw.p, raw.len, &out, &err), &err);
	assert_int_equal(out.n, 5);
	for (i = 0; i < 5; i++) {
		assert_int_equal(out.chunks[i].len, in[i].len);
		assert_int_equal(out.chunks[i].media, in[i].media);
		assert_memory_equal(out.chunks[i].file_key, in[i].file_key,
		    32);
	}
	assert_memory_equal(raw.p + out.chunks[3].offset, "ghi", 3);
	mv_segment_clear(&out);
	mv_buf_clear(&raw);
}

static void
every_cut_is_refused(void **state)
{
	struct mv_segment_chunk in[5];
	struct mv_segment out = { 0 };
	struct mv_buf raw = { 0 };
	struct mv_err err;
	size_t i;

	(void)state;
	fill(in);
	assert_ok(mv_segment_encode(in, 5, data, 10, &raw, &err), &err);
	for (i = 0; i < raw.len; i++)
		assert_fails(mv_segment_decode(raw.p, i, &out, &err),
		    MV_ECORRUPT, &err);
	mv_buf_put_u8(&raw, 0);
	assert_fails(mv_segment_decode(raw.p, raw.len, &out, &err),
	    MV_ECORRUPT, &err);
	mv_buf_clear(&raw);
}

static void
put_entry(struct mv_buf *raw, unsigned len, unsigned t, uint8_t key)
{
	uint8_t f[32] = { key };

	mv_buf_put_varint(raw, (uint64_t)len << 2 | t);
	if (t == 1)
		mv_buf_put(raw, f, sizeof(f));
}

static void
a_second_encoding_is_refused(void **state)
{
	static const struct {
		unsigned t[2];
		uint8_t key[2];
	} bad[] = {
		{ { 1, 1 }, { 5, 5 } },	/* a key that could be left out */
		{ { 0, 2 }, { 0, 0 } },	/* the key of nothing */
		{ { 2, 0 }, { 0, 0 } },
		{ { 0, 3 }, { 0, 0 } },
	};
	struct mv_segment out = { 0 };
	struct mv_buf raw = { 0 };
	struct mv_err err;
	size_t i, j;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(bad); i++) {
		mv_buf_reset(&raw);
		mv_buf_put_varint(&raw, 2);
		for (j = 0; j < 2; j++)
			put_entry(&raw, 1, bad[i].t[j], bad[i].key[j]);
		mv_buf_put(&raw, "xy", 2);
		assert_fails(mv_segment_decode(raw.p, raw.len, &out, &err),
		    MV_ECORRUPT, &err);
	}
	mv_buf_clear(&raw);
}

static void
sizes_beyond_the_format_are_refused(void **state)
{
	struct mv_segment_chunk one = { .len = 1 };
	struct mv_segment out = { 0 };
	struct mv_buf raw = { 0 };
	struct mv_err err;

	(void)state;
	assert_fails(mv_segment_encode(&one, 0, data, 0, &raw, &err),
	    MV_EUSAGE, &err);
	assert_fails(mv_segment_encode(&one, 1, data, 2, &raw, &err),
	    MV_EUSAGE, &err);
	mv_buf_reset(&raw);
	mv_buf_put_varint(&raw, 1);
	put_entry(&raw, MV_CHUNK_MAX + 1, 0, 0);
	mv_buf_put_zero(&raw, MV_CHUNK_MAX + 1);
	assert_fails(mv_segment_decode(raw.p, raw.len, &out, &err),
	    MV_ECORRUPT, &err);
	mv_buf_reset(&raw);
	mv_buf_put_varint(&raw, 2);
	put_entry(&raw, MV_CHUNK_MAX, 0, 0);
	put_entry(&raw, 1, 0, 0);
	mv_buf_put_zero(&raw, MV_CHUNK_MAX + 1);
	assert_fails(mv_segment_decode(raw.p, raw.len, &out, &err),
	    MV_ECORRUPT, &err);
	mv_buf_clear(&raw);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chunks_survive),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(a_second_encoding_is_refused),
		cmocka_unit_test(sizes_beyond_the_format_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
