/* SPDX-License-Identifier: MIT */
#include "format/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* docs/format.md: a record's flags. */
#define HAS_OWNER 0x01
#define HAS_GROUP 0x02
#define HAS_XATTRS 0x04
#define HAS_EXTENTS 0x08
#define HAS_ALL 0x0f

#define USER_NAME_MAX 255
#define NSEC_MAX 999999999

static int
grow(void **p, size_t *cap, size_t n, size_t size, struct mv_err *err)
{
	size_t want = *cap > 0 ? *cap * 2 : 4;
	void *bigger;

	if (n < *cap)
		return 0;
	bigger = reallocarray(*p, want, size);
	if (bigger == NULL)
		return mv_err_set(err, MV_ENOMEM, "out of memory for an entry");
	*p = bigger;
	*cap = want;
	return 0;
}

void
mv_entry_clear(struct mv_entry *e)
{
	free(e->xattrs);
	free(e->extents);
	*e = (struct mv_entry){ 0 };
}

void
mv_entry_reset(struct mv_entry *e)
{
	*e = (struct mv_entry){
		.xattrs = e->xattrs,
		.xattrs_cap = e->xattrs_cap,
		.extents = e->extents,
		.extents_cap = e->extents_cap,
	};
}

int
mv_entry_add_xattr(struct mv_entry *e, struct mv_span name,
    struct mv_span value, struct mv_err *err)
{
	void *p = e->xattrs;
	int rc;

	rc = grow(&p, &e->xattrs_cap, e->nxattrs, sizeof(*e->xattrs), err);
	if (rc < 0)
		return rc;
	e->xattrs = p;
	e->xattrs[e->nxattrs++] = (struct mv_xattr){ name, value };
	return 0;
}

int
mv_entry_add_extent(struct mv_entry *e, uint64_t offset, uint64_t len,
    struct mv_err *err)
{
	void *p = e->extents;
	int rc;

	rc = grow(&p, &e->extents_cap, e->nextents, sizeof(*e->extents), err);
	if (rc < 0)
		return rc;
	e->extents = p;
	e->extents[e->nextents++] = (struct mv_extent){ offset, len };
	return 0;
}

uint64_t
mv_entry_data_size(const struct mv_entry *e)
{
	uint64_t sum = 0;
	size_t i;

	if (e->type != MV_ENTRY_FILE)
		return 0;
	if (!e->sparse)
		return e->size;
	for (i = 0; i < e->nextents; i++)
		sum += e->extents[i].len;
	return sum;
}

static bool
has_nul(struct mv_span s)
{
	return s.len > 0 && memchr(s.p, '\0', s.len) != NULL;
}

static int
span_cmp(struct mv_span a, struct mv_span b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int d = n > 0 ? memcmp(a.p, b.p, n) : 0;

	if (d != 0)
		return d;
	return a.len < b.len ? -1 : a.len > b.len;
}

/* The checks return what is wrong, for the error, or NULL. */

static const char *
check_extents(const struct mv_entry *e)
{
	uint64_t end = 0;
	size_t i;

	if (e->size == 0)
		return "extents of an empty file";
	if (e->nextents == 1 && e->extents[0].offset == 0 &&
	    e->extents[0].len == e->size)
		return "an extent that covers all";
	for (i = 0; i < e->nextents; i++) {
		const struct mv_extent *x = &e->extents[i];

		if (x->len == 0)
			return "an empty extent";
		if (x->offset < end || (i > 0 && x->offset == end))
			return "extents that touch";
		if (x->offset > e->size || x->len > e->size - x->offset)
			return "an extent beyond the end";
		end = x->offset + x->len;
	}
	return NULL;
}

static const char *
check_file(const struct mv_entry *e)
{
	uint64_t data;
	const char *bad;

	if (e->size > INT64_MAX)
		return "an impossible size";
	bad = e->sparse ? check_extents(e) : NULL;
	if (bad != NULL)
		return bad;
	data = mv_entry_data_size(e);
	if ((data == 0) != (e->nchunks == 0) || e->nchunks > data)
		return "an impossible number of chunks";
	return NULL;
}

static const char *
check_xattrs(const struct mv_entry *e)
{
	size_t i;

	for (i = 0; i < e->nxattrs; i++) {
		struct mv_span name = e->xattrs[i].name;

		if (name.len < 1 || name.len > MV_PATH_NAME_MAX ||
		    has_nul(name))
			return "an impossible attribute name";
		if (i > 0 && span_cmp(e->xattrs[i - 1].name, name) >= 0)
			return "unsorted attributes";
	}
	return NULL;
}

static const char *
check_link(const struct mv_entry *e)
{
	if (e->path.len == 0)
		return "a link for a root";
	if (e->type == MV_ENTRY_SYMLINK) {
		if (e->target.len < 1 || e->target.len > MV_SYMLINK_MAX ||
		    has_nul(e->target))
			return "an impossible link target";
		return NULL;
	}
	if (e->target.len == 0 || !mv_path_is_valid(e->target) ||
	    mv_path_cmp(e->target, e->path) >= 0)
		return "an impossible hard-link target";
	return NULL;
}

static const char *
check_entry(const struct mv_entry *e)
{
	const char *bad = NULL;

	if (!mv_path_is_valid(e->path))
		return "an impossible path";
	if (e->path.len == 0 && e->type != MV_ENTRY_DIR)
		return "a root that is no directory";
	if (e->type == MV_ENTRY_SYMLINK || e->type == MV_ENTRY_HARDLINK)
		bad = check_link(e);
	else if (e->type == MV_ENTRY_FILE)
		bad = check_file(e);
	if (bad != NULL || e->type == MV_ENTRY_HARDLINK)
		return bad;
	if (e->mode > 07777)
		return "an impossible mode";
	if (e->mtime_nsec > NSEC_MAX)
		return "an impossible time";
	if (e->owner.len > USER_NAME_MAX || has_nul(e->owner) ||
	    e->group.len > USER_NAME_MAX || has_nul(e->group))
		return "an impossible owner";
	return check_xattrs(e);
}

static uint64_t
zigzag(int64_t v)
{
	return v < 0 ? ~((uint64_t)v << 1) : (uint64_t)v << 1;
}

static int64_t
unzigzag(uint64_t v)
{
	return (int64_t)(v & 1 ? ~(v >> 1) : v >> 1);
}

static void
put_span(struct mv_buf *out, struct mv_span s)
{
	mv_buf_put_bytes(out, s.p, s.len);
}

static void
put_file(struct mv_buf *out, const struct mv_entry *e)
{
	uint64_t end = 0;
	size_t i;

	mv_buf_put_varint(out, e->size);
	mv_buf_put_varint(out, e->nchunks);
	if (!e->sparse)
		return;
	mv_buf_put_varint(out, e->nextents);
	for (i = 0; i < e->nextents; i++) {
		mv_buf_put_varint(out, e->extents[i].offset - end);
		mv_buf_put_varint(out, e->extents[i].len);
		end = e->extents[i].offset + e->extents[i].len;
	}
}

static void
put_fields(struct mv_buf *out, const struct mv_entry *e)
{
	size_t i;

	mv_buf_put_varint(out, e->mode);
	mv_buf_put_varint(out, e->uid);
	mv_buf_put_varint(out, e->gid);
	mv_buf_put_varint(out, zigzag(e->mtime));
	mv_buf_put_varint(out, e->mtime_nsec);
	if (e->owner.len > 0)
		put_span(out, e->owner);
	if (e->group.len > 0)
		put_span(out, e->group);
	if (e->type == MV_ENTRY_FILE)
		put_file(out, e);
	else if (e->type == MV_ENTRY_SYMLINK)
		put_span(out, e->target);
	if (e->nxattrs > 0)
		mv_buf_put_varint(out, e->nxattrs);
	for (i = 0; i < e->nxattrs; i++) {
		put_span(out, e->xattrs[i].name);
		put_span(out, e->xattrs[i].value);
	}
}

static uint8_t
flags_of(const struct mv_entry *e)
{
	if (e->type == MV_ENTRY_HARDLINK)
		return 0;
	return (uint8_t)((e->owner.len > 0 ? HAS_OWNER : 0) |
	    (e->group.len > 0 ? HAS_GROUP : 0) |
	    (e->nxattrs > 0 ? HAS_XATTRS : 0) |
	    (e->type == MV_ENTRY_FILE && e->sparse ? HAS_EXTENTS : 0));
}

/*
 * The length stands first but is known last: room for the longest is left
 * and the body is moved down.
 */
static int
put_length(struct mv_buf *out, size_t start, struct mv_err *err)
{
	struct mv_buf head = { 0 };
	size_t body = out->len - start - 3;
	int rc;

	mv_buf_put_varint(&head, body);
	rc = mv_buf_failed(&head, err);
	if (rc == 0) {
		memmove(out->p + start + head.len, out->p + start + 3, body);
		memcpy(out->p + start, head.p, head.len);
		out->len = start + head.len + body;
	}
	mv_buf_clear(&head);
	return rc;
}

int
mv_entry_encode(const struct mv_entry *e, struct mv_buf *out,
    struct mv_err *err)
{
	const char *bad = check_entry(e);
	size_t start = out->len;
	char shown[MV_PATH_SHOW];
	int rc;

	if (bad != NULL)
		return mv_err_set(err, MV_EUSAGE, "'%s': %s",
		    mv_path_show(e->path, shown), bad);
	mv_buf_put_zero(out, 3);	/* 2^20 takes three bytes */
	mv_buf_put_u8(out, (uint8_t)e->type);
	mv_buf_put_u8(out, flags_of(e));
	put_span(out, e->path);
	if (e->type == MV_ENTRY_HARDLINK)
		put_span(out, e->target);
	else
		put_fields(out, e);
	rc = mv_buf_failed(out, err);
	if (rc < 0)
		return rc;
	if (out->len - start - 3 > MV_ENTRY_MAX) {
		out->len = start;
		return mv_err_set(err, MV_EUSAGE,
		    "'%s': more attributes than a record can hold",
		    mv_path_show(e->path, shown));
	}
	return put_length(out, start, err);
}

static struct mv_span
take_span(struct mv_cur *c)
{
	struct mv_span s = { 0 };

	s.p = mv_cur_bytes(c, &s.len);
	return s;
}

/* An optional field that is there must not be empty. */
static struct mv_span
take_optional(struct mv_cur *c, bool there)
{
	struct mv_span s = { 0 };

	if (!there)
		return s;
	s = take_span(c);
	if (s.len == 0)
		c->failed = 1;
	return s;
}

static uint32_t
take_u32(struct mv_cur *c)
{
	uint64_t v = mv_cur_varint(c);

	if (v > UINT32_MAX)
		c->failed = 1;
	return (uint32_t)v;
}

/* A count of things of at least two bytes each, so that it bounds memory. */
static size_t
take_count(struct mv_cur *c)
{
	uint64_t n = mv_cur_varint(c);

	if (n > c->left / 2)
		c->failed = 1;
	return c->failed ? 0 : (size_t)n;
}

static int
take_file(struct mv_cur *c, struct mv_entry *e, bool sparse,
    struct mv_err *err)
{
	uint64_t end = 0, gap, len;
	size_t n;
	int rc;

	e->size = mv_cur_varint(c);
	e->nchunks = mv_cur_varint(c);
	e->sparse = sparse;
	if (!sparse)
		return 0;
	for (n = take_count(c); n > 0; n--) {
		gap = mv_cur_varint(c);
		len = mv_cur_varint(c);
		if (c->failed || gap > INT64_MAX - end ||
		    len > INT64_MAX - end - gap) {
			c->failed = 1;
			return 0;
		}
		rc = mv_entry_add_extent(e, end + gap, len, err);
		if (rc < 0)
			return rc;
		end += gap + len;
	}
	return 0;
}

static int
take_xattrs(struct mv_cur *c, struct mv_entry *e, struct mv_err *err)
{
	size_t n = take_count(c);
	int rc = 0;

	if (n == 0)
		c->failed = 1;
	for (; n > 0 && rc == 0 && !c->failed; n--) {
		struct mv_span name = take_span(c);
		struct mv_span value = take_span(c);

		rc = mv_entry_add_xattr(e, name, value, err);
	}
	return rc;
}

static int
take_fields(struct mv_cur *c, struct mv_entry *e, uint8_t flags,
    struct mv_err *err)
{
	int rc = 0;

	e->mode = take_u32(c);
	e->uid = take_u32(c);
	e->gid = take_u32(c);
	e->mtime = unzigzag(mv_cur_varint(c));
	e->mtime_nsec = take_u32(c);
	e->owner = take_optional(c, flags & HAS_OWNER);
	e->group = take_optional(c, flags & HAS_GROUP);
	if (e->type == MV_ENTRY_FILE)
		rc = take_file(c, e, flags & HAS_EXTENTS, err);
	else if (e->type == MV_ENTRY_SYMLINK)
		e->target = take_span(c);
	if (rc == 0 && (flags & HAS_XATTRS))
		rc = take_xattrs(c, e, err);
	return rc;
}

static bool
flags_fit(uint8_t type, uint8_t flags)
{
	if (type < MV_ENTRY_DIR || type > MV_ENTRY_HARDLINK)
		return false;
	if (flags & ~HAS_ALL || (type == MV_ENTRY_HARDLINK && flags != 0))
		return false;
	return type == MV_ENTRY_FILE || !(flags & HAS_EXTENTS);
}

int
mv_entry_decode(struct mv_cur *c, struct mv_entry *e, struct mv_err *err)
{
	struct mv_cur body = { 0 };
	char shown[MV_PATH_SHOW];
	const char *bad;
	uint8_t type, flags;
	int rc = 0;

	mv_entry_reset(e);
	body.p = mv_cur_bytes(c, &body.left);
	if (body.p == NULL || body.left > MV_ENTRY_MAX)
		return mv_err_set(err, MV_ECORRUPT, "manifest record: %s",
		    body.p == NULL ? "cut short" : "too long");
	type = mv_cur_u8(&body);
	flags = mv_cur_u8(&body);
	if (body.failed || !flags_fit(type, flags))
		return mv_err_set(err, MV_ECORRUPT,
		    "manifest record: unknown type or flags");
	e->type = type;
	e->path = take_span(&body);
	if (type == MV_ENTRY_HARDLINK)
		e->target = take_span(&body);
	else
		rc = take_fields(&body, e, flags, err);
	if (rc < 0)
		return rc;
	bad = mv_cur_done(&body) ? check_entry(e) : "malformed fields";
	if (bad != NULL)
		return mv_err_set(err, MV_ECORRUPT, "manifest record '%s': %s",
		    mv_path_show(e->path, shown), bad);
	return 0;
}
