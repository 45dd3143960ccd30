/* SPDX-License-Identifier: MIT */
#include "store/store.h"

#include <assert.h>
#include <string.h>

#include "base/cleanup.h"

/* What most objects fit into, so that reading them takes one request. */
#define FIRST_READ (256 * 1024)

static int
claims(const struct mv_store_ops *ops, const char *url)
{
	size_t len = strlen(ops->scheme);

	return strncmp(url, ops->scheme, len) == 0 && url[len] == ':';
}

static int
unknown_scheme(const struct mv_store_ops *const backends[], const char *url,
    struct mv_err *err)
{
	char known[256];
	size_t i, used = 0, len;

	known[0] = '\0';
	for (i = 0; backends[i] != NULL; i++) {
		len = strlen(backends[i]->scheme);
		if (used + len + 5 > sizeof(known))
			break;
		if (used > 0) {
			known[used++] = ',';
			known[used++] = ' ';
		}
		memcpy(known + used, backends[i]->scheme, len);
		used += len;
		memcpy(known + used, ":", 2);
		used++;
	}
	/* Not the url: one with a password may have been mistyped. */
	return mv_err_set(err, MV_EUSAGE, "store url '%.*s...' begins with "
	    "none of %s", (int)strcspn(url, ":/@"), url, known);
}

int
mv_store_open(const struct mv_store_ops *const backends[], const char *url,
    struct mv_store **out, struct mv_err *err)
{
	size_t i;

	for (i = 0; backends[i] != NULL; i++)
		if (claims(backends[i], url))
			return backends[i]->open(url, out, err);
	return unknown_scheme(backends, url, err);
}

void
mv_store_free(struct mv_store *st)
{
	if (st != NULL)
		st->ops->free(st);
}

void
mv_store_freep(struct mv_store **st)
{
	mv_store_free(*st);
	*st = NULL;
}

static int
check_name(const char *name, struct mv_err *err)
{
	if (mv_store_name_ok(name))
		return 0;
	return mv_err_set(err, MV_EUSAGE, "'%.*s' is no name for an object",
	    MV_NAME_MAX, name);
}

int
mv_store_create(struct mv_store *st, struct mv_err *err)
{
	return mv_err_ctx(err, st->ops->create(st, err), "create '%s'",
	    st->url);
}

int
mv_store_put(struct mv_store *st, const char *name, const void *buf,
    size_t len, struct mv_err *err)
{
	int rc;

	rc = check_name(name, err);
	if (rc == 0)
		rc = st->ops->put(st, name, buf, len, err);
	return mv_err_ctx(err, rc, "put '%s' into '%s'", name, st->url);
}

int
mv_store_get(struct mv_store *st, const char *name, uint64_t offset,
    void *buf, size_t len, size_t *got, struct mv_err *err)
{
	int rc;

	rc = check_name(name, err);
	if (rc == 0)
		rc = st->ops->get(st, name, offset, buf, len, got, err);
	return mv_err_ctx(err, rc, "get '%s' from '%s'", name, st->url);
}

int
mv_store_size(struct mv_store *st, const char *name, uint64_t *out,
    struct mv_err *err)
{
	int rc;

	rc = check_name(name, err);
	if (rc == 0)
		rc = st->ops->size(st, name, out, err);
	return mv_err_ctx(err, rc, "size of '%s' in '%s'", name, st->url);
}

static int
too_long(struct mv_store *st, const char *name, size_t max,
    struct mv_err *err)
{
	return mv_err_set(err, MV_ECORRUPT,
	    "'%s' in '%s' is longer than %zu bytes", name, st->url, max);
}

/* Read at most len bytes at offset to the end of out. */
static int
append(struct mv_store *st, const char *name, uint64_t offset, size_t len,
    struct mv_buf *out, size_t *got, struct mv_err *err)
{
	int rc;

	if (mv_buf_reserve(out, len) < 0)
		return mv_err_set(err, MV_ENOMEM, "get '%s' from '%s'", name,
		    st->url);
	rc = mv_store_get(st, name, offset, out->p + out->len, len, got, err);
	if (rc < 0)
		return rc;
	out->len += *got;
	return 0;
}

int
mv_store_get_all(struct mv_store *st, const char *name, size_t max,
    struct mv_buf *out, struct mv_err *err)
{
	/* One byte more than is allowed tells when there is more. */
	size_t first = max < FIRST_READ ? max + 1 : FIRST_READ;
	size_t got, rest;
	uint64_t size;
	int rc;

	rc = append(st, name, 0, first, out, &got, err);
	if (rc < 0)
		return rc;
	if (got > max)
		return too_long(st, name, max, err);
	if (got < first)
		return 0;
	rc = mv_store_size(st, name, &size, err);
	if (rc < 0)
		return rc;
	if (size > max)
		return too_long(st, name, max, err);
	rest = (size_t)size - first;
	if (size < first || rest == 0)
		return 0;
	rc = append(st, name, first, rest, out, &got, err);
	if (rc < 0)
		return rc;
	if (got != rest)
		return mv_err_set(err, MV_EIO, "get '%s' from '%s': ended "
		    "%zu bytes early", name, st->url, rest - got);
	return 0;
}

int
mv_store_list(struct mv_store *st, const char *prefix,
    int (*each)(const char *name, uint64_t size, void *arg), void *arg,
    struct mv_err *err)
{
	size_t len = strlen(prefix);
	int rc;

	assert(len == 0 || prefix[len - 1] == '/');
	rc = st->ops->list(st, prefix, each, arg, err);
	/* each may have ended it for a reason that is no error. */
	if (err != NULL && err->code != MV_OK)
		return mv_err_ctx(err, rc, "list '%s' in '%s'", prefix,
		    st->url);
	return rc;
}

int
mv_store_remove(struct mv_store *st, const char *name, struct mv_err *err)
{
	int rc;

	rc = check_name(name, err);
	if (rc == 0)
		rc = st->ops->remove(st, name, err);
	return mv_err_ctx(err, rc, "remove '%s' from '%s'", name, st->url);
}

int
mv_store_space(struct mv_store *st, uint64_t *free_bytes,
    uint64_t *total_bytes, struct mv_err *err)
{
	return mv_err_ctx(err, st->ops->space(st, free_bytes, total_bytes, err),
	    "space in '%s'", st->url);
}
