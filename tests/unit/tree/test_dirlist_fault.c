/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/fault.h"
#include "support/mv_test.h"
#include "tree/tree_internal.h"

#define NAMES 100

struct fx {
	char *dir;
	struct mv_dirlist list;
};

static int
load(void *arg, struct mv_err *err)
{
	static char scratch[4096];
	struct fx *f = arg;
	int fd, rc;

	mv_dirlist_clear(&f->list);
	fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return mv_err_sys(err, "open");
	rc = mv_dirlist_load(&f->list, fd, scratch, sizeof(scratch));
	if (rc < 0)
		rc = mv_err_sys(err, "list");
	(void)close(fd);
	return rc;
}

/* Every name that the list counts is there, and in its place. */
static void
names_can_be_used(void *arg, int rc, const struct mv_err *err)
{
	struct fx *f = arg;
	const char *name, *last = "";
	size_t i;

	(void)err;
	for (i = 0; i < f->list.n; i++) {
		assert_true(f->list.items[i].at < f->list.text.len);
		name = (const char *)f->list.text.p + f->list.items[i].at;
		assert_true(strcmp(last, name) < 0);
		last = name;
	}
	if (rc == 0)
		assert_int_equal(f->list.n, NAMES);
}

static void
a_list_that_failed_names_nothing_that_is_not_there(void **state)
{
	struct fx f = { .dir = mv_test_dir() };
	struct fault_sweep sweep = { load, names_can_be_used, &f };
	char path[4096];
	int i, fd;

	(void)state;
	for (i = 0; i < NAMES; i++) {
		(void)snprintf(path, sizeof(path), "%s/a-rather-long-name-%d",
		    f.dir, i * 7919 % 1000);
		fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		(void)close(fd);
	}
	fault_kinds(FAULT_MEMORY);
	assert_true(fault_sweep(&sweep) >= 2);
	mv_dirlist_clear(&f.list);
	mv_test_rmdir(f.dir);
	free(f.dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_list_that_failed_names_nothing_that_is_not_there),
	};

	return cmocka_run_group_tests_name("dirlist_fault", tests, NULL, NULL);
}
