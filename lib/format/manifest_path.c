/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "format/manifest.h"

int
mv_path_cmp(struct mv_span a, struct mv_span b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	size_t i;

	for (i = 0; i < n; i++) {
		if (a.p[i] == b.p[i])
			continue;
		/* No path holds a NUL, so '/' may take its place. */
		if (a.p[i] == '/')
			return -1;
		if (b.p[i] == '/')
			return 1;
		return a.p[i] < b.p[i] ? -1 : 1;
	}
	return a.len < b.len ? -1 : a.len > b.len;
}

bool
mv_path_is_beneath(struct mv_span path, struct mv_span dir)
{
	if (dir.len == 0)
		return path.len > 0;
	return path.len > dir.len && path.p[dir.len] == '/' &&
	    memcmp(path.p, dir.p, dir.len) == 0;
}

struct mv_span
mv_path_parent(struct mv_span path)
{
	const uint8_t *slash = NULL;

	if (path.len > 0)
		slash = memrchr(path.p, '/', path.len);
	path.len = slash != NULL ? (size_t)(slash - path.p) : 0;
	return path;
}

static bool
name_is_valid(const uint8_t *p, size_t len)
{
	if (len < 1 || len > MV_PATH_NAME_MAX || memchr(p, '\0', len) != NULL)
		return false;
	return !(p[0] == '.' && (len == 1 || (len == 2 && p[1] == '.')));
}

bool
mv_path_is_valid(struct mv_span path)
{
	const uint8_t *p = path.p, *end, *slash;

	if (path.len == 0)
		return true;
	if (path.len > MV_PATH_MAX)
		return false;
	end = p + path.len;
	for (;;) {
		slash = memchr(p, '/', (size_t)(end - p));
		if (slash == NULL)
			return name_is_valid(p, (size_t)(end - p));
		if (!name_is_valid(p, (size_t)(slash - p)))
			return false;
		p = slash + 1;
	}
}

const char *
mv_path_show(struct mv_span path, char out[MV_PATH_SHOW])
{
	size_t i, used = 0;

	if (path.len == 0)
		memcpy(out, ".", 2);
	for (i = 0; i < path.len; i++) {
		uint8_t c = path.p[i];

		/* Room for one escape, the dots and the NUL. */
		if (used > MV_PATH_SHOW - 8) {
			memcpy(out + used, "...", 4);
			return out;
		}
		if (c >= 0x20 && c < 0x7f && c != '\\') {
			out[used++] = (char)c;
			out[used] = '\0';
		} else {
			(void)snprintf(out + used, 5, "\\x%02x", c);
			used += 4;
		}
	}
	return out;
}
