/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "tree/tree_internal.h"

/* The kernel's limits: XATTR_LIST_MAX and XATTR_SIZE_MAX. */
#define LIST_MAX 65536
#define VALUE_MAX 65536

static ssize_t
list(const struct mv_xattr_of *of, char *buf, size_t len)
{
	if (of->fd >= 0)
		return flistxattr(of->fd, buf, len);
	return of->follow ? listxattr(of->path, buf, len) :
	    llistxattr(of->path, buf, len);
}

static ssize_t
value(const struct mv_xattr_of *of, const char *name, uint8_t *buf, size_t len)
{
	if (of->fd >= 0)
		return fgetxattr(of->fd, name, buf, len);
	return of->follow ? getxattr(of->path, name, buf, len) :
	    lgetxattr(of->path, name, buf, len);
}

/*
 * Append name and value to store.  The spans hold offsets for now: store may
 * yet move.
 */
static int
read_one(const struct mv_xattr_of *of, const char *name, struct mv_entry *e,
    struct mv_buf *store, struct mv_err *err)
{
	struct mv_xattr *x;
	size_t name_len = strlen(name);
	ssize_t n;
	int rc;

	n = value(of, name, NULL, 0);
	if (n > VALUE_MAX)
		errno = E2BIG;
	if (n >= 0 && n <= VALUE_MAX) {
		if (mv_buf_reserve(store, name_len + VALUE_MAX) < 0)
			return mv_buf_failed(store, err);
		n = value(of, name, store->p + store->len + name_len,
		    VALUE_MAX);
	}
	/* Removed meanwhile: as if it had never been listed. */
	if (n < 0 && errno == ENODATA)
		return 0;
	if (n < 0 || n > VALUE_MAX)
		return mv_err_sys(err, "read attribute '%s'", name);
	rc = mv_entry_add_xattr(e, (struct mv_span){ NULL, name_len },
	    (struct mv_span){ NULL, (size_t)n }, err);
	if (rc < 0)
		return rc;
	x = &e->xattrs[e->nxattrs - 1];
	memcpy(store->p + store->len, name, name_len);
	x->name.p = (const uint8_t *)(uintptr_t)store->len;
	x->value.p = (const uint8_t *)(uintptr_t)(store->len + name_len);
	store->len += name_len + (size_t)n;
	return 0;
}

static int
by_name(const void *va, const void *vb)
{
	const struct mv_xattr *a = va, *b = vb;
	size_t n = a->name.len < b->name.len ? a->name.len : b->name.len;
	int d = memcmp(a->name.p, b->name.p, n);

	if (d != 0)
		return d;
	return a->name.len < b->name.len ? -1 : a->name.len > b->name.len;
}

int
mv_xattrs_read(const struct mv_xattr_of *of, struct mv_entry *e,
    struct mv_buf *store, struct mv_err *err)
{
	char names[4096], *p = names, *big = NULL;
	ssize_t n;
	size_t i;
	int rc = 0;

	n = list(of, names, sizeof(names));
	if (n < 0 && errno == ERANGE) {
		p = big = malloc(LIST_MAX);
		if (big == NULL)
			return mv_err_set(err, MV_ENOMEM, "list attributes");
		n = list(of, big, LIST_MAX);
	}
	if (n < 0 && errno != EOPNOTSUPP)
		rc = mv_err_sys(err, "list attributes");
	mv_buf_reset(store);
	e->nxattrs = 0;
	for (i = 0; rc == 0 && n > 0 && i < (size_t)n; i += strlen(p + i) + 1)
		rc = read_one(of, p + i, e, store, err);
	free(big);
	for (i = 0; i < e->nxattrs; i++) {
		e->xattrs[i].name.p = store->p + (uintptr_t)e->xattrs[i].name.p;
		e->xattrs[i].value.p =
		    store->p + (uintptr_t)e->xattrs[i].value.p;
	}
	if (e->nxattrs > 1)
		qsort(e->xattrs, e->nxattrs, sizeof(e->xattrs[0]), by_name);
	return rc;
}
