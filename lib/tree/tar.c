/* SPDX-License-Identifier: MIT */
#include "tree/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* As tar's -b 20; the archive is padded to no more than that. */
#define BLOCK 10240

struct mv_tar {
	struct archive *a;
	struct archive_entry *e;
	const struct mv_sink *sink;
	struct mv_buf text;
	locale_t utf8;		/* in which libarchive looks at names, or 0 */
	struct mv_err why;	/* the sink's failure, which libarchive hides */
};

static la_ssize_t
on_write(struct archive *a, void *arg, const void *buf, size_t len)
{
	struct mv_tar *t = arg;

	if (t->why.code == MV_OK &&
	    t->sink->write(t->sink->arg, buf, len, &t->why) == 0)
		return (la_ssize_t)len;
	archive_set_error(a, EIO, "written nowhere");
	return -1;
}

static int
tar_err(struct mv_tar *t, struct mv_err *err)
{
	const char *text = archive_error_string(t->a);

	if (t->why.code != MV_OK) {
		if (err != NULL)
			*err = t->why;
		return t->why.code;
	}
	return mv_err_set(err, MV_EIO, "write tar archive: %s",
	    text != NULL ? text : "out of memory");
}

int
mv_tar_new(const struct mv_sink *sink, struct mv_tar **out,
    struct mv_err *err)
{
	mv_auto(mv_tar_freep) struct mv_tar *t = NULL;

	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return mv_err_set(err, MV_ENOMEM, "write tar archive");
	t->sink = sink;
	t->a = archive_write_new();
	t->e = archive_entry_new();
	if (t->a == NULL || t->e == NULL)
		return mv_err_set(err, MV_ENOMEM, "write tar archive");
	t->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	/* Attributes in the one form that GNU tar knows, too. */
	if (archive_write_set_format_pax(t->a) != ARCHIVE_OK ||
	    archive_write_set_options(t->a, "xattrheader=SCHILY") !=
	    ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(t->a, BLOCK) != ARCHIVE_OK ||
	    archive_write_open(t->a, t, NULL, on_write, NULL) != ARCHIVE_OK)
		return tar_err(t, err);
	*out = mv_take(&t);
	return 0;
}

void
mv_tar_free(struct mv_tar *t)
{
	if (t == NULL)
		return;
	archive_entry_free(t->e);
	/* What is half done is not completed: its sink may be gone. */
	if (t->a != NULL) {
		(void)archive_write_fail(t->a);
		(void)archive_write_free(t->a);
	}
	mv_buf_clear(&t->text);
	if (t->utf8 != (locale_t)0)
		freelocale(t->utf8);
	free(t);
}

void
mv_tar_freep(struct mv_tar **t)
{
	mv_tar_free(*t);
	*t = NULL;
}

/* s as a string, valid until the next call. */
static const char *
text_of(struct mv_tar *t, const char *before, struct mv_span s)
{
	mv_buf_reset(&t->text);
	mv_buf_put_str(&t->text, before);
	mv_buf_put(&t->text, s.p, s.len);
	return mv_buf_cstr(&t->text);
}

static unsigned
type_of(const struct mv_entry *e)
{
	return e->type == MV_ENTRY_DIR ? AE_IFDIR :
	    e->type == MV_ENTRY_SYMLINK ? AE_IFLNK : AE_IFREG;
}

/*
 * tar knows data and holes; a file that is one hole has an extent of no
 * bytes at its end.
 */
static void
set_extents(struct archive_entry *x, const struct mv_entry *e)
{
	size_t i;

	for (i = 0; i < e->nextents; i++)
		archive_entry_sparse_add_entry(x,
		    (la_int64_t)e->extents[i].offset,
		    (la_int64_t)e->extents[i].len);
	if (e->nextents == 0)
		archive_entry_sparse_add_entry(x, (la_int64_t)e->size, 0);
}

static void
set_metadata(struct mv_tar *t, const struct mv_entry *e)
{
	struct archive_entry *x = t->e;
	size_t i;

	archive_entry_set_mode(x, (mode_t)(type_of(e) | e->mode));
	archive_entry_set_uid(x, e->uid);
	archive_entry_set_gid(x, e->gid);
	if (e->owner.len > 0)
		archive_entry_copy_uname(x, text_of(t, "", e->owner));
	if (e->group.len > 0)
		archive_entry_copy_gname(x, text_of(t, "", e->group));
	archive_entry_set_mtime(x, (time_t)e->mtime, (long)e->mtime_nsec);
	for (i = 0; i < e->nxattrs; i++)
		archive_entry_xattr_add_entry(x, text_of(t, "",
		    e->xattrs[i].name), e->xattrs[i].value.p,
		    e->xattrs[i].value.len);
}

static bool
is_ascii(struct mv_span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (s.p[i] >= 0x80)
			return false;
	return true;
}

/*
 * libarchive warns of a name that is no UTF-8, and writes it as it is; any
 * other warning would be of something left out.
 */
static int
write_header(struct mv_tar *t, const struct mv_entry *e, struct mv_err *err)
{
	locale_t old = (locale_t)0;
	int r;

	if (t->utf8 != (locale_t)0)
		old = uselocale(t->utf8);
	r = archive_write_header(t->a, t->e);
	if (old != (locale_t)0)
		(void)uselocale(old);
	if (r == ARCHIVE_OK || (r == ARCHIVE_WARN && t->why.code == MV_OK &&
	    !(is_ascii(e->path) && is_ascii(e->target) && is_ascii(e->owner) &&
	    is_ascii(e->group))))
		return 0;
	return tar_err(t, err);
}

int
mv_tar_entry(struct mv_tar *t, const struct mv_entry *e, struct mv_err *err)
{
	struct archive_entry *x = archive_entry_clear(t->e);
	char shown[MV_PATH_SHOW];
	int rc;

	archive_entry_copy_pathname(x, text_of(t, "./", e->path));
	if (e->type == MV_ENTRY_HARDLINK) {
		archive_entry_set_mode(x, AE_IFREG | 0644);
		archive_entry_copy_hardlink(x, text_of(t, "./", e->target));
	} else {
		set_metadata(t, e);
	}
	if (e->type == MV_ENTRY_SYMLINK)
		archive_entry_copy_symlink(x, text_of(t, "", e->target));
	archive_entry_set_size(x, e->type == MV_ENTRY_FILE ?
	    (la_int64_t)e->size : 0);
	if (e->type == MV_ENTRY_FILE && e->sparse && e->size > 0)
		set_extents(x, e);
	rc = mv_buf_failed(&t->text, err);
	if (rc < 0)
		return rc;
	rc = write_header(t, e, err);
	return mv_err_ctx(err, rc, "'%s'", mv_path_show(e->path, shown));
}

int
mv_tar_data(void *tar, const uint8_t *buf, size_t len, struct mv_err *err)
{
	struct mv_tar *t = tar;
	la_ssize_t n;

	while (len > 0) {
		n = archive_write_data(t->a, buf, len);
		if (n < 0)
			return tar_err(t, err);
		if (n == 0)
			return mv_err_set(err, MV_ECORRUPT,
			    "a file has more bytes than its size says");
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

int
mv_tar_close(struct mv_tar *t, struct mv_err *err)
{
	if (archive_write_close(t->a) != ARCHIVE_OK)
		return tar_err(t, err);
	return 0;
}
