/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/manifest.h"

/* The longest record with its length, and as much again to read ahead. */
#define WINDOW ((size_t)2 * (MV_ENTRY_MAX + 3))
/* Enough for most records; the window grows only for those that need it. */
#define WINDOW_FIRST ((size_t)128 << 10)

struct mv_manifest_reader {
	struct mv_source src;
	uint8_t *window;
	size_t cap;
	size_t at;		/* first byte not yet decoded */
	size_t end;
	bool ended;		/* the source has no more */
	bool started;
	struct mv_entry entry;
	size_t last_len;	/* path of the record before */
	size_t dir_len;		/* of last: the directory that we are in */
	uint8_t last[MV_PATH_MAX];
};

int
mv_manifest_reader_new(struct mv_source src, struct mv_manifest_reader **out,
    struct mv_err *err)
{
	mv_auto(mv_manifest_reader_freep) struct mv_manifest_reader *r = NULL;

	r = calloc(1, sizeof(*r));
	if (r != NULL)
		r->window = malloc(WINDOW_FIRST);
	if (r == NULL || r->window == NULL)
		return mv_err_set(err, MV_ENOMEM, "read manifest");
	r->src = src;
	r->cap = WINDOW_FIRST;
	*out = mv_take(&r);
	return 0;
}

/* Make room behind end: move down what is left, then grow. */
static int
make_room(struct mv_manifest_reader *r, struct mv_err *err)
{
	uint8_t *p;

	memmove(r->window, r->window + r->at, r->end - r->at);
	r->end -= r->at;
	r->at = 0;
	if (r->end < r->cap)
		return 0;
	p = realloc(r->window, WINDOW);
	if (p == NULL)
		return mv_err_set(err, MV_ENOMEM, "read manifest");
	r->window = p;
	r->cap = WINDOW;
	return 0;
}

/* Have at least want bytes in the window, unless the source ends before. */
static int
fill(struct mv_manifest_reader *r, size_t want, struct mv_err *err)
{
	size_t got;
	int rc;

	while (r->end - r->at < want && !r->ended) {
		if (r->end == r->cap || r->at + want > r->cap) {
			rc = make_room(r, err);
			if (rc < 0)
				return rc;
		}
		rc = r->src.read(r->src.arg, r->window + r->end,
		    r->cap - r->end, &got, err);
		if (rc < 0)
			return mv_err_ctx(err, rc, "read manifest");
		r->end += got;
		r->ended = got == 0;
	}
	return 0;
}

/* Have one whole record in the window, if there is one. */
static int
fill_record(struct mv_manifest_reader *r, struct mv_err *err)
{
	struct mv_cur c;
	uint64_t len;
	int rc;

	rc = fill(r, 3, err);
	if (rc < 0)
		return rc;
	c = mv_cur_of(r->window + r->at, r->end - r->at);
	len = mv_cur_varint(&c);
	if (c.failed || len > MV_ENTRY_MAX)
		return mv_err_set(err, MV_ECORRUPT,
		    "manifest record: bad length");
	return fill(r, r->end - r->at - c.left + (size_t)len, err);
}

/*
 * Because everything between a directory and what is in it lies beneath that
 * directory too, the parent was seen just when it is the directory we are in
 * or one of those above.
 */
static int
check_place(struct mv_manifest_reader *r, struct mv_err *err)
{
	struct mv_span path = r->entry.path;
	struct mv_span parent = mv_path_parent(path);
	struct mv_span last = { r->last, r->last_len };
	struct mv_span dir = { r->last, r->dir_len };
	char shown[MV_PATH_SHOW];

	if (!r->started && path.len > 0)
		return mv_err_set(err, MV_ECORRUPT,
		    "manifest begins with '%s', not with its root",
		    mv_path_show(path, shown));
	if (r->started && mv_path_cmp(last, path) >= 0)
		return mv_err_set(err, MV_ECORRUPT,
		    "manifest record '%s' is out of order",
		    mv_path_show(path, shown));
	if (parent.len > dir.len || (parent.len > 0 &&
	    mv_path_cmp(parent, dir) != 0 && !mv_path_is_beneath(dir, parent)))
		return mv_err_set(err, MV_ECORRUPT,
		    "manifest record '%s' is in no directory",
		    mv_path_show(path, shown));
	return 0;
}

static void
remember(struct mv_manifest_reader *r)
{
	struct mv_span path = r->entry.path;

	if (path.len > 0)
		memcpy(r->last, path.p, path.len);
	r->last_len = path.len;
	r->dir_len = r->entry.type == MV_ENTRY_DIR ?
	    path.len : mv_path_parent(path).len;
	r->started = true;
}

int
mv_manifest_next(struct mv_manifest_reader *r, const struct mv_entry **out,
    struct mv_err *err)
{
	struct mv_cur c;
	int rc;

	rc = fill(r, 1, err);
	if (rc < 0)
		return rc;
	if (r->at == r->end) {
		if (!r->started)
			return mv_err_set(err, MV_ECORRUPT,
			    "manifest without a root");
		return 0;
	}
	rc = fill_record(r, err);
	if (rc < 0)
		return rc;
	c = mv_cur_of(r->window + r->at, r->end - r->at);
	rc = mv_entry_decode(&c, &r->entry, err);
	if (rc == 0)
		rc = check_place(r, err);
	if (rc < 0)
		return rc;
	r->at = r->end - c.left;
	remember(r);
	*out = &r->entry;
	return 1;
}

void
mv_manifest_reader_free(struct mv_manifest_reader *r)
{
	if (r == NULL)
		return;
	mv_entry_clear(&r->entry);
	free(r->window);
	free(r);
}

void
mv_manifest_reader_freep(struct mv_manifest_reader **r)
{
	mv_manifest_reader_free(*r);
}
