/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <string.h>

#include "support/fault.h"
#include "support/mv_test.h"

static struct mv_err test_err;

static void
put_everything(struct mv_buf *b)
{
	mv_buf_put_u8(b, 0x01);
	mv_buf_put_u16(b, 0x0203);
	mv_buf_put_u32(b, 0x04050607);
	mv_buf_put_u64(b, 0x08090a0b0c0d0e0f);
	mv_buf_put_varint(b, 300);
	mv_buf_put_bytes(b, "abc", 3);
	mv_buf_put_str(b, "de");
	mv_buf_put_zero(b, 2);
	mv_buf_printf(b, "%d-%s", 7, "x");
}

static void
numbers_are_little_endian(void **state)
{
	static const uint8_t want[] = {
		1, 3, 2, 7, 6, 5, 4, 15, 14, 13, 12, 11, 10, 9, 8,
		0xac, 0x02, 3, 'a', 'b', 'c', 'd', 'e', 0, 0, '7', '-', 'x',
	};
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };

	(void)state;
	put_everything(&b);
	assert_ok(mv_buf_failed(&b, &test_err), &test_err);
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(b.p, want, sizeof(want));
}

static void
what_was_put_is_read_back(void **state)
{
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };
	const uint8_t *p;
	struct mv_cur c;
	uint8_t two[2];
	size_t len;

	(void)state;
	put_everything(&b);
	c = mv_cur_of(b.p, b.len);
	assert_int_equal(mv_cur_u8(&c), 0x01);
	assert_int_equal(mv_cur_u16(&c), 0x0203);
	assert_int_equal(mv_cur_u32(&c), 0x04050607);
	assert_int_equal(mv_cur_u64(&c), 0x08090a0b0c0d0e0f);
	assert_int_equal(mv_cur_varint(&c), 300);
	p = mv_cur_bytes(&c, &len);
	assert_int_equal(len, 3);
	assert_memory_equal(p, "abc", 3);
	mv_cur_copy(&c, two, 2);
	assert_memory_equal(two, "de", 2);
	assert_false(mv_cur_done(&c));
	assert_non_null(mv_cur_take(&c, 5));
	assert_true(mv_cur_done(&c));
}

static void
varints_have_one_form(void **state)
{
	static const uint64_t values[] = {
		0, 1, 127, 128, 16383, 16384, UINT32_MAX, INT64_MAX, UINT64_MAX,
	};
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
		{ "", 0 }, { "\x80", 1 }, { "\x80\x00", 2 },
		{ "\xff\x80\x00", 3 },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10 },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00", 11 },
		{ "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 10 },
	};
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };
	struct mv_cur c;
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(values); i++) {
		mv_buf_reset(&b);
		mv_buf_put_varint(&b, values[i]);
		c = mv_cur_of(b.p, b.len);
		assert_true(mv_cur_varint(&c) == values[i]);
		assert_true(mv_cur_done(&c));
	}
	for (i = 0; i < MV_ARRAY_LEN(bad); i++) {
		c = mv_cur_of(bad[i].bytes, bad[i].len);
		assert_int_equal(mv_cur_varint(&c), 0);
		assert_true(c.failed);
	}
}

static void
reading_past_the_end_fails_for_good(void **state)
{
	struct mv_cur c = mv_cur_of("\x05" "abcd", 5);
	uint8_t out[4] = { 9, 9, 9, 9 };
	size_t len = 7;

	(void)state;
	/* Five bytes are announced, four are there. */
	assert_null(mv_cur_bytes(&c, &len));
	assert_int_equal(len, 0);
	assert_null(mv_cur_take(&c, 1));
	assert_int_equal(mv_cur_u64(&c), 0);
	mv_cur_copy(&c, out, 4);
	assert_int_equal(out[0] + out[1] + out[2] + out[3], 0);
	assert_false(mv_cur_done(&c));
	c = mv_cur_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
	assert_null(mv_cur_bytes(&c, &len));
	c = mv_cur_of(NULL, 0);
	assert_true(mv_cur_done(&c));
}

static void
text_ends_in_a_nul_that_does_not_count(void **state)
{
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };

	(void)state;
	assert_string_equal(mv_buf_cstr(&b), "");
	mv_buf_printf(&b, "%0200d", 5);
	assert_int_equal(b.len, 200);
	assert_int_equal(strlen(mv_buf_cstr(&b)), 200);
	assert_int_equal(b.len, 200);
}

static void
impossible_sizes_fail_without_trying(void **state)
{
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };

	(void)state;
	mv_buf_put_u8(&b, 1);
	assert_int_equal(mv_buf_reserve(&b, SIZE_MAX), -1);
	mv_buf_put_u8(&b, 2);
	assert_int_equal(b.len, 1);
	assert_fails(mv_buf_failed(&b, &test_err), MV_ENOMEM, &test_err);
}

static int
fill_op(void *arg, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };
	size_t *reached = arg;
	unsigned i;

	for (i = 0; i < 50; i++)
		put_everything(&b);
	*reached = b.len;
	return mv_buf_failed(&b, err);
}

static void
after_fill(void *arg, int rc, const struct mv_err *err)
{
	size_t *reached = arg;

	(void)err;
	/* Nothing is appended after a failure: no holes. */
	assert_true(rc == 0 ? *reached == 50 * 28 : *reached < 50 * 28);
}

static void
appending_without_memory_does_nothing(void **state)
{
	size_t reached = 0;
	const struct fault_sweep sweep = { fill_op, after_fill, &reached };

	(void)state;
	assert_true(fault_sweep(&sweep) >= 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_little_endian),
		cmocka_unit_test(what_was_put_is_read_back),
		cmocka_unit_test(varints_have_one_form),
		cmocka_unit_test(reading_past_the_end_fails_for_good),
		cmocka_unit_test(text_ends_in_a_nul_that_does_not_count),
		cmocka_unit_test(impossible_sizes_fail_without_trying),
		cmocka_unit_test(appending_without_memory_does_nothing),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
