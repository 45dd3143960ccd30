/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "secret/secret.h"

#define FIRST_CAP 4096

/* Room for more bytes, by copying, wiping and freeing. */
static int
reserve(struct mv_sbuf *b, size_t more, struct mv_err *err)
{
	size_t cap = b->cap > 0 ? b->cap : FIRST_CAP;
	uint8_t *p;

	if (more <= b->cap - b->len)
		return 0;
	if (more > SIZE_MAX / 4 - b->len)
		return mv_err_set(err, MV_ENOMEM, "secret of %zu bytes", more);
	while (cap < b->len + more)
		cap *= 2;
	p = sodium_malloc(cap);
	if (p == NULL)
		return mv_err_set(err, MV_ENOMEM, "secret of %zu bytes", cap);
	if (b->len > 0)
		memcpy(p, b->p, b->len);
	sodium_free(b->p);
	b->p = p;
	b->cap = cap;
	return 0;
}

int
mv_sbuf_put(struct mv_sbuf *b, const void *p, size_t len, struct mv_err *err)
{
	int rc;

	if (len == 0)
		return 0;
	rc = reserve(b, len, err);
	if (rc < 0)
		return rc;
	memcpy(b->p + b->len, p, len);
	b->len += len;
	return 0;
}

int
mv_sbuf_extend(struct mv_sbuf *b, size_t len, uint8_t **p, struct mv_err *err)
{
	int rc;

	rc = reserve(b, len > 0 ? len : 1, err);
	if (rc < 0)
		return rc;
	*p = b->p + b->len;
	memset(*p, 0, len);
	b->len += len;
	return 0;
}

void
mv_sbuf_reset(struct mv_sbuf *b)
{
	if (b->len > 0)
		sodium_memzero(b->p, b->len);
	b->len = 0;
}

void
mv_sbuf_clear(struct mv_sbuf *b)
{
	sodium_free(b->p);
	*b = (struct mv_sbuf){ 0 };
}

/*
 * Straight into locked memory: no stdio, no buffer between.  What was read
 * before a failure stays in b, for the caller to clear.
 */
int
mv_sbuf_read_fd(struct mv_sbuf *b, int fd, size_t max, const char *what,
    struct mv_err *err)
{
	size_t total = 0;
	ssize_t n;
	int rc;

	for (;;) {
		rc = reserve(b, FIRST_CAP, err);
		if (rc < 0)
			return mv_err_ctx(err, rc, "read '%s'", what);
		rc = mv_fd_wait(fd, what, err);
		if (rc < 0)
			return rc;
		n = read(fd, b->p + b->len, b->cap - b->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mv_err_sys(err, "read '%s'", what);
		if (n == 0)
			return 0;
		b->len += (size_t)n;
		total += (size_t)n;
		if (total > max)
			return mv_err_set(err, MV_EUSAGE,
			    "'%s' is longer than %zu bytes", what, max);
	}
}

int
mv_sbuf_read_file(struct mv_sbuf *b, const char *path, size_t max,
    struct mv_err *err)
{
	mv_auto(mv_fd_closep) int fd = -1;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return mv_err_sys(err, "open '%s'", path);
	return mv_sbuf_read_fd(b, fd, max, path, err);
}
