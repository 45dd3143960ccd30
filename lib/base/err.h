/* SPDX-License-Identifier: MIT */
#ifndef MV_BASE_ERR_H
#define MV_BASE_ERR_H

#include <stdarg.h>
#include <stddef.h>

/*
 * err: what a function says when it fails.
 *
 * Functions return 0 or a negative enum mv_code, and describe the failure in
 * the struct mv_err that the caller passed last.  A code tells the caller
 * what it can do next; the text tells a person what happened.  The struct
 * lives in the caller's frame: it needs no release, cannot leak, works when
 * memory is out and is safe with threads.
 *
 * Frames are stored cause first, so a full buffer loses the outermost frames
 * and never the cause.  Callees only write; NULL discards; nothing is written
 * on success.  Setting an error that is already set is an assertion failure:
 * clean-up code passes NULL.
 */
enum mv_code {
	MV_OK = 0,
	MV_EIO = -1,		/* the outside world failed: pass it on */
	MV_ENOMEM = -2,
	MV_EUSAGE = -3,		/* the user asked for something impossible */
	MV_ENOTFOUND = -4,
	MV_EEXIST = -5,
	MV_EAUTH = -6,		/* wrong key, passphrase or permission */
	MV_ECORRUPT = -7,	/* bytes are not what they must be: no retry */
	MV_EAGAIN = -8,		/* a retry may help */
	MV_ENOSPC = -9,		/* no room left, or min-free reached */
	MV_EINTR = -10,		/* the user or the system asked us to stop */
	MV_ECHANGED = -11,	/* the source changed beneath us */
	MV_EREFUSED = -12,	/* we could, but it would be dangerous */
	MV_ENOREPO = -13,	/* no repository there */
};

#define MV_ERR_TEXT_MAX 1024
#define MV_ERR_FRAMES_MAX 12

struct mv_err {
	enum mv_code code;	/* MV_OK while nothing is set */
	int sys_errno;		/* 0 unless a system call failed */
	const char *file;	/* where it was first set */
	int line;
	unsigned nframes;
	size_t used;
	char text[MV_ERR_TEXT_MAX];	/* NUL-terminated frames, cause first */
};

#define MV_MUST_CHECK __attribute__((warn_unused_result))
#define MV_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

/* Set the cause.  Returns code, so that callers can `return mv_err_set(...)`. */
#define mv_err_set(err, code, ...) \
	mv_err_set_at((err), (code), 0, __FILE__, __LINE__, __VA_ARGS__)

/*
 * Set the cause from errno, whose text is appended.  The code follows from
 * errno: ENOMEM, ENOENT, EEXIST, EACCES/EPERM, ENOSPC/EDQUOT have their own;
 * all others are MV_EIO.
 */
#define mv_err_sys(err, ...) \
	mv_err_sys_at((err), __FILE__, __LINE__, __VA_ARGS__)

/* Add an outer frame and return rc unchanged; the code too, if none is set. */
int mv_err_ctx(struct mv_err *err, int rc, const char *fmt, ...)
    MV_PRINTF(3, 4);

int mv_err_set_at(struct mv_err *err, int code, int sys_errno,
    const char *file, int line, const char *fmt, ...) MV_PRINTF(6, 7);
int mv_err_sys_at(struct mv_err *err, const char *file, int line,
    const char *fmt, ...) MV_PRINTF(4, 5);

/* Forget what is set, for a caller that handled it. */
void mv_err_clear(struct mv_err *err);

/*
 * Write all frames into buf, outermost first, joined by ": ", always
 * NUL-terminated.  Returns the length written (cut to fit).
 */
size_t mv_err_text(const struct mv_err *err, char *buf, size_t len);

/* The name of a code, for logs and tests: "MV_EIO". */
const char *mv_code_name(int code);

#endif
