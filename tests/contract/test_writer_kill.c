/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "local/local.h"
#include "support/mv_test.h"
#include "support/rig.h"

/*
 * Runs that are killed at some moment leave packs that the next run uses;
 * memory does not grow with the input.
 */
#define MIB (1u << 20)
#define LEN (80u * MIB)
#define PIECE 65536u
#define KILLS 6

struct fx {
	struct rig rig;
	char *store_dir;
	struct mv_writer *w;
};

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
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_writer_freep(&fx->w);
	rig_free(&fx->rig);
	mv_test_rmdir(fx->store_dir);
	free(fx->store_dir);
	free(fx);
	return 0;
}

/* The same bytes for the same seed, made piece by piece. */
static struct mv_root
put_random(struct mv_writer *w, size_t len, unsigned class, uint64_t seed)
{
	struct mv_stream *s = NULL;
	static uint8_t piece[PIECE];
	struct mv_root root;
	struct mv_err err;
	size_t at;

	assert_ok(mv_stream_open(w, class, false, &s, &err), &err);
	for (at = 0; at < len; at += PIECE) {
		mv_test_fill(piece, PIECE, seed + at);
		assert_ok(mv_stream_write(s, piece, PIECE, &err), &err);
	}
	assert_ok(mv_stream_finish(s, &root, &err), &err);
	mv_stream_freep(&s);
	return root;
}

static void run_in_child(struct fx *fx) __attribute__((noreturn));

static void
run_in_child(struct fx *fx)
{
	struct mv_root root;

	fx->w = rig_begin(&fx->rig, 2);
	root = put_random(fx->w, LEN, 2, 1);
	rig_commit(&fx->w, &root, 1);
	_exit(0);
}

/* Kill it once there are n packs more than before: whatever it does then. */
static void
kill_after_packs(struct fx *fx, size_t n)
{
	const struct timespec moment = { .tv_nsec = 2000000 };
	size_t before = rig_count(&fx->rig, "packs/", NULL);
	pid_t pid;
	int st;

	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		run_in_child(fx);
	while (rig_count(&fx->rig, "packs/", NULL) < before + n &&
	    waitpid(pid, &st, WNOHANG) == 0)
		(void)nanosleep(&moment, NULL);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, &st, 0);
}

static void
the_run_after_a_kill_uses_what_is_there(void **state)
{
	struct fx *fx = *state;
	struct mv_writer_stats stats;
	struct mv_snapshots all = { 0 };
	struct mv_root root;
	struct mv_err err;
	size_t i;

	for (i = 0; i < KILLS; i++)
		kill_after_packs(fx, i % 2);
	assert_true(rig_count(&fx->rig, "packs/", NULL) >= 1);
	rig_reopen(&fx->rig);
	fx->w = rig_begin(&fx->rig, 2);
	root = put_random(fx->w, LEN, 2, 1);
	mv_writer_stats(fx->w, &stats);
	print_message("%llu MiB of %u used again\n",
	    (unsigned long long)stats.bytes_resumed / MIB, LEN / MIB);
	assert_true(stats.bytes_resumed >= 12 * MIB);
	assert_int_equal(stats.bytes_resumed + stats.bytes_new, LEN);
	rig_commit(&fx->w, &root, 1);
	assert_ok(mv_snapshots_load(fx->rig.reader, &all, &err), &err);
	assert_int_equal(all.n, 1);
	assert_int_equal(all.nproblems, 0);
	mv_snapshots_clear(&all);
}

/* The most that this process has had in memory of its own, in KiB. */
static size_t
anonymous_kib(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	size_t kib = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "RssAnon: %zu", &kib) == 1)
			break;
	(void)fclose(f);
	return kib;
}

static void
memory_does_not_grow_with_the_input(void **state)
{
	struct fx *fx = *state;
	size_t i, most[2] = { 0 }, now;
	struct mv_root root;

	/* Four times the packs and queues, then as much again. */
	fx->w = rig_begin(&fx->rig, 2);
	for (i = 0; i < 24; i++) {
		root = put_random(fx->w, 16 * MIB, 0, i << 32);
		now = anonymous_kib();
		if (now > most[i / 12])
			most[i / 12] = now;
	}
	print_message("at most %zu MiB, then %zu\n", most[0] / 1024,
	    most[1] / 1024);
	rig_commit(&fx->w, &root, 1);
#ifndef MV_TEST_SHADOW
	/* Nor is memory ours alone under another program. */
	if (getenv("UNDER") == NULL)
		assert_in_range(most[1], 0, most[0] + 24 * 1024);
#endif
}

int
main(void)
{
#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(the_run_after_a_kill_uses_what_is_there),
		CASE(memory_does_not_grow_with_the_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
