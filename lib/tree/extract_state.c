/* SPDX-License-Identifier: MIT */
/* What an extraction remembers on its way: open directories, refused files. */
#include <stdlib.h>

#include "tree/extract_internal.h"

int
mv_extract_exists(const struct mv_entry *e, const char *what,
    struct mv_err *err)
{
	char shown[MV_PATH_SHOW];

	return mv_err_set(err, MV_EEXIST, "'%s' %s",
	    mv_path_show(e->path, shown), what);
}

static int
add_offset(size_t **at, size_t *n, size_t *cap, size_t start,
    struct mv_err *err)
{
	size_t want = *cap > 0 ? *cap * 2 : 16;
	size_t *v;

	if (*n == *cap) {
		v = reallocarray(*at, want, sizeof(*v));
		if (v == NULL)
			return mv_err_set(err, MV_ENOMEM, "extract");
		*at = v;
		*cap = want;
	}
	(*at)[(*n)++] = start;
	return 0;
}

static struct mv_span
refused_path(const struct mv_extract *x, size_t i)
{
	size_t end = i + 1 < x->nrefused ? x->refused_at[i + 1] :
	    x->refused.len;

	return (struct mv_span){ x->refused.p + x->refused_at[i],
	    end - x->refused_at[i] };
}

bool
mv_extract_was_refused(const struct mv_extract *x, struct mv_span path)
{
	size_t low = 0, high = x->nrefused, mid;
	int d;

	while (low < high) {
		mid = low + (high - low) / 2;
		d = mv_path_cmp(path, refused_path(x, mid));
		if (d == 0)
			return true;
		if (d < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}

int
mv_extract_refuse(struct mv_extract *x, const struct mv_entry *e,
    struct mv_err *err)
{
	size_t start = x->refused.len;
	int rc;

	/* Twice the same in a row: refused by us, and then by the caller. */
	if (x->nrefused > 0 &&
	    mv_path_cmp(refused_path(x, x->nrefused - 1), e->path) >= 0)
		return 0;
	mv_buf_put(&x->refused, e->path.p, e->path.len);
	rc = mv_buf_failed(&x->refused, err);
	if (rc == 0)
		rc = add_offset(&x->refused_at, &x->nrefused, &x->refused_cap,
		    start, err);
	return rc;
}

int
mv_extract_enter(struct mv_extract *x, const struct mv_entry *e,
    struct mv_err *err)
{
	size_t start = x->pending.len;
	int rc;

	rc = mv_entry_encode(e, &x->pending, err);
	if (rc == 0)
		rc = add_offset(&x->pending_at, &x->npending, &x->pending_cap,
		    start, err);
	return rc;
}

/* Take the innermost directory off the stack into x->dir. */
static int
decode_top(struct mv_extract *x, struct mv_err *err)
{
	size_t at = x->pending_at[x->npending - 1];
	struct mv_cur c = mv_cur_of(x->pending.p + at, x->pending.len - at);

	return mv_entry_decode(&c, &x->dir, err);
}

int
mv_extract_leave(struct mv_extract *x, struct mv_span path,
    struct mv_err *err)
{
	int fd, rc;

	while (x->npending > 0) {
		rc = decode_top(x, err);
		if (rc < 0)
			return rc;
		if (mv_path_is_beneath(path, x->dir.path))
			return 0;
		rc = mv_beneath_open(&x->dirs, x->dir.path, false, &fd, err);
		if (rc == 0)
			rc = mv_extract_apply(x, &x->dir, fd, err);
		if (rc < 0)
			return rc;
		x->pending.len = x->pending_at[--x->npending];
	}
	return 0;
}
