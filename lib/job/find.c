/* SPDX-License-Identifier: MIT */
#include "job/find.h"

#include <fnmatch.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/stop.h"
#include "job/media_in.h"

/* Glob without "./" before and '/' behind; false when nothing is left. */
static bool
plain_glob(const char *glob, char out[MV_PATH_MAX + 1])
{
	size_t n;

	while (glob[0] == '.' && glob[1] == '/')
		glob += 2;
	n = strlen(glob);
	while (n > 1 && glob[n - 1] == '/')
		n--;
	if (n == 0 || n > MV_PATH_MAX)
		return false;
	memcpy(out, glob, n);
	out[n] = '\0';
	return true;
}

bool
mv_find_fits(const struct mv_find *f, struct mv_span path)
{
	char whole[MV_PATH_MAX + 1], glob[MV_PATH_MAX + 1];
	const char *slash, *base;
	size_t i;

	if (path.len == 0 || path.len > MV_PATH_MAX)
		return false;
	memcpy(whole, path.p, path.len);
	whole[path.len] = '\0';
	slash = strrchr(whole, '/');
	base = slash != NULL ? slash + 1 : whole;
	for (i = 0; f->globs[i] != NULL; i++)
		if (plain_glob(f->globs[i], glob) && fnmatch(glob,
		    strchr(glob, '/') != NULL ? whole : base,
		    f->fold ? FNM_CASEFOLD : 0) == 0)
			return true;
	return false;
}

/*
 * When no glob has a wildcard and each is a whole path, the last of them in
 * the manifest's order: what comes behind it need not be read.
 */
static struct mv_span
last_path(const struct mv_find *f)
{
	struct mv_span last = { NULL, 0 }, p;
	size_t i;

	for (i = 0; f->globs[i] != NULL; i++) {
		p = (struct mv_span){ (const uint8_t *)f->globs[i],
		    strlen(f->globs[i]) };
		if (f->fold || strpbrk(f->globs[i], "*?[\\") != NULL ||
		    strchr(f->globs[i], '/') == NULL || !mv_path_is_valid(p))
			return (struct mv_span){ NULL, 0 };
		if (last.p == NULL || mv_path_cmp(p, last) > 0)
			last = p;
	}
	return last;
}

int
mv_job_find(struct mv_repo *r, const struct mv_snapshot *snap,
    const struct mv_find *f,
    int (*each)(const struct mv_entry *e, void *arg, struct mv_err *err),
    void *arg, struct mv_err *err)
{
	mv_auto(mv_media_in_clear) struct mv_media_in m = { 0 };
	struct mv_span last = last_path(f);
	const struct mv_entry *e = NULL;
	int rc;

	rc = mv_media_in_open(r, snap, &m, err);
	if (rc < 0)
		return rc;
	while ((rc = mv_manifest_next(m.manifest, &e, err)) == 1) {
		rc = mv_stop_check(err);
		if (rc == 0 && mv_find_fits(f, e->path))
			rc = each(e, arg, err);
		if (rc != 0)
			return rc;
		if (last.p != NULL && mv_path_cmp(e->path, last) >= 0)
			return 0;
	}
	return rc;
}
