/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/process.h"
#include "base/stop.h"
#include "base/time.h"
#include "support/mv_test.h"

static struct mv_err err;

#define SH(script) \
	(const char *const[]){ "sh", "-c", (script), NULL }
#define OPTS(...) &(const struct mv_process_opts){ \
	.uid = (uid_t)-1, .gid = (gid_t)-1, __VA_ARGS__ }

struct fx {
	struct mv_process *p;
	struct mv_buf buf;
	char *dir;
	size_t fds;
};

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	fx->dir = mv_test_dir();
	fx->fds = mv_test_open_fds();
	*state = fx;
	return 0;
}

/* Whatever a test did, no descriptor and no zombie may be left. */
static int
teardown(void **state)
{
	struct fx *fx = *state;
	int bad;

	mv_process_free(fx->p);
	mv_buf_clear(&fx->buf);
	bad = mv_test_open_fds() != fx->fds ||
	    waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD;
	mv_test_rmdir(fx->dir);
	free(fx->dir);
	free(fx);
	return bad ? -1 : 0;
}

/* Everything that the child writes, as text. */
static const char *
read_out(struct fx *fx)
{
	char chunk[512];
	size_t got;

	do {
		assert_ok(mv_fd_read(mv_process_out(fx->p), chunk,
		    sizeof(chunk), &got, "child", &err), &err);
		mv_buf_put(&fx->buf, chunk, got);
	} while (got == sizeof(chunk));
	return mv_buf_cstr(&fx->buf);
}

static void
bytes_go_in_and_come_out(void **state)
{
	struct fx *fx = *state;
	int status = -1;

	assert_ok(mv_process_start(OPTS(.argv = SH("tr a-z A-Z"),
	    .pipe_in = true, .pipe_out = true), &fx->p, &err), &err);
	assert_ok(mv_fd_write(mv_process_in(fx->p), "toot", 4, "child", &err),
	    &err);
	mv_process_close_in(fx->p);
	assert_string_equal(read_out(fx), "TOOT");
	assert_ok(mv_process_wait(fx->p, &status, &err), &err);
	assert_int_equal(status, 0);
}

static void
failure_tells_status_and_last_words(void **state)
{
	struct fx *fx = *state;
	int status = 0;

	assert_ok(mv_process_start(OPTS(.argv = SH(
	    "echo long ago >&2; echo; for i in 1 2 3; do echo w$i >&2; done; "
	    "exit 7")), &fx->p, &err), &err);
	assert_fails(mv_process_wait(fx->p, &status, &err), MV_EIO, &err);
	assert_int_equal(status, 7);
	assert_says(&err, "'sh' exited with status 7: w1;w2;w3");
}

static void
death_by_signal_is_a_failure(void **state)
{
	struct fx *fx = *state;
	int status = 0;

	assert_ok(mv_process_start(OPTS(.argv = SH("kill -9 $$")), &fx->p,
	    &err), &err);
	assert_fails(mv_process_wait(fx->p, &status, &err), MV_EIO, &err);
	assert_int_equal(status, 128 + 9);
	assert_says(&err, "killed by signal 9");
}

static void
missing_program_fails_at_start(void **state)
{
	struct fx *fx = *state;
	const char *const bare[] = { "mv-no-such-program", NULL };
	const char *const path[] = { "/nowhere/pg_dump", NULL };
	const char *const denied[] = { "/etc/passwd", NULL };

	assert_fails(mv_process_start(OPTS(.argv = bare), &fx->p, &err),
	    MV_ENOTFOUND, &err);
	assert_says(&err, "mv-no-such-program");
	assert_fails(mv_process_start(OPTS(.argv = path), &fx->p, &err),
	    MV_ENOTFOUND, &err);
	assert_fails(mv_process_start(OPTS(.argv = denied), &fx->p, &err),
	    MV_EAUTH, &err);
	assert_null(fx->p);
}

static void
only_listed_descriptors_are_inherited(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_fd_closep) int kept = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	mv_auto(mv_fd_closep) int leaky = open("/dev/full", O_RDONLY);
	char want[64];

	assert_true(kept > 2 && leaky > 2);
	(void)snprintf(want, sizeof(want), "0 1 2 %d ", kept);
	assert_ok(mv_process_start(OPTS(.argv = SH(
	    "for i in /proc/self/fd/*; do test -e $i && "
	    "printf '%s ' ${i##*/}; done; true"), .keep_fds = &kept, .nkeep_fds = 1,
	    .pipe_out = true), &fx->p, &err), &err);
	assert_string_equal(read_out(fx), want);
	assert_ok(mv_process_wait(fx->p, NULL, &err), &err);
}

static void
environment_is_the_one_given(void **state)
{
	struct fx *fx = *state;
	const char *const env[] = { "ONLY=this", NULL };
	const char *const argv[] = { "env", NULL };

	assert_ok(mv_process_start(OPTS(.argv = argv, .env = env,
	    .pipe_out = true), &fx->p, &err), &err);
	assert_string_equal(read_out(fx), "ONLY=this\n");
	assert_ok(mv_process_wait(fx->p, NULL, &err), &err);
}

static void
signals_are_default_in_the_child(void **state)
{
	struct fx *fx = *state;
	/* 32 and 33 are libc's own: make ignores them, and nobody can care. */
	const unsigned long long ours = ~(3ULL << 31);
	unsigned long long blk, ign;
	sigset_t blocked, old;
	char *end;

	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGUSR1);
	(void)pthread_sigmask(SIG_BLOCK, &blocked, &old);
	assert_ok(mv_process_start(OPTS(.argv = SH(
	    "grep -E '^Sig(Blk|Ign)' /proc/self/status | cut -f2"),
	    .pipe_out = true), &fx->p, &err), &err);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	blk = strtoull(read_out(fx), &end, 16);
	ign = strtoull(end, &end, 16);
	assert_string_equal(end, "\n");
	assert_int_equal(blk & ours, 0);
	assert_int_equal(ign & ours, 0);
	assert_ok(mv_process_wait(fx->p, NULL, &err), &err);
}

static void
noise_on_stderr_is_bounded_and_blocks_nobody(void **state)
{
	struct fx *fx = *state;

	assert_ok(mv_process_start(OPTS(.argv = SH(
	    "i=0; while [ $i -lt 20000 ]; do echo line$i >&2; "
	    "i=$((i+1)); done; echo the end >&2")), &fx->p, &err), &err);
	assert_ok(mv_process_wait(fx->p, NULL, &err), &err);
	mv_process_stderr(fx->p, &fx->buf);
	assert_int_equal(fx->buf.len, 8192);
	assert_memory_equal(fx->buf.p + fx->buf.len - 18,
	    "line19999\nthe end\n", 18);
}

static void
daemon_left_behind_does_not_hold_up_the_wait(void **state)
{
	struct fx *fx = *state;
	double start = mv_time_monotonic();

	assert_ok(mv_process_start(OPTS(.argv = SH(
	    "sleep 3 & echo said >&2; exit 0")), &fx->p, &err), &err);
	assert_ok(mv_process_wait(fx->p, NULL, &err), &err);
	assert_true(mv_time_monotonic() - start < 2);
	mv_process_stderr(fx->p, &fx->buf);
	assert_string_equal(mv_buf_cstr(&fx->buf), "said\n");
}

/* True when the pid in the file is dead within some seconds. */
static int
dies(const char *path)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	pid_t pid;
	int i;

	mv_test_read(path, &text);
	pid = (pid_t)strtol(mv_buf_cstr(&text), NULL, 10);
	assert_true(pid > 1);
	for (i = 0; i < 100; i++) {
		if (kill(pid, 0) < 0)
			return 1;
		(void)usleep(50000);
	}
	return 0;
}

static void
freeing_kills_it_and_what_it_started(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *file = mv_test_path(fx->dir, "pid");
	const char *const argv[] = { "sh", "-c",
	    "sleep 100 & echo $! >$0; echo ready; wait", file, NULL };
	char ready[6];
	size_t got;

	assert_ok(mv_process_start(OPTS(.argv = argv, .pipe_out = true),
	    &fx->p, &err), &err);
	assert_ok(mv_fd_read(mv_process_out(fx->p), ready, 6, &got, "child",
	    &err), &err);
	mv_process_freep(&fx->p);
	assert_true(dies(file));
}

/* Start a child that writes its pid and sleeps, from a thread that ends. */
static void *
start_from_thread(void *arg)
{
	struct fx *fx = arg;

	if (mv_process_start(OPTS(.argv = SH("sleep 1; exit 5")), &fx->p,
	    NULL) < 0)
		abort();
	return NULL;
}

static void
child_outlives_the_thread_that_started_it(void **state)
{
	struct fx *fx = *state;
	pthread_t thread;
	int status;

	assert_int_equal(pthread_create(&thread, NULL, start_from_thread, fx),
	    0);
	(void)pthread_join(thread, NULL);
	assert_fails(mv_process_wait(fx->p, &status, &err), MV_EIO, &err);
	assert_int_equal(status, 5);
}

static void
child_dies_with_us(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *file = mv_test_path(fx->dir, "pid");
	const char *const argv[] = { "sh", "-c",
	    "echo $$ >$0; echo ready; exec sleep 100", file, NULL };
	struct mv_process *p;
	char ready[6];
	size_t got;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		if (mv_process_start(OPTS(.argv = argv, .pipe_out = true), &p,
		    NULL) == 0 && mv_fd_read(mv_process_out(p), ready, 6, &got,
		    "child", NULL) == 0)
			(void)kill(getpid(), SIGKILL);
		_exit(1);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(dies(file));
}

static void
child_has_its_own_session_unless_foreground(void **state)
{
	struct fx *fx = *state;
	const char *script = "cut -d' ' -f6 /proc/$$/stat";
	char ours[32];

	(void)snprintf(ours, sizeof(ours), "%d\n", (int)getsid(0));
	assert_ok(mv_process_start(OPTS(.argv = SH(script), .pipe_out = true),
	    &fx->p, &err), &err);
	assert_string_not_equal(read_out(fx), ours);
	assert_ok(mv_process_wait(fx->p, NULL, &err), &err);
	mv_process_freep(&fx->p);

	mv_buf_reset(&fx->buf);
	assert_ok(mv_process_start(OPTS(.argv = SH(script), .pipe_out = true,
	    .foreground = true), &fx->p, &err), &err);
	assert_string_equal(read_out(fx), ours);
	assert_ok(mv_process_wait(fx->p, NULL, &err), &err);
}

static void
root_can_start_it_as_another_user(void **state)
{
	struct fx *fx = *state;
	const struct mv_process_opts opts = {
		.argv = SH("id -u; id -g; id -G"),
		.pipe_out = true,
		.uid = 65534,
		.gid = 65534,
	};
	const gid_t ours = 12345;

	if (getuid() != 0)
		skip();
	/* A group of ours that it must not keep. */
	assert_int_equal(setgroups(1, &ours), 0);
	assert_ok(mv_process_start(&opts, &fx->p, &err), &err);
	assert_int_equal(setgroups(0, NULL), 0);
	assert_string_equal(read_out(fx), "65534\n65534\n65534\n");
	assert_ok(mv_process_wait(fx->p, NULL, &err), &err);
}

static void
output_can_go_to_a_descriptor(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *file = mv_test_path(fx->dir, "out");
	mv_auto(mv_fd_closep) int fd = open(file, O_WRONLY | O_CREAT, 0600);

	assert_ok(mv_process_start(OPTS(.argv = SH("echo here"), .out_fd = fd),
	    &fx->p, &err), &err);
	assert_ok(mv_process_wait(fx->p, NULL, &err), &err);
	mv_test_read(file, &fx->buf);
	assert_string_equal(mv_buf_cstr(&fx->buf), "here\n");
}

/* Last, because the flag stays up for good. */
static void
stop_ends_the_child_and_says_interrupted(void **state)
{
	struct fx *fx = *state;
	double start = mv_time_monotonic();

	assert_ok(mv_process_start(OPTS(.argv = SH("exec sleep 100"),
	    .pipe_out = true, .ends_on_stop = true), &fx->p, &err), &err);
	mv_stop_request();
	assert_string_equal(read_out(fx), "");
	assert_fails(mv_process_wait(fx->p, NULL, &err), MV_EINTR, &err);
	assert_true(mv_time_monotonic() - start < 5);
}

/* Also one that does not heed SIGTERM, and what it started. */
static void
who_takes_too_long_is_ended(void **state)
{
	struct fx *fx = *state;
	double began = mv_time_monotonic();
	int status;

	assert_ok(mv_process_start(OPTS(.argv = SH("echo waiting >&2; "
	    "sleep 60"), .timeout = 1), &fx->p, &err), &err);
	assert_fails(mv_process_wait(fx->p, &status, &err), MV_EIO, &err);
	assert_says(&err, "took longer than 1 s");
	assert_says(&err, "waiting");
	assert_true(mv_time_monotonic() - began < 4);
	mv_process_freep(&fx->p);

	began = mv_time_monotonic();
	assert_ok(mv_process_start(OPTS(.argv = SH("trap '' TERM; "
	    "while :; do sleep 1; done"), .timeout = 1), &fx->p, &err), &err);
	assert_fails(mv_process_wait(fx->p, &status, &err), MV_EIO, &err);
	assert_int_equal(status, 128 + SIGKILL);
	assert_true(mv_time_monotonic() - began < 12);
	mv_process_freep(&fx->p);

	/* And who is quick enough is not. */
	assert_ok(mv_process_start(OPTS(.argv = SH("sleep 0.3"),
	    .timeout = 30), &fx->p, &err), &err);
	assert_ok(mv_process_wait(fx->p, &status, &err), &err);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(who_takes_too_long_is_ended),
		T(bytes_go_in_and_come_out),
		T(failure_tells_status_and_last_words),
		T(death_by_signal_is_a_failure),
		T(missing_program_fails_at_start),
		T(only_listed_descriptors_are_inherited),
		T(environment_is_the_one_given),
		T(signals_are_default_in_the_child),
		T(noise_on_stderr_is_bounded_and_blocks_nobody),
		T(daemon_left_behind_does_not_hold_up_the_wait),
		T(freeing_kills_it_and_what_it_started),
		T(child_outlives_the_thread_that_started_it),
		T(child_dies_with_us),
		T(child_has_its_own_session_unless_foreground),
		T(root_can_start_it_as_another_user),
		T(output_can_go_to_a_descriptor),
		T(stop_ends_the_child_and_says_interrupted),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
