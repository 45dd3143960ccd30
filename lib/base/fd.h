/* SPDX-License-Identifier: MIT */
#ifndef MV_BASE_FD_H
#define MV_BASE_FD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * fd: whole reads and writes on descriptors.
 *
 * All calls go on after EINTR and after short transfers.  `what` names the
 * file in error texts.
 */

/* Write all of buf.  ENOSPC and EDQUOT give MV_ENOSPC. */
int mv_fd_write(int fd, const void *buf, size_t len, const char *what,
    struct mv_err *err) MV_MUST_CHECK;

/* Read up to len bytes; fewer only at the end of the file. */
int mv_fd_read(int fd, void *buf, size_t len, size_t *got, const char *what,
    struct mv_err *err) MV_MUST_CHECK;
int mv_fd_pread(int fd, void *buf, size_t len, uint64_t offset, size_t *got,
    const char *what, struct mv_err *err) MV_MUST_CHECK;

/*
 * Wait until reading does not block, or the end is reached.  MV_EINTR once a
 * stop is requested, also when that came just before.
 */
int mv_fd_wait(int fd, const char *what, struct mv_err *err) MV_MUST_CHECK;

/* fsync, then close; *fd is -1 afterwards in any case. */
int mv_fd_sync_close(int *fd, const char *what, struct mv_err *err)
    MV_MUST_CHECK;

/* A sealed-off memory file (0600, close-on-exec) that holds buf, at offset 0. */
int mv_fd_memfd(const char *name, const void *buf, size_t len, int *out,
    struct mv_err *err) MV_MUST_CHECK;

#endif
