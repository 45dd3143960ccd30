/* SPDX-License-Identifier: MIT */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/stop.h"

/* How long a stop may go unseen. */
#define WAIT_MS 250

int
mv_fd_write(int fd, const void *buf, size_t len, const char *what,
    struct mv_err *err)
{
	const uint8_t *p = buf;
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mv_err_sys(err, "write '%s'", what);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
mv_fd_read(int fd, void *buf, size_t len, size_t *got, const char *what,
    struct mv_err *err)
{
	uint8_t *p = buf;
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = read(fd, p + done, len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mv_err_sys(err, "read '%s'", what);
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*got = done;
	return 0;
}

int
mv_fd_pread(int fd, void *buf, size_t len, uint64_t offset, size_t *got,
    const char *what, struct mv_err *err)
{
	uint8_t *p = buf;
	size_t done = 0;
	ssize_t n;

	/* Beyond what off_t holds no file has anything. */
	if (offset > INT64_MAX - (uint64_t)(len < INT64_MAX ? len : 0)) {
		*got = 0;
		return 0;
	}
	while (done < len) {
		n = pread(fd, p + done, len - done, (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mv_err_sys(err, "read '%s'", what);
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*got = done;
	return 0;
}

int
mv_fd_wait(int fd, const char *what, struct mv_err *err)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n = 0, rc;

	/* poll() would wait for ever. */
	if (fd < 0) {
		errno = EBADF;
		return mv_err_sys(err, "wait for '%s'", what);
	}
	/* A signal between a look at the flag and the call wakes nobody. */
	while (n <= 0) {
		rc = mv_stop_check(err);
		if (rc < 0)
			return mv_err_ctx(err, rc, "read '%s'", what);
		n = poll(&p, 1, WAIT_MS);
		if (n < 0 && errno != EINTR)
			return mv_err_sys(err, "wait for '%s'", what);
	}
	return 0;
}

int
mv_fd_sync_close(int *fd, const char *what, struct mv_err *err)
{
	mv_auto(mv_fd_closep) int old = mv_take_fd(fd);

	if (fsync(old) < 0)
		return mv_err_sys(err, "fsync '%s'", what);
	/* After EINTR Linux has closed it all the same. */
	if (close(mv_take_fd(&old)) < 0 && errno != EINTR)
		return mv_err_sys(err, "close '%s'", what);
	return 0;
}

int
mv_fd_memfd(const char *name, const void *buf, size_t len, int *out,
    struct mv_err *err)
{
	mv_auto(mv_fd_closep) int fd = -1;
	int rc;

	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return mv_err_sys(err, "memfd_create '%s'", name);
	/* It is born 0777, which libpq refuses for a password file. */
	if (fchmod(fd, 0600) < 0)
		return mv_err_sys(err, "chmod '%s'", name);
	rc = mv_fd_write(fd, buf, len, name, err);
	if (rc < 0)
		return rc;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK |
	    F_SEAL_SEAL) < 0)
		return mv_err_sys(err, "seal '%s'", name);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return mv_err_sys(err, "seek '%s'", name);
	*out = mv_take_fd(&fd);
	return 0;
}
