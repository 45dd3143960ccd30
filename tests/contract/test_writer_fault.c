/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "local/local.h"
#include "support/fault.h"
#include "support/mv_test.h"
#include "support/rig.h"

/*
 * A whole run over a local store: each call that can fail does so, and the
 * process is killed before each.  Whatever came of that, what was committed
 * is there, the chain of snapshots has no gap, no thread or descriptor is
 * left, and the next run succeeds.
 */
#define LEN 40000
/* A whole run after each failure would take too long. */
#define EVERY 8
#define NAMES_MAX 16

struct names {
	char name[NAMES_MAX][MV_NAME_MAX + 1];
	size_t n;
};

struct fx {
	struct rig rig;
	char *store_dir;
	uint8_t data[LEN];
	unsigned round;
	size_t fds, threads;
	size_t snapshots;	/* that must be there */
	struct names base;	/* what each round starts from */
};

static void first_run(struct fx *fx);

/* How long a thread that met the fault rests once it woke the others. */
static useconds_t rest;
static _Thread_local bool rested;

int
pthread_cond_broadcast(pthread_cond_t *cond)
{
	int (*real)(pthread_cond_t *);
	int rc;

	real = (__typeof__(real))dlsym(RTLD_NEXT, "pthread_cond_broadcast");
	rc = real(cond);
	if (rest > 0 && !rested && fault_met_here()) {
		rested = true;
		(void)usleep(rest);
	}
	return rc;
}

static size_t
threads_now(void)
{
	DIR *d = opendir("/proc/self/task");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n - 2;
}

/* As many as want, or more: one that was joined is listed for a moment yet. */
static size_t
threads(size_t want)
{
	const struct timespec pause = { .tv_nsec = 1000 * 1000 };
	size_t n = threads_now();
	int i;

	for (i = 0; i < 2000 && n > want; i++) {
		nanosleep(&pause, NULL);
		n = threads_now();
	}
	return n;
}

static int
setup(void **state)
{
	const struct mv_store_ops *const backends[] = {
		&mv_store_local, NULL
	};
	struct fx *fx = calloc(1, sizeof(*fx));
	struct mv_store *st = NULL;
	char url[300];
	struct mv_err err;

	assert_non_null(fx);
	*state = fx;
	fx->store_dir = mv_test_dir();
	(void)snprintf(url, sizeof(url), "file://%s/store", fx->store_dir);
	assert_ok(mv_store_open(backends, url, &st, &err), &err);
	assert_ok(mv_store_create(st, &err), &err);
	rig_new_in(&fx->rig, &st, 1);
	first_run(fx);
	fx->fds = mv_test_open_fds();
	fx->threads = threads_now();
	fault_kinds(FAULT_ALL);
	fault_errno(EIO);
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	(void)fault_off();
	rest = 0;
	rig_free(&fx->rig);
	mv_test_rmdir(fx->store_dir);
	free(fx->store_dir);
	free(fx);
	return 0;
}

static int
write_stream(struct fx *fx, struct mv_writer *w, struct mv_snapshot *snap,
    struct mv_err *err)
{
	mv_auto(mv_stream_freep) struct mv_stream *s = NULL;
	int rc;

	snap->streams = calloc(1, sizeof(*snap->streams));
	if (snap->streams == NULL)
		return mv_err_set(err, MV_ENOMEM, "streams");
	snap->nstreams = 1;
	rc = mv_stream_open(w, 0, false, &s, err);
	if (rc == 0)
		rc = mv_stream_write(s, fx->data, LEN, err);
	if (rc == 0)
		rc = mv_stream_finish(s, &snap->streams[0], err);
	return rc;
}

/* One run whose data nobody has seen before. */
static int
run(void *arg, struct mv_err *err)
{
	mv_auto(mv_snapshot_clear) struct mv_snapshot snap = {
		.parts = MV_PART_DB
	};
	mv_auto(mv_writer_freep) struct mv_writer *w = NULL;
	struct mv_writer_opts opts = { .workers = 2 };
	struct fx *fx = arg;
	int rc;

	mv_test_fill(fx->data, LEN, ++fx->round);
	rc = mv_writer_begin(fx->rig.writer, &opts, &w, err);
	if (rc == 0)
		rc = write_stream(fx, w, &snap, err);
	if (rc == 0)
		rc = mv_writer_commit(w, &snap, "{}", 2, err);
	return rc;
}

static int
note_name(const char *name, uint64_t size, void *arg)
{
	struct names *names = arg;

	(void)size;
	assert_true(names->n < NAMES_MAX);
	memcpy(names->name[names->n++], name, strlen(name) + 1);
	return 0;
}

static void
list(struct fx *fx, struct names *out)
{
	struct mv_err err;

	out->n = 0;
	assert_ok(mv_store_list(fx->rig.stores[0], "", note_name, out, &err),
	    &err);
}

static void
first_run(struct fx *fx)
{
	struct mv_err err;

	assert_ok(run(fx, &err), &err);
	list(fx, &fx->base);
	fx->snapshots = 1;
}

static bool
has(const struct names *names, const char *name)
{
	size_t i;

	for (i = 0; i < names->n; i++)
		if (strcmp(names->name[i], name) == 0)
			return true;
	return false;
}

/* Back to one snapshot and no local state: every round meets the same. */
static void
start_over(struct fx *fx)
{
	struct names now;
	struct mv_err err;
	size_t i;

	list(fx, &now);
	for (i = 0; i < now.n; i++)
		if (!has(&fx->base, now.name[i]))
			assert_ok(mv_store_remove(fx->rig.stores[0],
			    now.name[i], &err), &err);
	mv_test_rmdir(fx->rig.state);
	fx->snapshots = 1;
}

/* All snapshots are sound, and there are as many as must be. */
static void
expect_sound(struct fx *fx)
{
	struct mv_snapshots all = { 0 };
	struct mv_err err;
	size_t i;

	assert_ok(mv_snapshots_load(fx->rig.reader, &all, &err), &err);
	for (i = 0; i < all.nproblems; i++)
		print_error("%s\n", all.problems[i]);
	assert_int_equal(all.nproblems, 0);
	assert_true(all.n >= fx->snapshots);
	fx->snapshots = all.n;
	mv_snapshots_clear(&all);
}

static void
check(void *arg, int rc, const struct mv_err *err)
{
	struct fx *fx = arg;
	struct mv_err none;

	(void)err;
	assert_int_equal(threads(fx->threads), fx->threads);
	assert_int_equal(mv_test_open_fds(), fx->fds);
	if (rc == 0)
		fx->snapshots++;
	expect_sound(fx);
	if (rc == 0)
		rig_expect(&fx->rig, 0, fx->data, LEN);
	if (fx->round % EVERY == 0) {
		assert_ok(run(fx, &none), &none);
		fx->snapshots++;
		rig_expect(&fx->rig, 0, fx->data, LEN);
	}
	start_over(fx);
}

static void
every_call_that_changes_something_may_fail(void **state)
{
	struct fx *fx = *state;
	struct fault_sweep sweep = { run, check, fx };

	fault_kinds(FAULT_ALL & ~(FAULT_READ | FAULT_OPEN));
	/* Local files, threads, a pack of each kind, index and snapshot. */
	assert_true(fault_sweep(&sweep) > 200);
}

/*
 * A worker that failed says so before it lets go of its segment: the commit
 * would not wait for it any more, and the snapshot lack what was in there.
 */
static void
a_commit_does_not_outrun_a_failure(void **state)
{
	struct fx *fx = *state;
	struct fault_sweep sweep = { run, check, fx };

	rest = 100000;
	fault_kinds(FAULT_MEMORY | FAULT_THREADS);
	assert_true(fault_sweep(&sweep) > 10);
}

/*
 * Listing 256 directories several times makes thousands of these, alike but
 * for the directory: every 37th is enough.
 */
static void
calls_that_read_may_fail(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;
	unsigned n;
	int met, rc;

	fault_kinds(FAULT_READ | FAULT_OPEN);
	for (n = 1; ; n += 37) {
		err = (struct mv_err){ 0 };
		fault_at(n);
		rc = run(fx, &err);
		met = fault_off();
		assert_int_equal(rc, err.code);
		assert_true(rc == 0 || met);
		check(fx, rc, &err);
		if (!met)
			break;
	}
	assert_true(n > 37);
}

static void
a_full_store_says_so(void **state)
{
	struct fx *fx = *state;
	struct mv_err err = { 0 };
	int rc;

	fault_errno(ENOSPC);
	fault_kinds(FAULT_WRITE);
	fault_from(1);
	rc = run(fx, &err);
	assert_true(fault_off());
	assert_int_equal(rc, MV_ENOSPC);
	assert_int_equal(err.code, MV_ENOSPC);
	expect_sound(fx);
}

/* After a kill the round was counted in the child only. */
static void
check_killed(void *arg, int rc, const struct mv_err *err)
{
	struct fx *fx = arg;
	struct mv_err none;

	(void)err;
	fx->round++;
	/* Killed after its put, a snapshot may be there. */
	expect_sound(fx);
	if (fx->round % EVERY == 0 || rc == 0) {
		assert_ok(run(fx, &none), &none);
		fx->snapshots++;
		rig_expect(&fx->rig, 0, fx->data, LEN);
	}
	start_over(fx);
}

static void
a_killed_run_harms_nothing(void **state)
{
	struct fx *fx = *state;
	struct fault_sweep sweep = { run, check_killed, fx };

	/* What counts is what is outside: nothing changes between these. */
	fault_kinds(FAULT_WRITE | FAULT_SYNC | FAULT_NAME | FAULT_MKDIR);
	assert_true(fault_sweep_kill(&sweep) > 20);
}

int
main(void)
{
#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(every_call_that_changes_something_may_fail),
		CASE(a_commit_does_not_outrun_a_failure),
		CASE(calls_that_read_may_fail),
		CASE(a_full_store_says_so),
		CASE(a_killed_run_harms_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
