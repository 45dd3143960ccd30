/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tree/tree_internal.h"

static int
add(struct mv_dirlist *d, const struct dirent64 *de)
{
	struct mv_dirlist_item *items;
	size_t len = strlen(de->d_name), at = d->text.len, cap;
	const char *last;

	if (d->n == d->cap) {
		cap = d->cap > 0 ? d->cap * 2 : 32;
		items = reallocarray(d->items, cap, sizeof(*items));
		if (items == NULL)
			return -1;
		d->items = items;
		d->cap = cap;
	}
	mv_buf_put(&d->text, de->d_name, len + 1);
	if (d->text.failed)
		return -1;
	if (d->n > 0) {
		last = (const char *)d->text.p + d->items[d->n - 1].at;
		d->sorted = d->sorted && strcmp(last, de->d_name) < 0;
	}
	d->items[d->n++] = (struct mv_dirlist_item){ at, (uint32_t)len,
	    de->d_type };
	return 0;
}

static int
by_name(const void *va, const void *vb, void *text)
{
	const struct mv_dirlist_item *a = va, *b = vb;

	return strcmp((const char *)text + a->at, (const char *)text + b->at);
}

static int
add_all(struct mv_dirlist *d, const char *entries, ssize_t len)
{
	const struct dirent64 *de;
	ssize_t at;

	for (at = 0; at < len; at += de->d_reclen) {
		de = (const void *)(entries + at);
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		if (add(d, de) < 0) {
			errno = ENOMEM;
			return -1;
		}
	}
	return 0;
}

int
mv_dirlist_load(struct mv_dirlist *d, int fd, void *scratch,
    size_t scratch_len)
{
	ssize_t n;

	d->n = 0;
	d->sorted = true;
	mv_buf_reset(&d->text);
	while ((n = getdents64(fd, scratch, scratch_len)) > 0)
		if (add_all(d, scratch, n) < 0) {
			n = -1;
			break;
		}
	if (!d->sorted)
		qsort_r(d->items, d->n, sizeof(d->items[0]), by_name,
		    d->text.p);
	return n < 0 ? -1 : 0;
}

void
mv_dirlist_clear(struct mv_dirlist *d)
{
	free(d->items);
	mv_buf_clear(&d->text);
	*d = (struct mv_dirlist){ 0 };
}
