/* SPDX-License-Identifier: MIT */
#include "secret/secret.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/fault.h"
#include "support/mv_test.h"

#ifdef MV_TEST_SHADOW
#define UNDER_SHADOW 1
#else
#define UNDER_SHADOW 0
#endif

static const int under_shadow = UNDER_SHADOW;
static struct mv_err test_err;

static int
init(void **state)
{
	(void)state;
	assert_ok(mv_secret_init(&test_err), &test_err);
	return 0;
}

static void
new_secret_is_zero_and_keeps_what_is_written(void **state)
{
	static const uint8_t zero[100];
	mv_auto(mv_secret_freep) struct mv_secret *s = NULL;

	(void)state;
	assert_ok(mv_secret_new(100, &s, &test_err), &test_err);
	assert_int_equal(mv_secret_len(s), 100);
	assert_memory_equal(mv_secret_bytes(s), zero, 100);
	memset(mv_secret_bytes(s), 7, 100);
	assert_int_equal(mv_secret_bytes(s)[99], 7);
}

static void
copies_are_copies(void **state)
{
	mv_auto(mv_secret_freep) struct mv_secret *s = NULL;
	mv_auto(mv_key_wipe) struct mv_key key = { 0 };
	uint8_t bytes[MV_KEY_BYTES];

	(void)state;
	mv_test_fill(bytes, sizeof(bytes), 1);
	assert_ok(mv_secret_from(bytes, sizeof(bytes), &s, &test_err),
	    &test_err);
	assert_memory_equal(mv_secret_bytes(s), bytes, sizeof(bytes));
	mv_secret_key(s, &key);
	memset(mv_secret_bytes(s), 0, sizeof(bytes));
	assert_memory_equal(key.b, bytes, sizeof(bytes));
	mv_key_wipe(&key);
	assert_memory_equal(key.b, mv_secret_bytes(s), sizeof(bytes));
}

static void
empty_secrets_are_fine(void **state)
{
	mv_auto(mv_secret_freep) struct mv_secret *s = NULL;
	mv_auto(mv_sbuf_clear) struct mv_sbuf b = { 0 };

	(void)state;
	assert_ok(mv_secret_from(NULL, 0, &s, &test_err), &test_err);
	assert_int_equal(mv_secret_len(s), 0);
	assert_ok(mv_sbuf_put(&b, NULL, 0, &test_err), &test_err);
	assert_int_equal(b.len, 0);
	mv_secret_free(NULL);
}

/* How one more byte than there is room ends: by a signal, not quietly. */
static void
guard_stops_an_overrun(void **state)
{
	struct mv_secret *s = NULL;
	struct rlimit none = { 0 };
	pid_t pid;
	int st;

	(void)state;
	pid = fork();
	if (pid == 0) {
		/* The sanitizer must not turn it into a report. */
		(void)signal(SIGSEGV, SIG_DFL);
		(void)setrlimit(RLIMIT_CORE, &none);
		if (mv_secret_new(32, &s, NULL) < 0)
			_exit(1);
		((volatile uint8_t *)mv_secret_bytes(s))[32] = 1;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_true(WIFSIGNALED(st));
	assert_int_equal(WTERMSIG(st), SIGSEGV);
}

static void
secret_pages_are_locked_and_left_out_of_cores(void **state)
{
	mv_auto(mv_secret_freep) struct mv_secret *s = NULL;
	mv_auto(mv_buf_clear) struct mv_buf smaps = { 0 };
	unsigned long lo, hi, at;
	char *line, *flags = NULL, *save;
	int inside = 0;

	(void)state;
	if (!mv_secret_locks())
		skip();
	assert_ok(mv_secret_new(32, &s, &test_err), &test_err);
	at = (unsigned long)(uintptr_t)mv_secret_bytes(s);
	mv_test_read("/proc/self/smaps", &smaps);
	for (line = strtok_r(mv_buf_cstr(&smaps), "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save)) {
		char *end;

		lo = strtoul(line, &end, 16);
		if (*end == '-') {
			hi = strtoul(end + 1, &end, 16);
			if (*end == ' ')
				inside = at >= lo && at < hi;
		}
		if (inside && strncmp(line, "VmFlags:", 8) == 0)
			flags = line;
	}
	assert_non_null(flags);
	assert_non_null(strstr(flags, " dd"));
	/* Sanitizers make mlock do nothing. */
	if (!under_shadow)
		assert_non_null(strstr(flags, " lo"));
}

static void
buffer_grows_and_keeps_its_bytes(void **state)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf b = { 0 };
	uint8_t part[777], want[777];
	unsigned i;

	(void)state;
	for (i = 0; i < 100; i++) {
		mv_test_fill(part, sizeof(part), i);
		assert_ok(mv_sbuf_put(&b, part, sizeof(part), &test_err),
		    &test_err);
	}
	assert_int_equal(b.len, 77700);
	for (i = 0; i < 100; i++) {
		mv_test_fill(want, sizeof(want), i);
		assert_memory_equal(b.p + i * sizeof(want), want, sizeof(want));
	}
	mv_sbuf_clear(&b);
	assert_null(b.p);
	assert_int_equal(b.len + b.cap, 0);
}

static void
files_are_read_whole_up_to_the_limit(void **state)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf b = { 0 };
	char *dir = mv_test_dir(), *path = mv_test_path(dir, "env");
	mv_auto(mv_freep) uint8_t *data = malloc(20000);

	(void)state;
	mv_test_fill(data, 20000, 3);
	mv_test_write(path, data, 20000);
	assert_ok(mv_sbuf_read_file(&b, path, 20000, &test_err), &test_err);
	assert_int_equal(b.len, 20000);
	assert_memory_equal(b.p, data, 20000);
	assert_fails(mv_sbuf_read_file(&b, path, 19999, &test_err), MV_EUSAGE,
	    &test_err);
	assert_says(&test_err, "env");
	(void)unlink(path);
	assert_fails(mv_sbuf_read_file(&b, path, 10, &test_err), MV_ENOTFOUND,
	    &test_err);
	mv_test_rmdir(dir);
	free(path);
	free(dir);
}

static void *
trickle(void *arg)
{
	int fd = *(int *)arg, i;

	for (i = 0; i < 5; i++)
		if (write(fd, "pass", 4) != 4)
			break;
	(void)close(fd);
	return NULL;
}

static void
descriptors_are_read_to_their_end(void **state)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf b = { 0 };
	pthread_t thread;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pthread_create(&thread, NULL, trickle, &fds[1]), 0);
	assert_ok(mv_sbuf_read_fd(&b, fds[0], 100, "pipe", &test_err),
	    &test_err);
	(void)pthread_join(thread, NULL);
	(void)close(fds[0]);
	assert_int_equal(b.len, 20);
	assert_fails(mv_sbuf_read_fd(&b, -1, 100, "nothing", &test_err),
	    MV_EIO, &test_err);
}

static int
use_op(void *arg, struct mv_err *err)
{
	mv_auto(mv_secret_freep) struct mv_secret *s = NULL;
	mv_auto(mv_sbuf_clear) struct mv_sbuf b = { 0 };
	int rc;

	rc = mv_secret_from("0123456789", 10, &s, err);
	if (rc == 0)
		rc = mv_sbuf_read_file(&b, arg, 100000, err);
	return rc;
}

static void
after_use(void *arg, int rc, const struct mv_err *err)
{
	(void)arg;
	if (rc < 0)
		assert_true(rc == MV_ENOMEM || rc == MV_EIO);
	assert_null(strstr(err->text, "0123"));
}

static void
secrets_withstand_every_fault(void **state)
{
	char *dir = mv_test_dir(), *path = mv_test_path(dir, "env");
	const struct fault_sweep sweep = { use_op, after_use, path };
	mv_auto(mv_freep) uint8_t *data = calloc(1, 50000);
	size_t fds = mv_test_open_fds();

	(void)state;
	mv_test_write(path, data, 50000);
	assert_true(fault_sweep(&sweep) >= 10);
	assert_int_equal(mv_test_open_fds(), fds);
	mv_test_rmdir(dir);
	free(path);
	free(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_secret_is_zero_and_keeps_what_is_written),
		cmocka_unit_test(copies_are_copies),
		cmocka_unit_test(empty_secrets_are_fine),
		cmocka_unit_test(guard_stops_an_overrun),
		cmocka_unit_test(secret_pages_are_locked_and_left_out_of_cores),
		cmocka_unit_test(buffer_grows_and_keeps_its_bytes),
		cmocka_unit_test(files_are_read_whole_up_to_the_limit),
		cmocka_unit_test(descriptors_are_read_to_their_end),
		cmocka_unit_test(secrets_withstand_every_fault),
	};

	return cmocka_run_group_tests_name("secret", tests, init, NULL);
}
