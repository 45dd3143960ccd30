/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vault/journal.h"

struct fx {
	char *dir, *path;
	struct mv_journal j, read;
	struct mv_journal_file file;
	struct mv_err err;
};

static int
setup(void **state)
{
	static char one[] = "SECRET_KEY_BASE", two[] = "OTP_SECRET";
	static char *names[] = { one, two };
	static struct fx fx;

	fx = (struct fx){ .file = MV_JOURNAL_FILE_INIT };
	fx.dir = mv_test_dir();
	fx.path = mv_test_path(fx.dir, "rotation.journal");
	fx.j = (struct mv_journal){
		.names = names, .nnames = 2, .old_version = 7,
		.pending_version = 8, .started = 1000,
		.step = MV_STEP_FILE, .reached = MV_STEP_APPLY,
		.services = 5, .skip_undecryptable = true,
		.has_push_max = true, .push_max = 99,
	};
	fx.j.extra = json_pack("{s:s}", "kind", "systemd");
	*state = &fx;
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	json_decref(fx->j.extra);
	mv_journal_clear(&fx->read);
	mv_journal_file_clear(&fx->file);
	mv_test_rmdir(fx->dir);
	free(fx->dir);
	free(fx->path);
	return 0;
}

static int
read_again(struct fx *fx)
{
	mv_journal_clear(&fx->read);
	mv_journal_file_clear(&fx->file);
	return mv_journal_open(fx->path, &fx->file, &fx->read, &fx->err);
}

static void
what_was_written_is_read(void **state)
{
	struct fx *fx = *state;
	struct stat st;

	assert_fails(read_again(fx), MV_ENOTFOUND, &fx->err);
	assert_ok(mv_journal_create(fx->path, &fx->j, &fx->file, &fx->err),
	    &fx->err);
	assert_int_equal(stat(fx->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_ok(read_again(fx), &fx->err);
	assert_int_equal(fx->read.nnames, 2);
	assert_string_equal(fx->read.names[1], "OTP_SECRET");
	assert_int_equal(fx->read.old_version, 7);
	assert_int_equal(fx->read.pending_version, 8);
	assert_int_equal(fx->read.step, MV_STEP_FILE);
	assert_int_equal(fx->read.reached, MV_STEP_APPLY);
	assert_int_equal(fx->read.services, 5);
	assert_true(fx->read.skip_undecryptable);
	assert_false(fx->read.forward_only);
	assert_false(fx->read.undo);
	assert_int_equal(fx->read.push_max, 99);
	assert_true(json_equal(fx->read.extra, fx->j.extra));
}

static void
there_is_one_journal_at_a_time(void **state)
{
	struct mv_journal_file second = MV_JOURNAL_FILE_INIT;
	struct fx *fx = *state;

	assert_ok(mv_journal_create(fx->path, &fx->j, &fx->file, &fx->err),
	    &fx->err);
	assert_fails(mv_journal_create(fx->path, &fx->j, &second, &fx->err),
	    MV_EEXIST, &fx->err);
	assert_ok(mv_journal_remove(&fx->file, &fx->err), &fx->err);
	assert_fails(read_again(fx), MV_ENOTFOUND, &fx->err);
}

static void
every_step_has_its_name_and_the_file_its_size(void **state)
{
	struct fx *fx = *state;
	struct stat st;
	size_t i;

	assert_ok(mv_journal_create(fx->path, &fx->j, &fx->file, &fx->err),
	    &fx->err);
	for (i = 0; i < MV_NSTEPS; i++) {
		fx->j.step = (enum mv_rotation_step)i;
		fx->j.undo = i % 2 == 1;
		assert_ok(mv_journal_write(&fx->file, &fx->j, &fx->err),
		    &fx->err);
		assert_int_equal(stat(fx->path, &st), 0);
		assert_int_equal(st.st_size, 2 * MV_JOURNAL_SLOT);
		assert_ok(read_again(fx), &fx->err);
		assert_int_equal(fx->read.step, i);
		assert_int_equal(fx->read.undo, i % 2 == 1);
	}
}

static void
spoil(const char *path, off_t at, uint8_t by)
{
	FILE *f = fopen(path, "r+b");
	int c;

	assert_non_null(f);
	assert_int_equal(fseek(f, at, SEEK_SET), 0);
	c = fgetc(f);
	assert_int_equal(fseek(f, at, SEEK_SET), 0);
	assert_int_not_equal(fputc(c ^ by, f), EOF);
	assert_int_equal(fclose(f), 0);
}

static void
a_torn_write_leaves_the_one_before(void **state)
{
	struct fx *fx = *state;

	assert_ok(mv_journal_create(fx->path, &fx->j, &fx->file, &fx->err),
	    &fx->err);
	fx->j.step = MV_STEP_START;
	assert_ok(mv_journal_write(&fx->file, &fx->j, &fx->err), &fx->err);
	/* The second half holds it: it was not written to its end. */
	spoil(fx->path, MV_JOURNAL_SLOT + 60, 1);
	assert_ok(read_again(fx), &fx->err);
	assert_int_equal(fx->read.step, MV_STEP_FILE);
	/* What is written next replaces what was torn. */
	fx->j.step = MV_STEP_VERIFY;
	assert_ok(mv_journal_write(&fx->file, &fx->j, &fx->err), &fx->err);
	spoil(fx->path, 60, 1);
	assert_ok(read_again(fx), &fx->err);
	assert_int_equal(fx->read.step, MV_STEP_VERIFY);
	spoil(fx->path, MV_JOURNAL_SLOT + 60, 1);
	assert_fails(read_again(fx), MV_ECORRUPT, &fx->err);
	assert_says(&fx->err, fx->path);
}

static void
every_bit_of_a_half_counts(void **state)
{
	struct fx *fx = *state;
	uint8_t slot[MV_JOURNAL_SLOT];
	uint64_t seq;
	uint32_t len;
	size_t i;

	assert_ok(mv_journal_encode(&fx->j, 3, slot, &fx->err), &fx->err);
	memcpy(&len, slot + 16, sizeof(len));
	for (i = 0; i < (52 + (size_t)len) * 8; i++) {
		slot[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_fails(mv_journal_decode(slot, sizeof(slot), &seq,
		    &fx->read, &fx->err), MV_ECORRUPT, &fx->err);
		slot[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (i = 0; i < 52 + (size_t)len; i++)
		assert_fails(mv_journal_decode(slot, i, &seq, &fx->read,
		    &fx->err), MV_ECORRUPT, &fx->err);
	assert_ok(mv_journal_decode(slot, sizeof(slot), &seq, &fx->read,
	    &fx->err), &fx->err);
	assert_int_equal(seq, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(what_was_written_is_read),
		T(there_is_one_journal_at_a_time),
		T(every_step_has_its_name_and_the_file_its_size),
		T(a_torn_write_leaves_the_one_before),
		T(every_bit_of_a_half_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
