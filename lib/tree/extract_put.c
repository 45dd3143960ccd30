/* SPDX-License-Identifier: MIT */
/* Everything that is made at one go: directories and links. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "tree/extract_internal.h"

/* Where an entry goes. */
struct place {
	int parent;
	char name[MV_PATH_NAME_MAX + 1];
	char shown[MV_PATH_SHOW];
};

static int
find_place(struct mv_extract *x, const struct mv_entry *e, struct place *p,
    struct mv_err *err)
{
	int rc;

	(void)mv_path_show(e->path, p->shown);
	mv_path_name(e->path, p->name);
	rc = mv_extract_leave(x, e->path, err);
	if (rc < 0)
		return rc;
	return mv_beneath_open(&x->dirs, mv_path_parent(e->path), true,
	    &p->parent, err);
}

static int
refuse(struct mv_extract *x, const struct mv_entry *e, const char *what,
    struct mv_err *err)
{
	int rc = mv_extract_refuse(x, e, err);

	return rc < 0 ? rc : mv_extract_exists(e, what, err);
}

/*
 * A directory of ours may be closed to ourselves, and is opened until all is
 * in it.  Through /proc it is the very inode that was looked at.
 */
static int
unlock_dir(const struct place *p, struct mv_err *err)
{
	mv_auto(mv_fd_closep) int fd = -1;
	char path[64];
	struct stat st;

	fd = openat(p->parent, p->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return mv_err_sys(err, "look at '%s'", p->shown);
	if (!S_ISDIR(st.st_mode) || (st.st_mode & 0700) == 0700 ||
	    st.st_uid != geteuid())
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (chmod(path, (st.st_mode & 07777) | 0700) < 0)
		return mv_err_sys(err, "open up '%s'", p->shown);
	return 0;
}

static int
put_dir(struct mv_extract *x, const struct mv_entry *e, struct mv_err *err)
{
	struct place p = { .parent = -1 };
	bool made = false;
	int fd, rc;

	if (e->path.len > 0) {
		rc = find_place(x, e, &p, err);
		if (rc < 0)
			return rc;
		made = mkdirat(p.parent, p.name, 0700) == 0;
		if (!made && errno != EEXIST)
			return mv_err_sys(err, "make directory '%s'", p.shown);
		rc = made ? 0 : unlock_dir(&p, err);
		if (rc < 0)
			return rc;
	}
	rc = mv_beneath_open(&x->dirs, e->path, false, &fd, err);
	if (rc < 0)
		return rc;
	if (made)
		x->facts.made++;
	else {
		x->facts.kept++;
		/* Ours that an interrupted restore left behind. */
		mv_temp_sweep(fd);
	}
	return mv_extract_enter(x, e, err);
}

static int
temp_name(char out[MV_TEMP_NAME], struct mv_err *err)
{
	uint8_t r[8];
	char hex[2 * sizeof(r) + 1];

	if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
		return mv_err_sys(err, "random name");
	mv_hex_encode(r, sizeof(r), hex);
	(void)snprintf(out, MV_TEMP_NAME, ".mv-%s.tmp", hex);
	return 0;
}

/*
 * Make a link under its own name, or where something is to be replaced under
 * another one first.  make() is symlinkat() or linkat() in disguise.
 */
static int
make_link(struct mv_extract *x, const struct mv_entry *e,
    const struct place *p, int (*make)(const void *arg, int dir,
    const char *name), const void *arg, struct mv_err *err)
{
	char temp[MV_TEMP_NAME];
	struct stat st;
	int rc;

	if (make(arg, p->parent, p->name) == 0)
		return 0;
	if (errno != EEXIST)
		return mv_err_sys(err, "make link '%s'", p->shown);
	if (!x->opts.overwrite || (fstatat(p->parent, p->name, &st,
	    AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode)))
		return refuse(x, e, "is there and differs", err);
	rc = temp_name(temp, err);
	if (rc < 0)
		return rc;
	if (make(arg, p->parent, temp) < 0)
		return mv_err_sys(err, "make link '%s'", p->shown);
	if (renameat(p->parent, temp, p->parent, p->name) < 0) {
		rc = mv_err_sys(err, "rename to '%s'", p->shown);
		(void)unlinkat(p->parent, temp, 0);
		return rc;
	}
	return 0;
}

static int
make_symlink(const void *target, int dir, const char *name)
{
	return symlinkat(target, dir, name);
}

/* Whether fd is a symbolic link to target. */
static bool
leads_to(int fd, const char *target)
{
	char buf[MV_SYMLINK_MAX + 1];
	ssize_t n = readlinkat(fd, "", buf, sizeof(buf));

	return n >= 0 && (size_t)n == strlen(target) &&
	    memcmp(buf, target, (size_t)n) == 0;
}

static int
put_symlink(struct mv_extract *x, const struct mv_entry *e,
    struct mv_err *err)
{
	mv_auto(mv_fd_closep) int fd = -1;
	char target[MV_SYMLINK_MAX + 1];
	struct place p;
	struct stat st;
	bool same = false;
	int rc;

	memcpy(target, e->target.p, e->target.len);
	target[e->target.len] = '\0';
	rc = find_place(x, e, &p, err);
	if (rc < 0)
		return rc;
	fd = openat(p.parent, p.name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && leads_to(fd, target)) {
		rc = mv_extract_is_same(x, e, fd, &same, err);
		if (rc < 0)
			return rc;
		if (fstat(fd, &st) == 0 && (same || st.st_nlink == 1)) {
			x->facts.kept++;
			return same ? 0 : mv_extract_apply(x, e, fd, err);
		}
	}
	rc = make_link(x, e, &p, make_symlink, target, err);
	if (rc < 0)
		return rc;
	mv_fd_closep(&fd);
	fd = openat(p.parent, p.name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || !leads_to(fd, target))
		return mv_err_set(err, MV_ECHANGED,
		    "'%s' was replaced meanwhile", p.shown);
	x->facts.made++;
	return mv_extract_apply(x, e, fd, err);
}

/* Open the file that a hard link is to: a regular file beneath the target. */
static int
open_link_target(struct mv_extract *x, const struct mv_entry *e, int *out,
    struct stat *st, struct mv_err *err)
{
	mv_auto(mv_fd_closep) int fd = -1;
	char name[MV_PATH_NAME_MAX + 1], shown[MV_PATH_SHOW];
	int parent, rc;

	(void)mv_path_show(e->target, shown);
	rc = mv_beneath_open(&x->link_dirs, mv_path_parent(e->target), false,
	    &parent, err);
	if (rc < 0)
		return rc;
	mv_path_name(e->target, name);
	fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, st) < 0)
		return mv_err_sys(err, "open '%s'", shown);
	if (!S_ISREG(st->st_mode))
		return mv_err_set(err, MV_ECORRUPT,
		    "hard link to '%s', which is no file", shown);
	*out = mv_take_fd(&fd);
	return 0;
}

static int
make_hardlink(const void *fd, int dir, const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d",
	    *(const int *)fd);
	return linkat(AT_FDCWD, path, dir, name, AT_SYMLINK_FOLLOW);
}

static int
put_hardlink(struct mv_extract *x, const struct mv_entry *e,
    struct mv_err *err)
{
	mv_auto(mv_fd_closep) int fd = -1;
	struct stat st, there;
	struct place p;
	int rc;

	rc = find_place(x, e, &p, err);
	if (rc < 0)
		return rc;
	if (mv_extract_was_refused(x, e->target))
		return refuse(x, e, "is a link to a file that was refused",
		    err);
	rc = open_link_target(x, e, &fd, &st, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "link '%s'", p.shown);
	if (fstatat(p.parent, p.name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	    there.st_dev == st.st_dev && there.st_ino == st.st_ino) {
		x->facts.kept++;
		return 0;
	}
	rc = make_link(x, e, &p, make_hardlink, &fd, err);
	if (rc == 0)
		x->facts.made++;
	return rc;
}

int
mv_extract_put(struct mv_extract *x, const struct mv_entry *e,
    struct mv_err *err)
{
	int rc;

	assert(e->type != MV_ENTRY_FILE && !x->writing);
	/* What has no encoding must not be made: it may lead outside. */
	mv_buf_reset(&x->record);
	rc = mv_entry_encode(e, &x->record, err);
	if (rc < 0)
		return rc;
	if (e->type == MV_ENTRY_DIR)
		return put_dir(x, e, err);
	if (e->type == MV_ENTRY_SYMLINK)
		return put_symlink(x, e, err);
	return put_hardlink(x, e, err);
}
