/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "repo/highwater.h"

static const struct mv_id16 repo = { { 0xaa } };
static const struct mv_id32 one = { { 1 } }, two = { { 2 } };

struct fx {
	char *dir, *path;
	struct mv_highwater h;
	struct mv_buf text;
};

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	*state = fx;
	fx->dir = mv_test_dir();
	fx->path = mv_test_path(fx->dir, "highwater");
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_highwater_clear(&fx->h);
	mv_buf_clear(&fx->text);
	mv_test_rmdir(fx->dir);
	free(fx->dir);
	free(fx->path);
	free(fx);
	return 0;
}

static void
reload(struct fx *fx)
{
	struct mv_err err;

	mv_highwater_clear(&fx->h);
	assert_ok(mv_highwater_load(fx->dir, &repo, &fx->h, &err), &err);
}

static void
marks_are_only_ever_raised(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	reload(fx);
	assert_int_equal(fx->h.keyring, 0);
	mv_highwater_note_keyring(&fx->h, 3, &one);
	assert_ok(mv_highwater_note(&fx->h, 7, 5, &one, &err), &err);
	assert_ok(mv_highwater_note(&fx->h, 2, 9, &two, &err), &err);
	assert_ok(mv_highwater_raise(fx->dir, &repo, &fx->h, &err), &err);

	mv_highwater_clear(&fx->h);
	mv_highwater_note_keyring(&fx->h, 2, &two);
	assert_ok(mv_highwater_note(&fx->h, 7, 5, &two, &err), &err);
	assert_ok(mv_highwater_note(&fx->h, 2, 10, &one, &err), &err);
	assert_ok(mv_highwater_raise(fx->dir, &repo, &fx->h, &err), &err);

	reload(fx);
	assert_int_equal(fx->h.keyring, 3);
	assert_memory_equal(fx->h.keyring_hash.b, one.b, 32);
	assert_int_equal(fx->h.nwriters, 2);
	assert_int_equal(mv_highwater_find(&fx->h, 2)->seq, 10);
	assert_int_equal(mv_highwater_find(&fx->h, 7)->seq, 5);
	/* The first one seen with a number stays. */
	assert_memory_equal(mv_highwater_find(&fx->h, 7)->id.b, one.b, 32);
	assert_null(mv_highwater_find(&fx->h, 1));
}

static void
another_repository_is_refused(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	mv_highwater_note_keyring(&fx->h, 3, &one);
	assert_ok(mv_highwater_raise(fx->dir, &repo, &fx->h, &err), &err);
	mv_highwater_clear(&fx->h);
	assert_fails(mv_highwater_load(fx->dir, &(struct mv_id16){ { 1 } },
	    &fx->h, &err), MV_EUSAGE, &err);
	assert_says(&err, "another repository");
}

#define H64 "0100000000000000000000000000000000000000000000000000000000000000"
#define HEAD "mastvault-highwater-1\n" \
	"repository aa000000000000000000000000000000\n"

static void
damaged_file_is_never_taken_for_none(void **state)
{
	static const char *const texts[] = {
		"", "mastvault-highwater-1\n", "mastvault-highwater-2\n",
		HEAD "keyring 3", HEAD "keyring 03 " H64 "\n",
		HEAD "keyring 0 " H64 "\n", HEAD "keyring 3 " H64,
		HEAD "keyring 4294967296 " H64 "\n",
		HEAD "writer 1 1 " H64 "\nkeyring 1 " H64 "\n",
		HEAD "writer 1 18446744073709551616 " H64 "\n",
		HEAD "writer 2 1 " H64 "\nwriter 1 1 " H64 "\n",
		HEAD "writer 1 1 " H64 "\nwriter 1 2 " H64 "\n",
		HEAD "\n", HEAD "writer 1 1 0100\n",
	};
	struct fx *fx = *state;
	struct mv_err err;
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(texts); i++) {
		mv_test_write(fx->path, texts[i], strlen(texts[i]));
		assert_fails(mv_highwater_load(fx->dir, &repo, &fx->h, &err),
		    MV_EUSAGE, &err);
	}
	mv_test_write(fx->path, HEAD "writer 1 18446744073709551615 " H64 "\n",
	    strlen(HEAD "writer 1 18446744073709551615 " H64 "\n"));
	reload(fx);
	assert_true(fx->h.writers[0].seq == UINT64_MAX);
}

/* Errors that root gets, too, in the place of a directory's permissions. */
static void
what_cannot_be_looked_at_is_never_taken_for_none(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	assert_int_equal(symlink("highwater", fx->path), 0);
	assert_fails(mv_highwater_load(fx->dir, &repo, &fx->h, &err),
	    MV_EIO, &err);
	assert_says(&err, fx->path);
	assert_int_equal(unlink(fx->path), 0);
	mv_test_write(fx->path, "", 0);
	assert_fails(mv_highwater_load(fx->path, &repo, &fx->h, &err),
	    MV_EIO, &err);
}

static void
nothing_new_leaves_the_file_alone(void **state)
{
	struct fx *fx = *state;
	struct stat before, after;
	struct mv_err err;

	mv_highwater_note_keyring(&fx->h, 1, &one);
	assert_ok(mv_highwater_raise(fx->dir, &repo, &fx->h, &err), &err);
	mv_test_read(fx->path, &fx->text);
	assert_string_equal(mv_buf_cstr(&fx->text), HEAD "keyring 1 " H64 "\n");
	assert_int_equal(stat(fx->path, &before), 0);
	assert_ok(mv_highwater_raise(fx->dir, &repo, &fx->h, &err), &err);
	/* Replacing it would give another inode. */
	assert_int_equal(stat(fx->path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(marks_are_only_ever_raised),
		test(another_repository_is_refused),
		test(damaged_file_is_never_taken_for_none),
		test(what_cannot_be_looked_at_is_never_taken_for_none),
		test(nothing_new_leaves_the_file_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
