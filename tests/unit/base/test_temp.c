/* SPDX-License-Identifier: MIT */
#include "base/temp.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/mv_test.h"

static struct mv_err err;

struct fx {
	char *dir;
	int fd;
	pid_t child;
};

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	*state = fx;
	fx->dir = mv_test_dir();
	fx->fd = open(fx->dir, O_RDONLY | O_DIRECTORY);
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	if (fx->child > 0) {
		(void)kill(fx->child, SIGKILL);
		(void)waitpid(fx->child, NULL, 0);
	}
	(void)close(fx->fd);
	mv_test_rmdir(fx->dir);
	free(fx->dir);
	free(fx);
	return 0;
}

static void
unnamed_file_leaves_no_trace(void **state)
{
	struct fx *fx = *state;
	struct mv_temp t = MV_TEMP_INIT;

	assert_ok(mv_temp_open(&t, fx->fd, 0600, "x", &err), &err);
	assert_int_equal(mv_test_count(fx->dir, ".tmp"), 1);
	mv_temp_clear(&t);
	assert_int_equal(mv_test_count(fx->dir, ""), 0);
	/* Twice, and never opened, is fine. */
	mv_temp_clear(&t);
}

static void
named_file_stays_and_nothing_else(void **state)
{
	struct fx *fx = *state;
	struct mv_temp t = MV_TEMP_INIT;

	assert_ok(mv_temp_open(&t, fx->fd, 0600, "x", &err), &err);
	assert_ok(mv_temp_link(&t, fx->fd, "linked", "x", &err), &err);
	assert_int_equal(t.fd, -1);
	assert_ok(mv_temp_open(&t, fx->fd, 0600, "x", &err), &err);
	assert_fails(mv_temp_link(&t, fx->fd, "linked", "x", &err), MV_EEXIST,
	    &err);
	assert_ok(mv_temp_rename(&t, fx->fd, "linked", "x", &err), &err);
	mv_temp_clear(&t);
	assert_int_equal(mv_test_count(fx->dir, ""), 1);
	assert_int_equal(mv_test_count(fx->dir, "linked"), 1);
}

static void
sweep_takes_only_what_is_a_temporary_and_dead(void **state)
{
	static const char *const kept[] = {
		".mv-0123456789abcdeF.tmp", ".mv-0123456789abcde.tmp",
		".mv-0123456789abcdef.tmq", "mv-0123456789abcdef.tmp0",
		"x.mv-0123456789abcdef.tmp", ".env",
	};
	struct fx *fx = *state;
	mv_auto(mv_temp_clear) struct mv_temp t = MV_TEMP_INIT;
	mv_auto(mv_freep) char *dead = mv_test_path(fx->dir,
	    ".mv-0123456789abcdef.tmp");
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(kept); i++) {
		mv_auto(mv_freep) char *path = mv_test_path(fx->dir, kept[i]);

		mv_test_write(path, "", 0);
	}
	mv_test_write(dead, "", 0);
	assert_ok(mv_temp_open(&t, fx->fd, 0600, "x", &err), &err);
	mv_temp_sweep(fx->fd);
	assert_int_equal(access(dead, F_OK), -1);
	assert_int_equal(mv_test_count(fx->dir, ""), MV_ARRAY_LEN(kept) + 1);
}

/* A link of that name to somebody's file must not be opened through. */
static void
sweep_does_not_follow_links(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *file = mv_test_path(fx->dir, "file");
	mv_auto(mv_freep) char *link = mv_test_path(fx->dir,
	    ".mv-0123456789abcdef.tmp");
	mv_auto(mv_freep) char *fifo = mv_test_path(fx->dir,
	    ".mv-00000000000000ff.tmp");

	mv_test_write(file, "", 0);
	assert_int_equal(symlink("file", link), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	mv_temp_sweep(fx->fd);
	assert_int_equal(access(file, F_OK), 0);
	assert_int_equal(access(fifo, F_OK), 0);
}

/*
 * Another process sweeps all the while, also between our making a temporary
 * and our locking it.
 */
static void
sweeping_never_takes_from_a_living_writer(void **state)
{
	struct fx *fx = *state;
	char name[32];
	int i;

	fx->child = fork();
	if (fx->child == 0)
		for (;;)
			mv_temp_sweep(fx->fd);
	assert_true(fx->child > 0);
	for (i = 0; i < 5000; i++) {
		mv_auto(mv_temp_clear) struct mv_temp t = MV_TEMP_INIT;

		(void)snprintf(name, sizeof(name), "f%d", i);
		assert_ok(mv_temp_open(&t, fx->fd, 0600, name, &err), &err);
		assert_ok(mv_temp_link(&t, fx->fd, name, name, &err), &err);
		assert_int_equal(unlinkat(fx->fd, name, 0), 0);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(unnamed_file_leaves_no_trace),
		T(named_file_stays_and_nothing_else),
		T(sweep_takes_only_what_is_a_temporary_and_dead),
		T(sweep_does_not_follow_links),
		T(sweeping_never_takes_from_a_living_writer),
	};

	return cmocka_run_group_tests_name("temp", tests, NULL, NULL);
}
