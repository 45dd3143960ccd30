/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/fault.h"
#include "support/mv_test.h"

struct fx {
	char *dir;
	char *path;
	struct mv_buf buf;
	size_t fds;
	int replace;
};

static struct mv_err test_err;

#define OLD "old contents"
#define NEW "new and longer contents"

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	*state = fx;
	fx->dir = mv_test_dir();
	fx->path = mv_test_path(fx->dir, ".env.production");
	fx->fds = mv_test_open_fds();
	fault_kinds(FAULT_ALL);
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;
	int bad;

	(void)fault_off();
	bad = mv_test_open_fds() != fx->fds;
	mv_test_rmdir(fx->dir);
	mv_buf_clear(&fx->buf);
	free(fx->path);
	free(fx->dir);
	free(fx);
	return bad ? -1 : 0;
}

static void
assert_file(struct fx *fx, const char *want)
{
	mv_buf_reset(&fx->buf);
	assert_ok(mv_file_read(fx->path, 100, &fx->buf, &test_err), &test_err);
	assert_string_equal(mv_buf_cstr(&fx->buf), want);
}

static int
replace(struct fx *fx, const char *text, struct mv_err *err)
{
	return mv_file_replace(fx->path, text, strlen(text), 0640,
	    (uid_t)-1, (gid_t)-1, err);
}

static void
replaced_file_has_exactly_the_mode(void **state)
{
	struct fx *fx = *state;
	mode_t old = umask(077);
	struct stat st;

	mv_test_write(fx->path, OLD, strlen(OLD));
	assert_ok(replace(fx, NEW, &test_err), &test_err);
	(void)umask(old);
	assert_file(fx, NEW);
	assert_int_equal(stat(fx->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_ok(mv_file_replace(fx->path, "", 0, 0400, getuid(), getgid(),
	    &test_err), &test_err);
	assert_file(fx, "");
}

static void
link_stays_a_link(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *shared = mv_test_path(fx->dir, "shared");
	struct stat st;

	mv_test_write(shared, OLD, strlen(OLD));
	assert_int_equal(symlink("shared", fx->path), 0);
	assert_ok(replace(fx, NEW, &test_err), &test_err);
	assert_int_equal(lstat(fx->path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(lstat(shared, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_file(fx, NEW);
}

static void
create_never_replaces(void **state)
{
	struct fx *fx = *state;

	assert_ok(mv_file_create(fx->path, OLD, strlen(OLD), 0600, &test_err),
	    &test_err);
	assert_fails(mv_file_create(fx->path, NEW, strlen(NEW), 0600,
	    &test_err), MV_EEXIST, &test_err);
	assert_file(fx, OLD);
	assert_int_equal(mv_test_count(fx->dir, ".tmp"), 0);
}

/* Some file systems have no hard links: linkat says EPERM there. */
static void
create_never_replaces_without_hard_links_either(void **state)
{
	struct fx *fx = *state;
	int i, met, rc;

	fault_kinds(FAULT_NAME);
	fault_errno(EPERM);
	for (i = 0; i < 2; i++) {
		test_err = (struct mv_err){ 0 };
		fault_at(1);
		rc = mv_file_create(fx->path, i == 0 ? OLD : NEW,
		    strlen(i == 0 ? OLD : NEW), 0600, &test_err);
		met = fault_off();
		assert_true(met);
		assert_int_equal(rc, i == 0 ? 0 : MV_EEXIST);
	}
	fault_errno(EIO);
	assert_file(fx, OLD);
	assert_int_equal(mv_test_count(fx->dir, ".tmp"), 0);
}

static void
too_long_and_missing_files_are_told_apart(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *big = calloc(1, 50000);

	assert_fails(mv_file_read(fx->path, 10, &fx->buf, &test_err),
	    MV_ENOTFOUND, &test_err);
	mv_test_write(fx->path, "0123456789", 10);
	assert_fails(mv_file_read(fx->path, 9, &fx->buf, &test_err),
	    MV_EUSAGE, &test_err);
	assert_ok(mv_file_read(fx->path, 10, &fx->buf, &test_err), &test_err);
	assert_int_equal(fx->buf.len, 10);
	mv_test_write(fx->path, big, 50000);
	assert_ok(mv_file_read(fx->path, 50000, &fx->buf, &test_err),
	    &test_err);
	assert_int_equal(fx->buf.len, 50010);
	assert_fails(mv_file_read(fx->path, 49999, &fx->buf, &test_err),
	    MV_EUSAGE, &test_err);
	assert_fails(mv_file_read(fx->dir, 10, &fx->buf, &test_err), MV_EIO,
	    &test_err);
}

static void
directories_are_made_with_their_parents(void **state)
{
	static const char *const paths[] = { "a", "a/b//c", "a/b/c/d/", "a/" };
	struct fx *fx = *state;
	struct stat st;
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(paths); i++) {
		mv_auto(mv_freep) char *path = mv_test_path(fx->dir, paths[i]);

		assert_ok(mv_dir_make(path, 0700, &test_err), &test_err);
		assert_int_equal(stat(path, &st), 0);
		assert_true(S_ISDIR(st.st_mode));
		assert_int_equal(st.st_mode & 07777, 0700);
		assert_ok(mv_dir_sync(path, &test_err), &test_err);
	}
	mv_test_write(fx->path, "", 0);
	assert_fails(mv_dir_make(fx->path, 0700, &test_err), MV_EEXIST,
	    &test_err);
	assert_ok(mv_dir_make("/", 0700, &test_err), &test_err);
	assert_fails(mv_dir_make("", 0700, &test_err), MV_ENOTFOUND,
	    &test_err);
}

static void
lock_has_one_holder(void **state)
{
	struct fx *fx = *state;
	int fd = -1, second = -1;

	assert_ok(mv_file_lock(fx->path, &fd, &test_err), &test_err);
	assert_fails(mv_file_lock(fx->path, &second, &test_err), MV_EAGAIN,
	    &test_err);
	assert_int_equal(second, -1);
	(void)close(fd);
	assert_ok(mv_file_lock(fx->path, &fd, &test_err), &test_err);
	(void)close(fd);
}

static int
write_op(void *arg, struct mv_err *err)
{
	struct fx *fx = arg;

	if (fx->replace)
		return replace(fx, NEW, err);
	return mv_file_create(fx->path, NEW, strlen(NEW), 0600, err);
}

/* Old or new, and nothing beside it; then old again for the next round. */
static void
after_replace(void *arg, int rc, const struct mv_err *err)
{
	struct fx *fx = arg;

	(void)err;
	mv_buf_reset(&fx->buf);
	mv_test_read(fx->path, &fx->buf);
	if (rc == 0 || strcmp(mv_buf_cstr(&fx->buf), OLD) != 0)
		assert_string_equal(mv_buf_cstr(&fx->buf), NEW);
	if (rc <= 0)
		assert_int_equal(mv_test_count(fx->dir, ".tmp"), 0);
	assert_ok(replace(fx, OLD, &test_err), &test_err);
	/* Also what a killed run left is gone now. */
	assert_int_equal(mv_test_count(fx->dir, ".tmp"), 0);
}

static void
after_create(void *arg, int rc, const struct mv_err *err)
{
	struct fx *fx = arg;

	(void)err;
	assert_int_equal(mv_test_count(fx->dir, ".tmp"), 0);
	if (rc == 0 || access(fx->path, F_OK) == 0)
		assert_file(fx, NEW);
	(void)unlink(fx->path);
}

static void
replace_withstands_every_fault(void **state)
{
	struct fx *fx = *state;
	const struct fault_sweep sweep = { write_op, after_replace, fx };

	fx->replace = 1;
	mv_test_write(fx->path, OLD, strlen(OLD));
	assert_true(fault_sweep(&sweep) >= 10);
}

static void
replace_withstands_a_kill_anywhere(void **state)
{
	struct fx *fx = *state;
	const struct fault_sweep sweep = { write_op, after_replace, fx };

	fx->replace = 1;
	mv_test_write(fx->path, OLD, strlen(OLD));
	assert_true(fault_sweep_kill(&sweep) >= 5);
}

static void
create_withstands_every_fault(void **state)
{
	struct fx *fx = *state;
	const struct fault_sweep sweep = { write_op, after_create, fx };

	assert_true(fault_sweep(&sweep) >= 10);
}

static void
bytes_are_synced_before_the_name_and_the_name_after(void **state)
{
	struct fx *fx = *state;
	int rc;

	fault_kinds(FAULT_WRITE | FAULT_SYNC | FAULT_NAME);
	fault_trace();
	rc = mv_file_create(fx->path, OLD, strlen(OLD), 0600, NULL);
	(void)fault_off();
	assert_int_equal(rc, 0);
	assert_string_equal(fault_traced(), "write fsync linkat fsync");
	fault_trace();
	rc = replace(fx, NEW, NULL);
	(void)fault_off();
	assert_int_equal(rc, 0);
	assert_string_equal(fault_traced(), "write fsync renameat fsync");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(replaced_file_has_exactly_the_mode),
		T(link_stays_a_link),
		T(create_never_replaces),
		T(create_never_replaces_without_hard_links_either),
		T(too_long_and_missing_files_are_told_apart),
		T(directories_are_made_with_their_parents),
		T(lock_has_one_holder),
		T(replace_withstands_every_fault),
		T(replace_withstands_a_kill_anywhere),
		T(create_withstands_every_fault),
		T(bytes_are_synced_before_the_name_and_the_name_after),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
