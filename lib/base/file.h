/* SPDX-License-Identifier: MIT */
#ifndef MV_BASE_FILE_H
#define MV_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * file: small files as wholes, and directories.
 */

/*
 * Replace path with buf so that a crash at any instruction leaves the old or
 * the new file: temporary in the same directory, fsync, rename, fsync of the
 * directory.  The new file has exactly mode; owner and group are kept when
 * uid and gid are not -1.  A symbolic link stays, and what it points to is
 * replaced.
 */
int mv_file_replace(const char *path, const void *buf, size_t len, mode_t mode,
    uid_t uid, gid_t gid, struct mv_err *err) MV_MUST_CHECK;

/* The same, but MV_EEXIST when path is there already. */
int mv_file_create(const char *path, const void *buf, size_t len, mode_t mode,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * The same, owned as the directory is: what root makes for somebody else must
 * be readable to them.  For others than root it is theirs.
 */
int mv_file_create_there(const char *path, const void *buf, size_t len,
    mode_t mode, struct mv_err *err) MV_MUST_CHECK;

/* Append the whole of path to out; MV_EUSAGE when it is longer than max. */
int mv_file_read(const char *path, size_t max, struct mv_buf *out,
    struct mv_err *err) MV_MUST_CHECK;

/* fsync a directory, which makes the names in it durable. */
int mv_dir_sync(const char *path, struct mv_err *err) MV_MUST_CHECK;

/* mkdir -p, durable; directories that it makes have mode. */
int mv_dir_make(const char *path, mode_t mode, struct mv_err *err)
    MV_MUST_CHECK;

/*
 * Take the exclusive lock file path (made if absent), without waiting:
 * MV_EAGAIN when somebody else holds it.  Closing *fd releases it.
 */
int mv_file_lock(const char *path, int *fd, struct mv_err *err) MV_MUST_CHECK;

#endif
