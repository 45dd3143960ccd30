/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	int code;
	const char *name;
} names[] = {
	{ MV_OK, "MV_OK" },
	{ MV_EIO, "MV_EIO" },
	{ MV_ENOMEM, "MV_ENOMEM" },
	{ MV_EUSAGE, "MV_EUSAGE" },
	{ MV_ENOTFOUND, "MV_ENOTFOUND" },
	{ MV_EEXIST, "MV_EEXIST" },
	{ MV_EAUTH, "MV_EAUTH" },
	{ MV_ECORRUPT, "MV_ECORRUPT" },
	{ MV_EAGAIN, "MV_EAGAIN" },
	{ MV_ENOSPC, "MV_ENOSPC" },
	{ MV_EINTR, "MV_EINTR" },
	{ MV_ECHANGED, "MV_ECHANGED" },
	{ MV_EREFUSED, "MV_EREFUSED" },
	{ MV_ENOREPO, "MV_ENOREPO" },
};

static void push_frame(struct mv_err *err, const char *fmt, va_list ap)
    MV_PRINTF(2, 0);
static void set_cause(struct mv_err *err, int code, int sys_errno,
    const char *file, int line, const char *fmt, va_list ap) MV_PRINTF(6, 0);

/* Append one frame; what does not fit is cut, and a frame with no room left out. */
static void
push_frame(struct mv_err *err, const char *fmt, va_list ap)
{
	size_t room = sizeof(err->text) - err->used;
	int n;

	if (room < 2 || err->nframes == MV_ERR_FRAMES_MAX)
		return;
	n = vsnprintf(err->text + err->used, room, fmt, ap);
	if (n < 0)
		return;
	err->used += ((size_t)n < room ? (size_t)n : room - 1) + 1;
	err->nframes++;
}

static enum mv_code
code_of_errno(int e)
{
	switch (e) {
	case ENOMEM:
		return MV_ENOMEM;
	case ENOENT:
		return MV_ENOTFOUND;
	case EEXIST:
		return MV_EEXIST;
	case EACCES:
	case EPERM:
		return MV_EAUTH;
	case ENOSPC:
	case EDQUOT:
		return MV_ENOSPC;
	default:
		return MV_EIO;
	}
}

static void
set_cause(struct mv_err *err, int code, int sys_errno, const char *file,
    int line, const char *fmt, va_list ap)
{
	assert(code < 0);
	assert(err->code == MV_OK);
	err->code = code;
	err->sys_errno = sys_errno;
	err->file = file;
	err->line = line;
	err->nframes = 0;
	err->used = 0;
	push_frame(err, fmt, ap);
}

int
mv_err_set_at(struct mv_err *err, int code, int sys_errno, const char *file,
    int line, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return code;
	va_start(ap, fmt);
	set_cause(err, code, sys_errno, file, line, fmt, ap);
	va_end(ap);
	return code;
}

int
mv_err_sys_at(struct mv_err *err, const char *file, int line, const char *fmt,
    ...)
{
	int e = errno;
	enum mv_code code = code_of_errno(e);
	char what[MV_ERR_TEXT_MAX / 2], why[128];
	va_list ap;

	if (err == NULL)
		return code;
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return mv_err_set_at(err, code, e, file, line, "%s: %s", what,
	    strerror_r(e, why, sizeof(why)));
}

int
mv_err_ctx(struct mv_err *err, int rc, const char *fmt, ...)
{
	va_list ap;

	/* Callbacks end a loop with results above 0: those are no failures. */
	if (err == NULL || rc >= 0)
		return rc;
	/* Somebody who had only a code to give, as a callback may. */
	if (err->code == MV_OK)
		err->code = rc;
	va_start(ap, fmt);
	push_frame(err, fmt, ap);
	va_end(ap);
	return rc;
}

void
mv_err_clear(struct mv_err *err)
{
	err->code = MV_OK;
	err->sys_errno = 0;
	err->nframes = 0;
	err->used = 0;
}

/* The start of frame number i, counted from the cause. */
static const char *
frame(const struct mv_err *err, unsigned i)
{
	const char *p = err->text;

	while (i-- > 0)
		p += strlen(p) + 1;
	return p;
}

size_t
mv_err_text(const struct mv_err *err, char *buf, size_t len)
{
	size_t used = 0;
	unsigned i;
	int n;

	assert(len > 0);
	buf[0] = '\0';
	for (i = err->nframes; i-- > 0;) {
		n = snprintf(buf + used, len - used, "%s%s",
		    used > 0 ? ": " : "", frame(err, i));
		if (n < 0 || (size_t)n >= len - used)
			return len - 1;
		used += (size_t)n;
	}
	return used;
}

const char *
mv_code_name(int code)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].code == code)
			return names[i].name;
	return "unknown";
}
