/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tree/extract_internal.h"

void
mv_path_name(struct mv_span path, char out[MV_PATH_NAME_MAX + 1])
{
	size_t parent = mv_path_parent(path).len;
	size_t at = parent > 0 ? parent + 1 : 0;

	memcpy(out, path.p + at, path.len - at);
	out[path.len - at] = '\0';
}

/* Close what is not on the way to path. */
static void
shorten(struct mv_beneath *b, struct mv_span path)
{
	mv_fd_closep(&b->leaf);
	while (b->n > 0) {
		struct mv_span dir = { b->path, b->v[b->n - 1].len };

		if (mv_path_is_beneath(path, dir) || (path.len == dir.len &&
		    memcmp(path.p, dir.p, dir.len) == 0))
			return;
		mv_fd_closep(&b->v[--b->n].fd);
	}
}

static int
open_dir(int from, const char *name, bool make)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(from, name, flags);

	if (fd >= 0 || errno != ENOENT || !make)
		return fd;
	if (mkdirat(from, name, 0700) < 0 && errno != EEXIST)
		return -1;
	return openat(from, name, flags);
}

static int
open_failed(struct mv_span path, struct mv_err *err)
{
	char shown[MV_PATH_SHOW];

	if (errno == ELOOP || errno == ENOTDIR)
		return mv_err_set(err, MV_EEXIST,
		    "'%s' is there and is no directory",
		    mv_path_show(path, shown));
	return mv_err_sys(err, "open directory '%s'",
	    mv_path_show(path, shown));
}

int
mv_beneath_open(struct mv_beneath *b, struct mv_span path, bool make,
    int *out, struct mv_err *err)
{
	char name[MV_PATH_NAME_MAX + 1];
	struct mv_span part = path;
	const uint8_t *slash;
	int from, fd;
	size_t at;

	shorten(b, path);
	from = b->n > 0 ? b->v[b->n - 1].fd : b->root;
	at = b->n > 0 ? b->v[b->n - 1].len : 0;
	while (at < path.len) {
		slash = memchr(path.p + at + 1, '/', path.len - at - 1);
		at = slash != NULL ? (size_t)(slash - path.p) : path.len;
		part.len = at;
		mv_path_name(part, name);
		fd = open_dir(from, name, make);
		if (fd < 0)
			return open_failed(part, err);
		from = fd;
		if (b->n == BENEATH_OPEN) {
			mv_fd_closep(&b->leaf);
			b->leaf = fd;
			continue;
		}
		memcpy(b->path, path.p, at);
		b->v[b->n].len = at;
		b->v[b->n++].fd = fd;
	}
	*out = from;
	return 0;
}

void
mv_beneath_clear(struct mv_beneath *b)
{
	mv_fd_closep(&b->leaf);
	while (b->n > 0)
		mv_fd_closep(&b->v[--b->n].fd);
}
