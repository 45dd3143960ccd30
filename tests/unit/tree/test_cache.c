/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/mv_test.h"
#include "tree/cache.h"

#define BINDING "repository and root"

struct fx {
	char *dir;
	char *path;
	struct mv_key key;
	struct mv_cache_writer *w;
	struct mv_cache *c;
	struct mv_entry e;
	struct mv_walk_stat st;
	struct mv_buf bytes;
	struct mv_err err;
};

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	assert_ok(mv_secret_init(&fx->err), &fx->err);
	fx->dir = mv_test_dir();
	fx->path = mv_test_path(fx->dir, "cache");
	mv_test_fill(fx->key.b, sizeof(fx->key.b), 1);
	*state = fx;
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_cache_writer_free(fx->w);
	mv_cache_free(fx->c);
	mv_entry_clear(&fx->e);
	mv_buf_clear(&fx->bytes);
	mv_test_rmdir(fx->dir);
	free(fx->dir);
	free(fx->path);
	free(fx);
	return 0;
}

static void
begin(struct fx *fx)
{
	assert_ok(mv_cache_writer_new(fx->path, &fx->key, BINDING,
	    strlen(BINDING), &fx->w, &fx->err), &fx->err);
}

static void
commit(struct fx *fx)
{
	assert_ok(mv_cache_commit(fx->w, &fx->err), &fx->err);
	mv_cache_writer_free(fx->w);
	fx->w = NULL;
}

static void
open_cache(struct fx *fx)
{
	mv_cache_free(fx->c);
	fx->c = NULL;
	assert_ok(mv_cache_open(fx->path, &fx->key, BINDING, strlen(BINDING),
	    &fx->c, &fx->err), &fx->err);
}

/* A file whose every field follows from i. */
static void
make_file(struct fx *fx, char name[16], unsigned i, size_t nchunks)
{
	mv_entry_reset(&fx->e);
	(void)snprintf(name, 16, "f%06u", i);
	fx->e.type = MV_ENTRY_FILE;
	fx->e.path = (struct mv_span){ (uint8_t *)name, 7 };
	fx->e.mode = 0644;
	fx->e.size = nchunks * 1000;
	fx->e.nchunks = nchunks;
	fx->e.mtime = i;
	fx->st = (struct mv_walk_stat){ .ino = i + 7, .changed = i + 1,
	    .changed_nsec = i };
}

static void
add(struct fx *fx, unsigned i, size_t nchunks)
{
	mv_auto(mv_freep) uint8_t *ids = malloc(nchunks * 16 + 1);
	char name[16];

	assert_non_null(ids);
	mv_test_fill(ids, nchunks * 16, i);
	make_file(fx, name, i, nchunks);
	assert_ok(mv_cache_add(fx->w, &fx->e, &fx->st, ids, &fx->err),
	    &fx->err);
}

static const struct mv_cache_record *
seek(struct fx *fx, unsigned i)
{
	const struct mv_cache_record *r = NULL;
	char name[16];

	(void)snprintf(name, sizeof(name), "f%06u", i);
	return mv_cache_seek(fx->c, (struct mv_span){ (uint8_t *)name, 7 },
	    &r) == 1 ? r : NULL;
}

/* The record is that of file i, to the last bit. */
static void
assert_is(struct fx *fx, const struct mv_cache_record *r, unsigned i,
    size_t nchunks)
{
	mv_auto(mv_freep) uint8_t *ids = malloc(nchunks * 16 + 1);
	char name[16];

	assert_non_null(r);
	assert_non_null(ids);
	mv_test_fill(ids, nchunks * 16, i);
	make_file(fx, name, i, nchunks);
	assert_true(mv_cache_is_same(r, &fx->e, &fx->st));
	assert_int_equal(r->entry.nchunks, nchunks);
	assert_memory_equal(r->ids, ids, nchunks * 16);
}

static void
what_was_added_is_found_again(void **state)
{
	struct fx *fx = *state;
	unsigned i;

	begin(fx);
	for (i = 0; i < 20000; i++)
		add(fx, 2 * i, i % 5);
	commit(fx);
	open_cache(fx);
	/* Odd ones were never there; of the others every third is asked. */
	for (i = 0; i < 20000; i += 3) {
		assert_is(fx, seek(fx, 2 * i), 2 * i, i % 5);
		assert_null(seek(fx, 2 * i + 1));
	}
	assert_null(seek(fx, 999999));
	assert_null(mv_cache_damage(fx->c));
}

static void
records_longer_than_a_block_are_read(void **state)
{
	struct fx *fx = *state;

	begin(fx);
	add(fx, 1, 3);
	add(fx, 2, 100000);
	add(fx, 3, 70000);
	add(fx, 4, 1);
	commit(fx);
	open_cache(fx);
	assert_is(fx, seek(fx, 1), 1, 3);
	assert_is(fx, seek(fx, 2), 2, 100000);
	assert_is(fx, seek(fx, 3), 3, 70000);
	assert_is(fx, seek(fx, 4), 4, 1);
	assert_null(mv_cache_damage(fx->c));
}

static void
a_missing_cache_holds_nothing(void **state)
{
	struct fx *fx = *state;

	open_cache(fx);
	assert_null(seek(fx, 1));
	assert_null(mv_cache_damage(fx->c));
}

static void
an_empty_cache_is_whole(void **state)
{
	struct fx *fx = *state;

	begin(fx);
	commit(fx);
	open_cache(fx);
	assert_null(seek(fx, 1));
	assert_null(mv_cache_damage(fx->c));
}

static void
uncommitted_leaves_the_old_cache(void **state)
{
	struct fx *fx = *state;

	begin(fx);
	add(fx, 1, 1);
	commit(fx);
	begin(fx);
	add(fx, 2, 1);
	mv_cache_writer_free(fx->w);
	fx->w = NULL;
	assert_int_equal(mv_test_count(fx->dir, "cache"), 1);
	open_cache(fx);
	assert_is(fx, seek(fx, 1), 1, 1);
	assert_null(seek(fx, 2));
}

static void
what_a_killed_run_left_does_not_matter(void **state)
{
	struct fx *fx = *state;
	char *left = mv_test_path(fx->dir, "cache.new");

	assert_int_equal(symlink("/etc/passwd", left), 0);
	free(left);
	begin(fx);
	add(fx, 1, 1);
	commit(fx);
	open_cache(fx);
	assert_is(fx, seek(fx, 1), 1, 1);
}

static void
every_flipped_bit_is_noticed_and_never_believed(void **state)
{
	struct fx *fx = *state;
	size_t i;

	begin(fx);
	add(fx, 1, 2);
	add(fx, 2, 2);
	commit(fx);
	mv_test_read(fx->path, &fx->bytes);
	for (i = 0; i < fx->bytes.len * 8; i++) {
		fx->bytes.p[i / 8] ^= (uint8_t)(1 << i % 8);
		mv_test_write(fx->path, fx->bytes.p, fx->bytes.len);
		fx->bytes.p[i / 8] ^= (uint8_t)(1 << i % 8);
		open_cache(fx);
		assert_null(seek(fx, 1));
		assert_null(seek(fx, 2));
		assert_non_null(mv_cache_damage(fx->c));
	}
}

static void
every_cut_is_noticed(void **state)
{
	struct fx *fx = *state;
	size_t n;

	begin(fx);
	add(fx, 1, 20000);
	add(fx, 2, 1);
	commit(fx);
	mv_test_read(fx->path, &fx->bytes);
	for (n = 0; n < fx->bytes.len; n += n < 100 ? 1 : 4999) {
		mv_test_write(fx->path, fx->bytes.p, n);
		open_cache(fx);
		(void)seek(fx, 1);
		assert_null(seek(fx, 2));
		assert_non_null(mv_cache_damage(fx->c));
	}
}

static void
another_key_or_binding_is_as_good_as_none(void **state)
{
	struct fx *fx = *state;

	begin(fx);
	add(fx, 1, 1);
	commit(fx);
	fx->key.b[0] ^= 1;
	open_cache(fx);
	assert_null(seek(fx, 1));
	assert_non_null(mv_cache_damage(fx->c));
	fx->key.b[0] ^= 1;
	mv_cache_free(fx->c);
	fx->c = NULL;
	assert_ok(mv_cache_open(fx->path, &fx->key, "other", 5, &fx->c,
	    &fx->err), &fx->err);
	assert_null(seek(fx, 1));
	assert_non_null(mv_cache_damage(fx->c));
}

static void
any_difference_means_reading_again(void **state)
{
	struct fx *fx = *state;
	const struct mv_cache_record *r;
	char name[16];
	int i;

	begin(fx);
	add(fx, 1, 1);
	commit(fx);
	open_cache(fx);
	r = seek(fx, 1);
	assert_non_null(r);
	for (i = 0; i < 8; i++) {
		make_file(fx, name, 1, 1);
		fx->st.ino += i == 0;
		fx->st.changed += i == 1;
		fx->st.changed_nsec += i == 2;
		fx->e.mtime += i == 3;
		fx->e.mtime_nsec += i == 4;
		fx->e.size += i == 5;
		fx->e.mode ^= i == 6;
		fx->e.uid += i == 7;
		assert_false(mv_cache_is_same(r, &fx->e, &fx->st));
	}
	make_file(fx, name, 1, 1);
	assert_true(mv_cache_is_same(r, &fx->e, &fx->st));
}

static void
a_file_that_had_just_changed_is_read_again(void **state)
{
	struct fx *fx = *state;
	const struct mv_cache_record *r;
	uint8_t id[16] = { 0 };
	char name[16];

	begin(fx);
	make_file(fx, name, 1, 1);
	fx->st.fresh = true;
	assert_ok(mv_cache_add(fx->w, &fx->e, &fx->st, id, &fx->err),
	    &fx->err);
	commit(fx);
	open_cache(fx);
	r = seek(fx, 1);
	assert_non_null(r);
	fx->st.fresh = false;
	assert_false(mv_cache_is_same(r, &fx->e, &fx->st));
}

static void
nothing_of_it_can_be_read_without_the_key(void **state)
{
	struct fx *fx = *state;
	struct stat st;

	begin(fx);
	add(fx, 1, 1);
	commit(fx);
	mv_test_read(fx->path, &fx->bytes);
	assert_null(memmem(fx->bytes.p, fx->bytes.len, "f000001", 7));
	assert_int_equal(stat(fx->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_was_added_is_found_again),
		T(records_longer_than_a_block_are_read),
		T(a_missing_cache_holds_nothing),
		T(an_empty_cache_is_whole),
		T(uncommitted_leaves_the_old_cache),
		T(what_a_killed_run_left_does_not_matter),
		T(every_flipped_bit_is_noticed_and_never_believed),
		T(every_cut_is_noticed),
		T(another_key_or_binding_is_as_good_as_none),
		T(any_difference_means_reading_again),
		T(a_file_that_had_just_changed_is_read_again),
		T(nothing_of_it_can_be_read_without_the_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
