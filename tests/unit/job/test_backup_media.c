/* SPDX-License-Identifier: MIT */
/* Trees of which not all can be read: what can be is stored, and restored. */
#include "support/mv_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/file.h"
#include "job/backup.h"
#include "job/restore.h"
#include "support/rig.h"

/* The one thing whose attributes cannot be listed, as on a bad disk. */
static ino_t sick;
/* One with more attributes than a record holds, as ext4 does not keep them. */
static ino_t laden;
#define LADEN_NAMES "user.a\0user.b\0user.c\0user.d\0user.e\0user.f\0" \
	"user.g\0user.h\0user.i\0user.j\0user.k\0user.l\0user.m\0user.n\0" \
	"user.o\0user.p\0user.q"
#define LADEN_VALUE 65536

static bool
is_at(int fd, ino_t ino)
{
	struct stat st;

	return ino != 0 && fstat(fd, &st) == 0 && st.st_ino == ino;
}

/* In the place of the C library's. */
ssize_t
flistxattr(int fd, char *list, size_t size)
{
	if (is_at(fd, sick)) {
		errno = EIO;
		return -1;
	}
	if (is_at(fd, laden)) {
		assert_true(size >= sizeof(LADEN_NAMES));
		memcpy(list, LADEN_NAMES, sizeof(LADEN_NAMES));
		return sizeof(LADEN_NAMES);
	}
	return syscall(SYS_flistxattr, fd, list, size);
}

ssize_t
fgetxattr(int fd, const char *name, void *value, size_t size)
{
	if (!is_at(fd, laden))
		return syscall(SYS_fgetxattr, fd, name, value, size);
	if (size > 0)
		memset(value, 1, LADEN_VALUE);
	return LADEN_VALUE;
}

struct fx {
	struct rig rig;
	char *media, *target;
	struct mv_backup_report report;
	struct mv_snapshots snaps;
};

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	*state = fx;
	rig_new(&fx->rig, 1);
	fx->media = mv_test_path(fx->rig.dir, "media");
	fx->target = mv_test_path(fx->rig.dir, "target");
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	sick = laden = 0;
	mv_snapshots_clear(&fx->snaps);
	mv_backup_report_clear(&fx->report);
	free(fx->media);
	free(fx->target);
	rig_free(&fx->rig);
	free(fx);
	return 0;
}

static ino_t
inode(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

/* A directory or, with text, a file below the media root. */
static ino_t
put(const struct fx *fx, const char *name, const char *text)
{
	char *path = mv_test_path(fx->media, name);
	ino_t ino;

	if (text != NULL)
		mv_test_write(path, text, strlen(text));
	else
		assert_int_equal(mkdir(path, 0755), 0);
	ino = inode(path);
	free(path);
	return ino;
}

static void
backup(struct fx *fx)
{
	const struct mv_backup_source src = {
		.environment = "production", .host = "host",
		.program = "test", .media = fx->media,
	};
	const struct mv_backup_opts opts = { .parts = MV_PART_MEDIA };
	struct mv_err err;

	mv_backup_report_clear(&fx->report);
	assert_ok(mv_job_backup(fx->rig.writer, &src, &opts, &fx->report,
	    &err), &err);
}

static void
restore(struct fx *fx)
{
	const struct mv_restore_opts opts = { .parts = MV_PART_MEDIA,
	    .media = fx->target };
	struct mv_restore_report report = { 0 };
	const struct mv_snapshot *snap = NULL;
	struct mv_err err;

	mv_snapshots_clear(&fx->snaps);
	assert_ok(mv_snapshots_load(fx->rig.reader, &fx->snaps, &err), &err);
	assert_ok(mv_snapshots_find(&fx->snaps, "latest", MV_PART_MEDIA,
	    &snap, &err), &err);
	assert_ok(mv_job_restore(fx->rig.reader, snap, &opts, &report, &err),
	    &err);
	mv_restore_report_clear(&report);
}

static void
expect_file(const struct fx *fx, const char *name, const char *text)
{
	char *path = mv_test_path(fx->target, name);
	struct mv_buf now = { 0 };
	struct mv_err err;

	assert_ok(mv_file_read(path, 100, &now, &err), &err);
	assert_int_equal(now.len, strlen(text));
	assert_memory_equal(now.p, text, now.len);
	mv_buf_clear(&now);
	free(path);
}

static void
make_tree(struct fx *fx)
{
	assert_int_equal(mkdir(fx->media, 0755), 0);
	(void)put(fx, "a", NULL);
	(void)put(fx, "a/one", "1");
	(void)put(fx, "b", "2");
}

static void
attributes_of_a_directory_that_cannot_be_read_cost_themselves(void **state)
{
	struct fx *fx = *state;
	char *dir = mv_test_path(fx->media, "a");

	make_tree(fx);
	sick = inode(dir);
	free(dir);
	backup(fx);
	assert_int_equal(fx->report.unreadable.total, 1);
	assert_true(fx->report.parts & MV_PART_INCOMPLETE);
	restore(fx);
	expect_file(fx, "a/one", "1");
	expect_file(fx, "b", "2");
}

static void
those_of_the_root_do_so_too(void **state)
{
	struct fx *fx = *state;

	make_tree(fx);
	sick = inode(fx->media);
	backup(fx);
	assert_int_equal(fx->report.unreadable.total, 1);
	restore(fx);
	expect_file(fx, "a/one", "1");
}

static void
what_was_missing_is_read_by_the_next_run(void **state)
{
	struct fx *fx = *state;
	char *dir = mv_test_path(fx->media, "a"), *path;
	char value[8];

	make_tree(fx);
	sick = inode(dir);
	if (setxattr(dir, "user.mv", "kept", 4, 0) < 0) {
		free(dir);
		skip();
	}
	free(dir);
	/* Long ago, so that the cache would believe it. */
	(void)sleep(3);
	backup(fx);
	sick = 0;
	backup(fx);
	assert_int_equal(fx->report.unreadable.total, 0);
	restore(fx);
	path = mv_test_path(fx->target, "a");
	assert_int_equal(getxattr(path, "user.mv", value, sizeof(value)), 4);
	free(path);
}

static void
what_no_record_can_hold_is_left_out(void **state)
{
	struct fx *fx = *state;
	char *path = mv_test_path(fx->target, "b");

	make_tree(fx);
	laden = put(fx, "b", "2");
	backup(fx);
	assert_int_equal(fx->report.unreadable.total, 1);
	assert_string_equal(fx->report.unreadable.names[0], "b");
	assert_true(fx->report.parts & MV_PART_INCOMPLETE);
	assert_int_equal(fx->report.files, 1);
	restore(fx);
	expect_file(fx, "a/one", "1");
	assert_int_equal(access(path, F_OK), -1);
	free(path);
}

static void
of_a_directory_only_the_attributes_are(void **state)
{
	struct fx *fx = *state;
	char *dir = mv_test_path(fx->media, "a");

	make_tree(fx);
	laden = inode(dir);
	free(dir);
	backup(fx);
	assert_int_equal(fx->report.unreadable.total, 1);
	laden = 0;
	restore(fx);
	expect_file(fx, "a/one", "1");
	expect_file(fx, "b", "2");
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(attributes_of_a_directory_that_cannot_be_read_cost_themselves),
		test(those_of_the_root_do_so_too),
		test(what_was_missing_is_read_by_the_next_run),
		test(what_no_record_can_hold_is_left_out),
		test(of_a_directory_only_the_attributes_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
