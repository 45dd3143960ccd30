/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "chunk/chunker.h"
#include "format/segment.h"
#include "support/mv_test.h"

#define LEN (6u << 20)

struct fx {
	struct mv_gear gear;
	uint8_t *data;
	/* What the callback saw. */
	struct mv_buf joined;
	size_t cuts[LEN / 512];
	size_t n;
	size_t fail_at;		/* the n-th call fails; 0: none */
};

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));
	struct mv_key key = { { 9 } };

	assert_non_null(fx);
	*state = fx;
	mv_gear_init(&fx->gear, &key);
	fx->data = malloc(LEN);
	assert_non_null(fx->data);
	mv_test_fill(fx->data, LEN, 4);
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	free(fx->data);
	mv_buf_clear(&fx->joined);
	free(fx);
	return 0;
}

static int
note(const uint8_t *p, size_t len, void *arg, struct mv_err *err)
{
	struct fx *fx = arg;

	if (fx->fail_at > 0 && fx->n + 1 == fx->fail_at)
		return mv_err_set(err, MV_EIO, "as asked");
	mv_buf_put(&fx->joined, p, len);
	fx->cuts[fx->n++] = len;
	return 0;
}

/* Cut data, handed over in pieces of this size (0: of growing sizes). */
static void
cut(struct fx *fx, unsigned class, bool lines, size_t len, size_t piece)
{
	struct mv_chunker *c = NULL;
	struct mv_err err;
	size_t at, n;

	fx->n = 0;
	mv_buf_reset(&fx->joined);
	assert_ok(mv_chunker_new(&fx->gear, class, lines, note, fx, &c, &err),
	    &err);
	for (at = 0; at < len; at += n) {
		n = piece > 0 ? piece : 1 + at % 30011;
		n = n < len - at ? n : len - at;
		assert_ok(mv_chunker_feed(c, fx->data + at, n, &err), &err);
	}
	assert_ok(mv_chunker_end(c, &err), &err);
	assert_int_equal(mv_chunker_held(c), 0);
	mv_chunker_freep(&c);
}

static void
chunks_are_within_bounds_and_make_the_whole(void **state)
{
	static const size_t bounds[MV_CLASSES][2] = { { 512, 8192 },
	    { 4096, 65536 }, { 16384, 262144 }, { 131072, 1048576 } };
	struct fx *fx = *state;
	size_t i, average;
	unsigned class;

	for (class = 0; class < MV_CLASSES; class++) {
		cut(fx, class, false, LEN, LEN);
		assert_int_equal(fx->joined.len, LEN);
		assert_memory_equal(fx->joined.p, fx->data, LEN);
		for (i = 0; i + 1 < fx->n; i++)
			assert_in_range(fx->cuts[i], bounds[class][0],
			    bounds[class][1]);
		/* avg is four times min in every class; cuts lie near it. */
		average = LEN / fx->n;
		assert_in_range(average, bounds[class][0] * 3,
		    bounds[class][0] * 7);
	}
}

static void
cuts_do_not_depend_on_the_pieces(void **state)
{
	static const size_t pieces[] = { 0, 100, 8191, 8192, 65536, 1000000 };
	struct fx *fx = *state;
	struct fx *whole = malloc(sizeof(*whole));
	unsigned class;
	size_t i;

	assert_non_null(whole);
	for (class = 0; class < MV_CLASSES; class++) {
		cut(fx, class, class == 1, LEN, LEN);
		memcpy(whole, fx, sizeof(*whole));
		for (i = 0; i < MV_ARRAY_LEN(pieces); i++) {
			cut(fx, class, class == 1, LEN, pieces[i]);
			assert_int_equal(fx->n, whole->n);
			assert_memory_equal(fx->cuts, whole->cuts,
			    fx->n * sizeof(fx->cuts[0]));
			assert_memory_equal(fx->joined.p, fx->data, LEN);
		}
	}
	free(whole);
}

static void
cuts_find_each_other_after_an_insertion(void **state)
{
	struct fx *fx = *state;
	size_t n, same, tail = 0, i;

	cut(fx, 0, false, LEN / 2, LEN);
	n = fx->n;
	for (i = 0; i < 20; i++)
		tail += fx->cuts[n - 1 - i];
	same = fx->cuts[n - 2];
	memmove(fx->data + 100, fx->data, LEN / 2);
	cut(fx, 0, false, LEN / 2 + 100, LEN);
	assert_int_equal(fx->cuts[fx->n - 2], same);
	for (i = 0; i < 20; i++)
		tail -= fx->cuts[fx->n - 1 - i];
	assert_int_equal(tail, 0);
}

static void
cuts_in_tables_are_behind_newlines(void **state)
{
	struct fx *fx = *state;
	size_t i, at = 0, behind = 0;

	for (i = 0; i < LEN; i++)
		if (fx->data[i] == '\n')
			fx->data[i] = 'x';
	for (i = 99; i < LEN; i += 100)
		fx->data[i] = '\n';
	cut(fx, 0, true, LEN, LEN);
	for (i = 0; i + 1 < fx->n; i++) {
		at += fx->cuts[i];
		behind += fx->data[at - 1] == '\n';
	}
	/* All but those that had to be made at the most. */
	assert_true(behind * 100 >= (fx->n - 1) * 98);
}

static void
lines_longer_than_a_chunk_are_cut_anyway(void **state)
{
	struct fx *fx = *state;

	memset(fx->data, 'a', LEN);
	cut(fx, 0, true, LEN, 4096);
	assert_memory_equal(fx->joined.p, fx->data, LEN);
	assert_true(fx->n >= LEN / 8192);
}

static void
cuts_depend_on_the_key(void **state)
{
	struct fx *fx = *state;
	struct mv_key other = { { 10 } };
	size_t first[8];

	cut(fx, 0, false, LEN, LEN);
	memcpy(first, fx->cuts, sizeof(first));
	mv_gear_init(&fx->gear, &other);
	cut(fx, 0, false, LEN, LEN);
	assert_memory_not_equal(fx->cuts, first, sizeof(first));
}

static void
a_failing_consumer_is_passed_on(void **state)
{
	struct fx *fx = *state;
	struct mv_chunker *c = NULL;
	struct mv_err err;

	fx->fail_at = 3;
	assert_ok(mv_chunker_new(&fx->gear, 0, false, note, fx, &c, &err),
	    &err);
	assert_fails(mv_chunker_feed(c, fx->data, LEN, &err), MV_EIO, &err);
	assert_int_equal(fx->n, 2);
	mv_chunker_freep(&c);
}

int
main(void)
{
#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(chunks_are_within_bounds_and_make_the_whole),
		CASE(cuts_do_not_depend_on_the_pieces),
		CASE(cuts_find_each_other_after_an_insertion),
		CASE(cuts_in_tables_are_behind_newlines),
		CASE(lines_longer_than_a_chunk_are_cut_anyway),
		CASE(cuts_depend_on_the_key),
		CASE(a_failing_consumer_is_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
