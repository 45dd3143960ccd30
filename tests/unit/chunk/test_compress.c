/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "chunk/compress.h"
#include "format/segment.h"
#include "support/mv_test.h"

#define LEN (1u << 20)

struct fx {
	struct mv_zstd *z;
	uint8_t *data;
	struct mv_buf plain, raw;
};

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));
	struct mv_err err;

	assert_non_null(fx);
	*state = fx;
	assert_ok(mv_zstd_new(0, &fx->z, &err), &err);
	fx->data = malloc(LEN);
	assert_non_null(fx->data);
	mv_test_fill(fx->data, LEN, 2);
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_zstd_freep(&fx->z);
	free(fx->data);
	mv_buf_clear(&fx->plain);
	mv_buf_clear(&fx->raw);
	free(fx);
	return 0;
}

static void
round_trip(struct fx *fx, size_t len, enum mv_codec codec)
{
	struct mv_err err;

	assert_ok(mv_segment_pack(fx->z, fx->data, len, &fx->plain, &err),
	    &err);
	assert_int_equal(fx->plain.p[0], codec);
	assert_ok(mv_segment_unpack(fx->z, fx->plain.p, fx->plain.len,
	    &fx->raw, &err), &err);
	assert_int_equal(fx->raw.len, len);
	assert_memory_equal(fx->raw.p, fx->data, len);
}

static void
what_looks_random_is_stored(void **state)
{
	struct fx *fx = *state;

	round_trip(fx, LEN, MV_CODEC_STORED);
	round_trip(fx, 100000, MV_CODEC_STORED);
	round_trip(fx, 100, MV_CODEC_STORED);
	round_trip(fx, 1, MV_CODEC_STORED);
	assert_int_equal(fx->plain.len, MV_SEGMENT_PREFIX + 1);
}

static void
text_is_compressed(void **state)
{
	struct fx *fx = *state;
	size_t i;

	for (i = 0; i < LEN; i++)
		fx->data[i] = "0123456789abcdef"[fx->data[i] % 16];
	round_trip(fx, LEN, MV_CODEC_ZSTD);
	assert_true(fx->plain.len < LEN * 6 / 10);
	round_trip(fx, 5000, MV_CODEC_ZSTD);
}

static void
random_bytes_that_repeat_are_compressed(void **state)
{
	struct fx *fx = *state;
	size_t i;

	for (i = 1; i < LEN / 4096; i++)
		memcpy(fx->data + i * 4096, fx->data, 4096);
	round_trip(fx, LEN, MV_CODEC_ZSTD);
	assert_true(fx->plain.len < LEN / 20);
}

static void
unpack_is_refused(struct fx *fx)
{
	struct mv_err err;

	assert_fails(mv_segment_unpack(fx->z, fx->plain.p, fx->plain.len,
	    &fx->raw, &err), MV_ECORRUPT, &err);
}

static void
put_prefix(struct fx *fx, uint8_t codec, uint32_t len)
{
	mv_buf_reset(&fx->plain);
	mv_buf_put_u8(&fx->plain, codec);
	mv_buf_put_u32(&fx->plain, len);
}

static void
put_frame(struct fx *fx, size_t len)
{
	uint8_t frame[512];
	size_t n = ZSTD_compress(frame, sizeof(frame), "aaaaaaaaaa", len, 1);

	assert_false(ZSTD_isError(n));
	mv_buf_put(&fx->plain, frame, n);
}

static void
malformed_segments_are_refused(void **state)
{
	struct fx *fx = *state;

	put_prefix(fx, 2, 1);
	mv_buf_put_u8(&fx->plain, 0);
	unpack_is_refused(fx);
	put_prefix(fx, MV_CODEC_STORED, 2);
	mv_buf_put_u8(&fx->plain, 0);
	unpack_is_refused(fx);
	put_prefix(fx, MV_CODEC_STORED, 0);
	unpack_is_refused(fx);
	put_prefix(fx, MV_CODEC_ZSTD, MV_SEGMENT_RAW_MAX + 1);
	put_frame(fx, 10);
	unpack_is_refused(fx);
	mv_buf_reset(&fx->plain);
	unpack_is_refused(fx);
}

static void
frames_of_another_length_are_refused(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	put_prefix(fx, MV_CODEC_ZSTD, 9);
	put_frame(fx, 10);
	unpack_is_refused(fx);
	put_prefix(fx, MV_CODEC_ZSTD, 11);
	put_frame(fx, 10);
	unpack_is_refused(fx);
	/* Two frames, which zstd itself would take for one content. */
	put_prefix(fx, MV_CODEC_ZSTD, 10);
	put_frame(fx, 5);
	put_frame(fx, 5);
	unpack_is_refused(fx);
	put_prefix(fx, MV_CODEC_ZSTD, 10);
	put_frame(fx, 10);
	assert_ok(mv_segment_unpack(fx->z, fx->plain.p, fx->plain.len,
	    &fx->raw, &err), &err);
	mv_buf_put_u8(&fx->plain, 0);
	unpack_is_refused(fx);
}

int
main(void)
{
#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(what_looks_random_is_stored),
		CASE(text_is_compressed),
		CASE(random_bytes_that_repeat_are_compressed),
		CASE(malformed_segments_are_refused),
		CASE(frames_of_another_length_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
