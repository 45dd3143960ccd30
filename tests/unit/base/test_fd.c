/* SPDX-License-Identifier: MIT */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/stop.h"
#include "support/mv_test.h"

static struct mv_err err;

#define LEN 300000

static void *
write_slowly(void *arg)
{
	static const char part[1000];
	int fd = *(int *)arg, i;

	for (i = 0; i < LEN / 1000; i++)
		if (write(fd, part, sizeof(part)) < 0)
			break;
	(void)close(fd);
	return NULL;
}

static void
short_reads_are_put_together(void **state)
{
	mv_auto(mv_freep) char *buf = malloc(LEN + 1);
	pthread_t thread;
	size_t got = 0;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pthread_create(&thread, NULL, write_slowly, &fds[1]),
	    0);
	assert_ok(mv_fd_read(fds[0], buf, LEN + 1, &got, "pipe", &err), &err);
	(void)pthread_join(thread, NULL);
	(void)close(fds[0]);
	assert_int_equal(got, LEN);
}

static void *
read_slowly(void *arg)
{
	char part[777];
	size_t *total = arg;
	ssize_t n;

	while ((n = read((int)total[1], part, sizeof(part))) > 0)
		total[0] += (size_t)n;
	return NULL;
}

static void
short_writes_are_gone_on_with(void **state)
{
	mv_auto(mv_freep) char *buf = calloc(1, LEN);
	size_t total[2] = { 0 };
	pthread_t thread;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	total[1] = (size_t)fds[0];
	assert_int_equal(pthread_create(&thread, NULL, read_slowly, total), 0);
	assert_ok(mv_fd_write(fds[1], buf, LEN, "pipe", &err), &err);
	(void)close(fds[1]);
	(void)pthread_join(thread, NULL);
	(void)close(fds[0]);
	assert_int_equal(total[0], LEN);
}

static void
full_device_is_no_space(void **state)
{
	mv_auto(mv_fd_closep) int fd = open("/dev/full", O_WRONLY);

	(void)state;
	assert_fails(mv_fd_write(fd, "x", 1, "full", &err), MV_ENOSPC, &err);
	assert_says(&err, "'full'");
	assert_int_equal(err.sys_errno, ENOSPC);
}

static void
bad_descriptors_fail(void **state)
{
	size_t got;
	char c;
	int fd = -1;

	(void)state;
	assert_fails(mv_fd_write(-1, "x", 1, "w", &err), MV_EIO, &err);
	assert_fails(mv_fd_read(-1, &c, 1, &got, "r", &err), MV_EIO, &err);
	assert_fails(mv_fd_pread(-1, &c, 1, 0, &got, "p", &err), MV_EIO, &err);
	assert_fails(mv_fd_sync_close(&fd, "s", &err), MV_EIO, &err);
}

static void
unsyncable_file_is_closed_and_fails(void **state)
{
	size_t before = mv_test_open_fds();
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_fails(mv_fd_sync_close(&fds[1], "pipe", &err), MV_EIO, &err);
	assert_int_equal(fds[1], -1);
	(void)close(fds[0]);
	assert_int_equal(mv_test_open_fds(), before);
}

static void
memory_file_is_private_and_sealed(void **state)
{
	mv_auto(mv_fd_closep) int fd = -1;
	struct stat st;
	char buf[16];
	size_t got;

	(void)state;
	assert_ok(mv_fd_memfd("pgpass", "secret", 6, &fd, &err), &err);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_ok(mv_fd_read(fd, buf, sizeof(buf), &got, "memfd", &err), &err);
	assert_int_equal(got, 6);
	assert_memory_equal(buf, "secret", 6);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), -1);
}

static void
reading_beyond_the_end_gives_less(void **state)
{
	mv_auto(mv_fd_closep) int fd = -1;
	char buf[16];
	size_t got;

	(void)state;
	assert_ok(mv_fd_memfd("m", "0123456789", 10, &fd, &err), &err);
	assert_ok(mv_fd_pread(fd, buf, 16, 4, &got, "m", &err), &err);
	assert_int_equal(got, 6);
	assert_memory_equal(buf, "456789", 6);
	assert_ok(mv_fd_pread(fd, buf, 16, 10, &got, "m", &err), &err);
	assert_int_equal(got, 0);
	assert_ok(mv_fd_pread(fd, buf, 16, UINT64_MAX, &got, "m", &err), &err);
	assert_int_equal(got, 0);
	assert_ok(mv_fd_pread(fd, buf, 16, INT64_MAX, &got, "m", &err), &err);
	assert_int_equal(got, 0);
}

static void
waiting_ends_by_data_by_the_end_and_by_a_stop(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_ok(mv_fd_wait(fds[0], "p", &err), &err);
	assert_int_equal(close(fds[1]), 0);
	assert_ok(mv_fd_wait(fds[0], "p", &err), &err);
	assert_int_equal(close(fds[0]), 0);
	assert_fails(mv_fd_wait(-1, "p", &err), MV_EIO, &err);
	/* A stop that came before, of which no call is interrupted. */
	assert_int_equal(pipe(fds), 0);
	mv_stop_request();
	assert_fails(mv_fd_wait(fds[0], "p", &err), MV_EINTR, &err);
	assert_int_equal(close(fds[0]), 0);
	assert_int_equal(close(fds[1]), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_reads_are_put_together),
		cmocka_unit_test(short_writes_are_gone_on_with),
		cmocka_unit_test(full_device_is_no_space),
		cmocka_unit_test(bad_descriptors_fail),
		cmocka_unit_test(unsyncable_file_is_closed_and_fails),
		cmocka_unit_test(memory_file_is_private_and_sealed),
		cmocka_unit_test(reading_beyond_the_end_gives_less),
		/* The last one: a stop stays. */
		cmocka_unit_test(waiting_ends_by_data_by_the_end_and_by_a_stop),
	};

	return cmocka_run_group_tests_name("fd", tests, NULL, NULL);
}
