/* SPDX-License-Identifier: MIT */
#include "tree/extract.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tree/extract_internal.h"

int
mv_extract_open(const char *target, const struct mv_extract_opts *opts,
    struct mv_extract **out, struct mv_err *err)
{
	mv_auto(mv_extract_freep) struct mv_extract *x = NULL;

	x = calloc(1, sizeof(*x));
	if (x == NULL)
		return mv_err_set(err, MV_ENOMEM, "extract to '%s'", target);
	x->opts = *opts;
	x->ids.numeric = opts->numeric_owner;
	x->root = x->dirs.leaf = x->link_dirs.leaf = -1;
	x->temp = (struct mv_temp)MV_TEMP_INIT;
	if (mkdir(target, 0700) < 0 && errno != EEXIST)
		return mv_err_sys(err, "make directory '%s'", target);
	x->root = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (x->root < 0 && errno == ENOTDIR)
		return mv_err_set(err, MV_EUSAGE, "'%s' is no directory",
		    target);
	if (x->root < 0)
		return mv_err_sys(err, "open directory '%s'", target);
	x->dirs.root = x->link_dirs.root = x->root;
	*out = mv_take(&x);
	return 0;
}

int
mv_extract_existing(struct mv_extract *x, const struct mv_entry *e, int *out,
    struct mv_err *err)
{
	mv_auto(mv_fd_closep) int fd = -1;
	char name[MV_PATH_NAME_MAX + 1], shown[MV_PATH_SHOW];
	struct stat st = { 0 };
	int parent, rc;

	assert(e->type == MV_ENTRY_FILE && !x->writing);
	if (e->path.len == 0 || !mv_path_is_valid(e->path))
		return mv_err_set(err, MV_EUSAGE, "'%s' is no path to extract",
		    mv_path_show(e->path, shown));
	rc = mv_extract_leave(x, e->path, err);
	if (rc == 0)
		rc = mv_beneath_open(&x->dirs, mv_path_parent(e->path), true,
		    &parent, err);
	if (rc < 0)
		return rc;
	mv_path_name(e->path, name);
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return 0;
		return mv_err_sys(err, "look at '%s'",
		    mv_path_show(e->path, shown));
	}
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size == e->size) {
		fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
		    O_CLOEXEC);
		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		    (uint64_t)st.st_size == e->size) {
			*out = mv_take_fd(&fd);
			return 1;
		}
	}
	if (x->opts.overwrite && !S_ISDIR(st.st_mode))
		return 0;
	rc = mv_extract_refuse(x, e, err);
	return rc < 0 ? rc : mv_extract_exists(e, "is there and differs", err);
}

int
mv_extract_keep(struct mv_extract *x, const struct mv_entry *e, int fd,
    struct mv_err *err)
{
	struct stat st;
	bool same;
	int rc;

	if (fstat(fd, &st) < 0)
		return mv_err_sys(err, "look at file");
	rc = mv_extract_is_same(x, e, fd, &same, err);
	if (rc < 0)
		return rc;
	if (!same && st.st_nlink > 1) {
		/*
		 * Another of its names may lie outside the target, and what
		 * is changed here would change there.
		 */
		rc = mv_extract_refuse(x, e, err);
		return rc < 0 ? rc : mv_extract_exists(e,
		    "has further hard links, and other metadata", err);
	}
	if (!same)
		rc = mv_extract_apply(x, e, fd, err);
	if (rc == 0)
		x->facts.kept++;
	return rc;
}

int
mv_extract_begin(struct mv_extract *x, const struct mv_entry *e,
    struct mv_err *err)
{
	char shown[MV_PATH_SHOW];
	struct mv_cur c;
	int rc;

	assert(e->type == MV_ENTRY_FILE && !x->writing);
	mv_buf_reset(&x->record);
	rc = mv_entry_encode(e, &x->record, err);
	if (rc < 0)
		return rc;
	c = mv_cur_of(x->record.p, x->record.len);
	rc = mv_entry_decode(&c, &x->file, err);
	if (rc == 0)
		rc = mv_extract_leave(x, e->path, err);
	if (rc == 0)
		rc = mv_beneath_open(&x->dirs, mv_path_parent(e->path), true,
		    &x->parent, err);
	if (rc == 0)
		rc = mv_temp_open(&x->temp, x->parent, 0600,
		    mv_path_show(e->path, shown), err);
	if (rc < 0)
		return rc;
	mv_path_name(x->file.path, x->name);
	if (!x->file.sparse) {
		x->file.nextents = 0;
		rc = mv_entry_add_extent(&x->file, 0, x->file.size, err);
		if (rc < 0) {
			mv_temp_clear(&x->temp);
			return rc;
		}
	}
	x->extent = 0;
	x->in_extent = 0;
	x->writing = true;
	return 0;
}

static int
write_at(struct mv_extract *x, const uint8_t *p, size_t len, uint64_t at,
    struct mv_err *err)
{
	char shown[MV_PATH_SHOW];
	ssize_t n;

	while (len > 0) {
		n = pwrite(x->temp.fd, p, len, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mv_err_sys(err, "write '%s'",
			    mv_path_show(x->file.path, shown));
		p += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

int
mv_extract_data(struct mv_extract *x, const void *buf, size_t len,
    struct mv_err *err)
{
	const struct mv_extent *run;
	const uint8_t *p = buf;
	char shown[MV_PATH_SHOW];
	size_t n;
	int rc;

	assert(x->writing);
	while (len > 0) {
		if (x->extent == x->file.nextents)
			return mv_err_set(err, MV_ECORRUPT,
			    "'%s' has more content than its manifest says",
			    mv_path_show(x->file.path, shown));
		run = &x->file.extents[x->extent];
		n = run->len - x->in_extent < len ?
		    (size_t)(run->len - x->in_extent) : len;
		rc = write_at(x, p, n, run->offset + x->in_extent, err);
		if (rc < 0)
			return rc;
		p += n;
		len -= n;
		x->in_extent += n;
		if (x->in_extent == run->len) {
			x->extent++;
			x->in_extent = 0;
		}
	}
	return 0;
}

static bool
is_whole(const struct mv_extract *x)
{
	return x->extent == x->file.nextents || x->file.size == 0;
}

static int
finish(struct mv_extract *x, struct mv_err *err)
{
	const struct mv_entry *e = &x->file;
	char shown[MV_PATH_SHOW];
	struct stat st;
	int rc;

	(void)mv_path_show(e->path, shown);
	if (!is_whole(x))
		return mv_err_set(err, MV_ECORRUPT,
		    "'%s' has less content than its manifest says", shown);
	if (e->sparse && ftruncate(x->temp.fd, (off_t)e->size) < 0)
		return mv_err_sys(err, "set length of '%s'", shown);
	rc = mv_extract_apply(x, e, x->temp.fd, err);
	if (rc < 0)
		return rc;
	if (!x->opts.overwrite)
		return mv_temp_link(&x->temp, x->parent, x->name, shown, err);
	if (fstatat(x->parent, x->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode))
		return mv_extract_exists(e, "is a directory", err);
	return mv_temp_rename(&x->temp, x->parent, x->name, shown, err);
}

int
mv_extract_finish(struct mv_extract *x, struct mv_err *err)
{
	int rc;

	assert(x->writing);
	rc = finish(x, err);
	if (rc < 0)
		mv_extract_abort(x);
	else
		x->facts.made++;
	x->writing = false;
	return rc;
}

void
mv_extract_abort(struct mv_extract *x)
{
	if (!x->writing)
		return;
	mv_temp_clear(&x->temp);
	/* What has its name, if anything, is not what a link should be to. */
	(void)!mv_extract_refuse(x, &x->file, NULL);
	x->writing = false;
}

void
mv_extract_facts(const struct mv_extract *x, struct mv_extract_facts *out)
{
	*out = x->facts;
}

int
mv_extract_close(struct mv_extract *x, struct mv_err *err)
{
	int rc;

	assert(!x->writing);
	/* Nothing lies beneath the root's own name, so all are left. */
	rc = mv_extract_leave(x, (struct mv_span){ 0 }, err);
	if (rc < 0)
		return rc;
	if (syncfs(x->root) < 0)
		return mv_err_sys(err, "make what was restored durable");
	return 0;
}

void
mv_extract_free(struct mv_extract *x)
{
	if (x == NULL)
		return;
	mv_extract_abort(x);
	mv_beneath_clear(&x->dirs);
	mv_beneath_clear(&x->link_dirs);
	mv_fd_closep(&x->root);
	mv_entry_clear(&x->had);
	mv_entry_clear(&x->dir);
	mv_entry_clear(&x->file);
	mv_buf_clear(&x->xattrs);
	mv_buf_clear(&x->pending);
	mv_buf_clear(&x->refused);
	mv_buf_clear(&x->record);
	free(x->pending_at);
	free(x->refused_at);
	free(x->ids.v);
	free(x);
}

void
mv_extract_freep(struct mv_extract **x)
{
	mv_extract_free(*x);
}
