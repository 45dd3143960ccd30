/* SPDX-License-Identifier: MIT */
#include "job/select.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void
mv_select_clear(struct mv_select *s)
{
	mv_buf_clear(&s->dirs);
	free(s->starts);
	s->starts = NULL;
	s->ndirs = s->cap = s->passed = 0;
}

static bool
fits_one(const char *glob, char *path, size_t len)
{
	char *end = path + len;

	/* "media/" and "media" mean the same directory. */
	for (;;) {
		if (fnmatch(glob, path, 0) == 0)
			return true;
		while (end > path && *end != '/')
			end--;
		if (end == path)
			return false;
		*end = '\0';
	}
}

bool
mv_select_fits(const struct mv_select *s, struct mv_span path)
{
	char copy[MV_PATH_MAX + 1], glob[MV_PATH_MAX + 1];
	size_t i, n;

	if (s->globs == NULL || s->globs[0] == NULL)
		return true;
	for (i = 0; s->globs[i] != NULL; i++) {
		n = strlen(s->globs[i]);
		while (n > 1 && s->globs[i][n - 1] == '/')
			n--;
		if (n > MV_PATH_MAX || path.len > MV_PATH_MAX)
			continue;
		memcpy(glob, s->globs[i], n);
		glob[n] = '\0';
		if (path.len > 0)
			memcpy(copy, path.p, path.len);
		copy[path.len] = '\0';
		if (fits_one(glob, copy, path.len))
			return true;
	}
	return false;
}

static struct mv_span
held_path(const struct mv_select *s, size_t i, struct mv_entry *e)
{
	struct mv_cur c = mv_cur_of(s->dirs.p + s->starts[i],
	    s->dirs.len - s->starts[i]);

	if (mv_entry_decode(&c, e, NULL) < 0)
		return (struct mv_span){ NULL, 0 };
	return e->path;
}

/* Forget directories that are not above path. */
static void
drop_left(struct mv_select *s, struct mv_span path)
{
	mv_auto(mv_entry_clear) struct mv_entry e = { 0 };

	while (s->ndirs > 0 && !mv_path_is_beneath(path,
	    held_path(s, s->ndirs - 1, &e)))
		s->dirs.len = s->starts[--s->ndirs];
	if (s->passed > s->ndirs)
		s->passed = s->ndirs;
}

int
mv_select_hold(struct mv_select *s, const struct mv_entry *dir,
    struct mv_err *err)
{
	size_t *grown;

	drop_left(s, dir->path);
	if (s->ndirs == s->cap) {
		grown = realloc(s->starts, (s->cap + 16) * sizeof(*grown));
		if (grown == NULL)
			return mv_err_set(err, MV_ENOMEM, "hold a directory");
		s->starts = grown;
		s->cap += 16;
	}
	s->starts[s->ndirs++] = s->dirs.len;
	return mv_entry_encode(dir, &s->dirs, err);
}

int
mv_select_pass(struct mv_select *s, struct mv_span path,
    int (*each)(const struct mv_entry *dir, void *arg, struct mv_err *err),
    void *arg, struct mv_err *err)
{
	mv_auto(mv_entry_clear) struct mv_entry e = { 0 };
	int rc;

	drop_left(s, path);
	for (; s->passed < s->ndirs; s->passed++) {
		(void)held_path(s, s->passed, &e);
		rc = each(&e, arg, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}
