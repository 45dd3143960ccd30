/* SPDX-License-Identifier: MIT */
/*
 * Reading and checking a repository in a directory, with every call that can
 * fail failing once: nothing wrong is ever handed out as right.
 */
#include "support/mv_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local/local.h"
#include "repo/check.h"
#include "repo/reader.h"
#include "repo/snapshots.h"
#include "support/fault.h"
#include "support/mini_repo.h"

#define ROWS 40
#define ROW_BYTES 3000

struct fx {
	struct mini m;
	char *dir, *state;
	uint8_t *rows;
	struct mini_chunk chunks[ROWS];
	struct mv_store *local;
	struct mv_repo *repo;
	size_t whole, refused;	/* outcomes of a sweep */
	size_t got;		/* bytes of the stream in the last run */
	struct mv_check_report report;
};

/* The same objects in a directory. */
static void
copy_to_local(struct fx *f)
{
	const struct mv_store_ops *const backends[] = { &mv_store_local,
	    NULL };
	struct mv_buf obj = { 0 };
	char *url = NULL, **names;
	struct mv_err err;
	size_t i, n;

	assert_true(asprintf(&url, "file://%s/store", f->dir) > 0);
	assert_ok(mv_store_open(backends, url, &f->local, &err), &err);
	assert_ok(mv_store_create(f->local, &err), &err);
	names = mini_names(&f->m, "", &n);
	for (i = 0; i < n; i++) {
		mini_get(&f->m, names[i], &obj);
		assert_ok(mv_store_put(f->local, names[i], obj.p, obj.len,
		    &err), &err);
	}
	mini_names_free(names, n);
	mv_buf_clear(&obj);
	free(url);
}

static int
setup(void **state)
{
	struct fx *f = calloc(1, sizeof(*f));
	struct mv_repo_opts opts = { .nstores = 1 };
	struct mv_err err;
	size_t i;

	*state = f;
	f->dir = mv_test_dir();
	f->state = mv_test_path(f->dir, "state");
	mini_open(&f->m, 1, NULL);
	f->rows = malloc(ROWS * ROW_BYTES);
	mv_test_fill(f->rows, ROWS * ROW_BYTES, 3);
	for (i = 0; i < ROWS; i++)
		f->chunks[i] = (struct mini_chunk){
		    .p = f->rows + i * ROW_BYTES, .len = ROW_BYTES };
	mini_put_stream(&f->m, f->chunks, ROWS, 10, 16);
	mini_snapshot(&f->m, "{}", MV_PART_DB, 2000, NULL);
	copy_to_local(f);
	opts.stores = &f->local;
	opts.keys = f->m.plan.keys.kit;
	opts.state_dir = f->state;
	assert_ok(mv_repo_open(&opts, &f->repo, &err), &err);
	return 0;
}

static int
teardown(void **state)
{
	struct fx *f = *state;

	(void)fault_off();
	mv_check_report_clear(&f->report);
	mv_repo_free(f->repo);
	mv_store_free(f->local);
	mini_close(&f->m);
	mv_test_rmdir(f->dir);
	free(f->rows);
	free(f->state);
	free(f->dir);
	free(f);
	return 0;
}

static int
read_stream(struct fx *f, const struct mv_snapshot *snap, struct mv_err *err)
{
	mv_auto(mv_reader_freep) struct mv_reader *rd = NULL;
	mv_auto(mv_stream_in_freep) struct mv_stream_in *in = NULL;
	const uint8_t *data;
	size_t len;
	int rc;

	f->got = 0;
	rc = mv_reader_open(f->repo, snap, &rd, err);
	if (rc == 0)
		rc = mv_stream_in_open(rd, &snap->streams[0], &in, err);
	while (rc == 0) {
		rc = mv_stream_in_chunk(in, NULL, 0, &data, &len, err);
		if (rc < 0 || len == 0)
			break;
		assert_true(f->got + len <= ROWS * ROW_BYTES);
		assert_memory_equal(data, f->rows + f->got, len);
		f->got += len;
	}
	return rc;
}

static int
load_and_read(void *arg, struct mv_err *err)
{
	mv_auto(mv_snapshots_clear) struct mv_snapshots s = { 0 };
	struct fx *f = arg;
	int rc;

	rc = mv_snapshots_load(f->repo, &s, err);
	if (rc < 0)
		return rc;
	/* What could not be read is a problem, and then not in the list. */
	assert_int_equal(s.n + s.nproblems, 1);
	if (s.n == 0)
		return mv_err_set(err, MV_EIO, "%s", s.problems[0]);
	return read_stream(f, &s.list[0], err);
}

static void
all_or_an_error(void *arg, int rc, const struct mv_err *err)
{
	struct fx *f = arg;

	(void)err;
	if (rc == 0) {
		assert_int_equal(f->got, ROWS * ROW_BYTES);
		f->whole++;
	} else {
		f->refused++;
	}
}

static void
a_read_that_fails_says_so(void **state)
{
	struct fx *f = *state;
	struct fault_sweep sweep = { .op = load_and_read,
	    .check = all_or_an_error, .arg = f };

	assert_true(fault_sweep(&sweep) > 50);
	/* Read-ahead and caches may fail without harm; most may not. */
	assert_true(f->whole > 0);
	assert_true(f->refused > f->whole / 4);
}

static int
check_all(void *arg, struct mv_err *err)
{
	struct fx *f = arg;
	struct mv_check_opts opts = { .read_data = true };

	mv_check_report_clear(&f->report);
	return mv_repo_check(f->repo, &opts, &f->report, err);
}

static void
no_object_is_passed_over(void *arg, int rc, const struct mv_err *err)
{
	struct fx *f = arg;

	(void)err;
	/* A bad sector is damage; what was not looked at is not "fine". */
	if (rc == 0 && f->report.ndamaged == 0 && f->report.nwarnings == 0) {
		assert_int_equal(f->report.packs, 4);
		assert_int_equal(f->report.snapshots, 1);
	}
}

static void
a_check_that_fails_says_so(void **state)
{
	struct fx *f = *state;
	struct fault_sweep sweep = { .op = check_all,
	    .check = no_object_is_passed_over, .arg = f };

	assert_true(fault_sweep(&sweep) > 50);
	assert_int_equal(f->report.ndamaged, 0);
	assert_int_equal(f->report.nwarnings, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_read_that_fails_says_so,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(a_check_that_fails_says_so,
		    setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
