/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/mv_test.h"
#include "tree/read.h"

struct fx {
	char *dir;
	char *path;
	int fd;
	struct mv_file_reader *r;
	struct mv_entry e;
	struct mv_walk_stat st;
	bool changed;
	struct mv_buf got;
	uint64_t total;
	/* What happens to the file when the first piece has been read. */
	off_t truncate_to;	/* -1: nothing */
	int stop;		/* what the sink returns, if not 0 */
	struct mv_err err;
};

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	fx->dir = mv_test_dir();
	fx->path = mv_test_path(fx->dir, "f");
	fx->fd = open(fx->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fx->fd >= 0);
	fx->truncate_to = -1;
	assert_ok(mv_file_reader_new(&fx->r, &fx->err), &fx->err);
	*state = fx;
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_file_reader_free(fx->r);
	mv_entry_clear(&fx->e);
	mv_buf_clear(&fx->got);
	(void)close(fx->fd);
	mv_test_rmdir(fx->dir);
	free(fx->dir);
	free(fx->path);
	free(fx);
	return 0;
}

static int
take(void *arg, const uint8_t *buf, size_t len, struct mv_err *err)
{
	struct fx *fx = arg;

	if (fx->stop != 0)
		return mv_err_set(err, fx->stop, "the sink is full");
	fx->total += len;
	mv_buf_put(&fx->got, buf, len);
	if (fx->truncate_to >= 0)
		assert_int_equal(ftruncate(fx->fd, fx->truncate_to), 0);
	fx->truncate_to = -1;
	return 0;
}

static int
read_it(struct fx *fx)
{
	mv_buf_reset(&fx->got);
	fx->total = 0;
	fx->err = (struct mv_err){ 0 };
	return mv_file_read_stable(fx->r, fx->fd, &fx->e, &fx->st,
	    (struct mv_sink){ take, fx }, &fx->changed, &fx->err);
}

/* What was read must make an entry that can be stored. */
static void
assert_storable(struct fx *fx)
{
	mv_auto(mv_buf_clear) struct mv_buf record = { 0 };

	fx->e.path = (struct mv_span){ (const uint8_t *)"f", 1 };
	fx->e.nchunks = fx->total > 0;
	assert_true(mv_entry_data_size(&fx->e) == fx->total);
	assert_ok(mv_entry_encode(&fx->e, &record, &fx->err), &fx->err);
}

static void
write_at(struct fx *fx, off_t at, const void *buf, size_t len)
{
	assert_int_equal(pwrite(fx->fd, buf, len, at), len);
}

static void
a_plain_file_is_one_run(void **state)
{
	static uint8_t bytes[3000000];
	struct fx *fx = *state;

	mv_test_fill(bytes, sizeof(bytes), 1);
	write_at(fx, 0, bytes, sizeof(bytes));
	assert_ok(read_it(fx), &fx->err);
	assert_false(fx->changed);
	assert_false(fx->e.sparse);
	assert_int_equal(fx->got.len, sizeof(bytes));
	assert_memory_equal(fx->got.p, bytes, sizeof(bytes));
	assert_storable(fx);
}

static void
an_empty_file_gives_nothing(void **state)
{
	struct fx *fx = *state;

	assert_ok(read_it(fx), &fx->err);
	assert_false(fx->changed);
	assert_int_equal(fx->total, 0);
	assert_storable(fx);
}

static void
holes_are_not_read(void **state)
{
	struct fx *fx = *state;

	write_at(fx, 0, "start", 5);
	write_at(fx, 1 << 30, "middle", 6);
	assert_int_equal(ftruncate(fx->fd, 3LL << 30), 0);
	assert_ok(read_it(fx), &fx->err);
	assert_false(fx->changed);
	assert_true(fx->e.size == 3ULL << 30);
	assert_true(fx->e.sparse);
	assert_true(fx->total < 1 << 20);
	assert_memory_equal(fx->got.p, "start", 5);
	assert_storable(fx);
}

static void
a_file_that_is_one_hole_has_no_extents(void **state)
{
	struct fx *fx = *state;

	assert_int_equal(ftruncate(fx->fd, 1 << 30), 0);
	assert_ok(read_it(fx), &fx->err);
	assert_true(fx->e.sparse);
	assert_int_equal(fx->e.nextents, 0);
	assert_storable(fx);
}

static void
very_many_holes_are_merged(void **state)
{
	struct fx *fx = *state;
	off_t i;

	for (i = 0; i < 9000; i++)
		write_at(fx, i * 8192, "x", 1);
	assert_int_equal(ftruncate(fx->fd, 1 << 28), 0);
	assert_ok(read_it(fx), &fx->err);
	assert_true(fx->e.nextents < 8192);
	assert_true(fx->e.nextents > 0);
	assert_storable(fx);
}

static void
growing_meanwhile_is_seen(void **state)
{
	struct fx *fx = *state;

	write_at(fx, 0, "0123456789", 10);
	fx->truncate_to = 5000;
	assert_ok(read_it(fx), &fx->err);
	assert_true(fx->changed);
	assert_int_equal(fx->total, 10);
	assert_storable(fx);
	assert_ok(read_it(fx), &fx->err);
	assert_false(fx->changed);
	assert_true(fx->e.size == 5000);
	assert_storable(fx);
}

static void
shrinking_meanwhile_leaves_what_was_read(void **state)
{
	static uint8_t bytes[3 << 20];
	struct fx *fx = *state;

	write_at(fx, 0, bytes, sizeof(bytes));
	fx->truncate_to = 1500000;
	assert_ok(read_it(fx), &fx->err);
	assert_true(fx->changed);
	assert_int_equal(fx->total, 1500000);
	assert_int_equal(fx->e.size, 1500000);
	assert_storable(fx);
}

static void
shrinking_in_a_hole_leaves_what_was_read(void **state)
{
	struct fx *fx = *state;

	write_at(fx, 1 << 20, "one", 3);
	write_at(fx, 1 << 25, "two", 3);
	fx->truncate_to = 1 << 24;
	assert_ok(read_it(fx), &fx->err);
	assert_true(fx->changed);
	assert_storable(fx);
}

static void
the_sinks_answer_is_passed_on(void **state)
{
	struct fx *fx = *state;

	write_at(fx, 0, "x", 1);
	fx->stop = MV_ENOSPC;
	assert_int_equal(read_it(fx), MV_ENOSPC);
	assert_says(&fx->err, "the sink is full");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_plain_file_is_one_run),
		T(an_empty_file_gives_nothing),
		T(holes_are_not_read),
		T(a_file_that_is_one_hole_has_no_extents),
		T(very_many_holes_are_merged),
		T(growing_meanwhile_is_seen),
		T(shrinking_meanwhile_leaves_what_was_read),
		T(shrinking_in_a_hole_leaves_what_was_read),
		T(the_sinks_answer_is_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
