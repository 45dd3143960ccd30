/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "local/local.h"
#include "store/store.h"
#include "support/fault.h"
#include "support/mv_test.h"

/*
 * Every call of the local store that can fail does so once, and once more for
 * good; and the process is killed before each.  The object is then whole or
 * absent, and nothing half is left.
 */
#define LEN 100000

struct fx {
	char *dir;
	char *url;
	struct mv_store *st;
	uint8_t *data;
	uint8_t *back;
	char name[64];
	unsigned round;
	size_t fds;
	int must_be;		/* what a failure may mean: 0 any code */
	unsigned successes;
	int wrong;		/* an answer given as good that was not */
};

static struct mv_err test_err;

static void
open_store(struct fx *fx)
{
	const struct mv_store_ops *const backends[] = {
		&mv_store_local, NULL
	};

	assert_ok(mv_store_open(backends, fx->url, &fx->st, &test_err),
	    &test_err);
}

/* The next name: in a directory that is not there yet every other time. */
static void
next_name(struct fx *fx)
{
	fx->round++;
	(void)snprintf(fx->name, sizeof(fx->name), "packs/%u/p%u",
	    fx->round / 2, fx->round);
}

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	*state = fx;
	fx->dir = mv_test_dir();
	assert_true(asprintf(&fx->url, "file://%s/store", fx->dir) > 0);
	fx->data = malloc(LEN);
	fx->back = malloc(LEN + 1);
	mv_test_fill(fx->data, LEN, 7);
	open_store(fx);
	assert_ok(mv_store_create(fx->st, &test_err), &test_err);
	mv_store_freep(&fx->st);
	fx->fds = mv_test_open_fds();
	next_name(fx);
	fault_kinds(FAULT_ALL);
	fault_errno(EIO);
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	(void)fault_off();
	mv_store_free(fx->st);
	mv_test_rmdir(fx->dir);
	free(fx->data);
	free(fx->back);
	free(fx->url);
	free(fx->dir);
	free(fx);
	return 0;
}

/* A store opened anew each time, so that opening it is swept too. */
static int
put_op(void *arg, struct mv_err *err)
{
	const struct mv_store_ops *const backends[] = {
		&mv_store_local, NULL
	};
	mv_auto(mv_store_freep) struct mv_store *st = NULL;
	struct fx *fx = arg;
	int rc;

	rc = mv_store_open(backends, fx->url, &st, err);
	if (rc < 0)
		return rc;
	return mv_store_put(st, fx->name, fx->data, LEN, err);
}

static void
assert_whole_or_absent(struct fx *fx, int *is_there)
{
	size_t got;
	int rc;

	open_store(fx);
	rc = mv_store_get(fx->st, fx->name, 0, fx->back, LEN + 1, &got, NULL);
	*is_there = rc == 0;
	if (rc == 0) {
		assert_int_equal(got, LEN);
		assert_memory_equal(fx->back, fx->data, LEN);
	} else {
		assert_int_equal(rc, MV_ENOTFOUND);
	}
	mv_store_freep(&fx->st);
}

static void
after_put(void *arg, int rc, const struct mv_err *err)
{
	struct fx *fx = arg;
	int is_there;

	(void)err;
	assert_int_equal(mv_test_open_fds(), fx->fds);
	assert_int_equal(mv_test_count(fx->dir, ".tmp"), 0);
	assert_whole_or_absent(fx, &is_there);
	if (rc == 0)
		assert_true(is_there);
	if (rc < 0 && fx->must_be != 0 && rc != MV_ENOMEM)
		assert_int_equal(rc, fx->must_be);
	/* Where it is there already the put can only end in MV_EEXIST. */
	if (is_there)
		next_name(fx);
}

static void
put_withstands_every_fault(void **state)
{
	struct fx *fx = *state;
	const struct fault_sweep sweep = { put_op, after_put, fx };
	unsigned n = fault_sweep(&sweep);

	print_message("%u faults\n", n);
	assert_true(n >= 30);
}

static void
put_says_no_space_at_every_point(void **state)
{
	struct fx *fx = *state;
	const struct fault_sweep sweep = { put_op, after_put, fx };

	fx->must_be = MV_ENOSPC;
	fault_errno(ENOSPC);
	fault_kinds(FAULT_WRITE | FAULT_SYNC | FAULT_NAME | FAULT_MKDIR);
	assert_true(fault_sweep(&sweep) >= 10);
	fault_errno(EDQUOT);
	assert_true(fault_sweep(&sweep) >= 10);
}

static void
after_killed_put(void *arg, int rc, const struct mv_err *err)
{
	struct fx *fx = arg;
	int is_there;

	(void)err;
	assert_true(rc >= 0);
	assert_whole_or_absent(fx, &is_there);
	if (rc == 0)
		assert_true(is_there);
	fx->successes += rc == 0;
	/* The next one sweeps up what the killed one left. */
	next_name(fx);
	assert_ok(put_op(fx, &test_err), &test_err);
	assert_int_equal(mv_test_count(fx->dir, ".tmp"), 0);
	next_name(fx);
	if (!is_there)
		fx->round++;
}

static void
put_withstands_a_kill_anywhere(void **state)
{
	struct fx *fx = *state;
	const struct fault_sweep sweep = { put_op, after_killed_put, fx };

	assert_true(fault_sweep_kill(&sweep) >= 15);
	assert_int_equal(fx->successes, 1);
}

static int
create_op(void *arg, struct mv_err *err)
{
	const struct mv_store_ops *const backends[] = {
		&mv_store_local, NULL
	};
	mv_auto(mv_store_freep) struct mv_store *st = NULL;
	struct fx *fx = arg;
	int rc;

	rc = mv_store_open(backends, fx->url, &st, err);
	if (rc < 0)
		return rc;
	return mv_store_create(st, err);
}

static void
after_create(void *arg, int rc, const struct mv_err *err)
{
	struct fx *fx = arg;

	(void)err;
	assert_int_equal(mv_test_open_fds(), fx->fds);
	if (rc < 0)
		return;
	assert_ok(put_op(fx, &test_err), &test_err);
	mv_test_rmdir(fx->url + strlen("file://"));
}

static void
create_can_be_done_again_after_every_fault(void **state)
{
	struct fx *fx = *state;
	const struct fault_sweep sweep = { create_op, after_create, fx };

	mv_test_rmdir(fx->url + strlen("file://"));
	assert_true(fault_sweep(&sweep) >= 10);
}

static int
sum(const char *name, uint64_t size, void *arg)
{
	(void)name;
	*(uint64_t *)arg += size;
	return 0;
}

/* Everything that only reads: a failure is a failure, never a shorter answer. */
static int
read_op(void *arg, struct mv_err *err)
{
	const struct mv_store_ops *const backends[] = {
		&mv_store_local, NULL
	};
	mv_auto(mv_store_freep) struct mv_store *st = NULL;
	mv_auto(mv_buf_clear) struct mv_buf buf = { 0 };
	struct fx *fx = arg;
	uint64_t total = 0, size = 0;
	int rc;

	rc = mv_store_open(backends, fx->url, &st, err);
	if (rc == 0)
		rc = mv_store_get_all(st, fx->name, LEN, &buf, err);
	if (rc == 0)
		rc = mv_store_size(st, fx->name, &size, err);
	if (rc == 0)
		rc = mv_store_list(st, "", sum, &total, err);
	if (rc < 0)
		return rc;
	if (buf.len != LEN || memcmp(buf.p, fx->data, LEN) != 0 ||
	    size != LEN || total != LEN)
		fx->wrong = 1;
	return 0;
}

static void
after_read(void *arg, int rc, const struct mv_err *err)
{
	struct fx *fx = arg;

	(void)rc;
	(void)err;
	assert_int_equal(mv_test_open_fds(), fx->fds);
	assert_false(fx->wrong);
}

static void
reading_never_answers_short(void **state)
{
	struct fx *fx = *state;
	const struct fault_sweep sweep = { read_op, after_read, fx };

	assert_ok(put_op(fx, &test_err), &test_err);
	assert_true(fault_sweep(&sweep) >= 10);
}

static int
remove_op(void *arg, struct mv_err *err)
{
	const struct mv_store_ops *const backends[] = {
		&mv_store_local, NULL
	};
	mv_auto(mv_store_freep) struct mv_store *st = NULL;
	struct fx *fx = arg;
	int rc;

	rc = mv_store_open(backends, fx->url, &st, err);
	if (rc < 0)
		return rc;
	return mv_store_remove(st, fx->name, err);
}

static void
after_remove(void *arg, int rc, const struct mv_err *err)
{
	struct fx *fx = arg;
	int is_there;

	(void)err;
	assert_int_equal(mv_test_open_fds(), fx->fds);
	assert_whole_or_absent(fx, &is_there);
	if (rc == 0)
		assert_false(is_there);
	if (!is_there)
		assert_ok(put_op(fx, &test_err), &test_err);
}

static void
remove_withstands_every_fault(void **state)
{
	struct fx *fx = *state;
	const struct fault_sweep sweep = { remove_op, after_remove, fx };

	assert_ok(put_op(fx, &test_err), &test_err);
	assert_true(fault_sweep(&sweep) >= 5);
	fault_kinds(FAULT_REMOVE);
	assert_int_equal(fault_sweep(&sweep), 2);
}

/*
 * Nothing can cut the power here, so the order of calls is what is held to:
 * bytes before the name, the name before the answer, and every directory on
 * the way once for each process, whoever made it.
 */
static void
what_is_put_is_synced_before_the_answer(void **state)
{
	static const struct {
		const char *name;
		const char *want;
	} cases[] = {
		{ "packs/new/a", "mkdirat mkdirat fsync mkdirat fsync "
		    "write fsync linkat fsync" },
		{ "packs/new/b", "write fsync linkat fsync" },
		{ "packs/newer/c", "mkdirat fsync write fsync linkat fsync" },
		{ "d", "write fsync linkat fsync" },
		{ "d", "fsync" },
	};
	struct fx *fx = *state;
	size_t i;
	int rc;

	open_store(fx);
	fault_kinds(FAULT_WRITE | FAULT_SYNC | FAULT_NAME | FAULT_MKDIR);
	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		fault_trace();
		rc = mv_store_put(fx->st, cases[i].name, "x", 1, NULL);
		(void)fault_off();
		assert_true(rc == 0 || rc == MV_EEXIST);
		assert_string_equal(fault_traced(), cases[i].want);
	}
	mv_store_freep(&fx->st);
	/* Another process cannot know that the directories are durable. */
	open_store(fx);
	fault_trace();
	rc = mv_store_put(fx->st, "packs/new/e", "x", 1, NULL);
	(void)fault_off();
	assert_int_equal(rc, 0);
	assert_string_equal(fault_traced(),
	    "mkdirat fsync fsync write fsync linkat fsync");
	fault_trace();
	rc = mv_store_remove(fx->st, "packs/new/e", NULL);
	(void)fault_off();
	assert_int_equal(rc, 0);
	assert_string_equal(fault_traced(), "fsync");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(put_withstands_every_fault),
		T(put_says_no_space_at_every_point),
		T(put_withstands_a_kill_anywhere),
		T(create_can_be_done_again_after_every_fault),
		T(reading_never_answers_short),
		T(remove_withstands_every_fault),
		T(what_is_put_is_synced_before_the_answer),
	};

	return cmocka_run_group_tests_name("store_local_fault", tests, NULL,
	    NULL);
}
