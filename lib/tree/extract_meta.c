/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tree/extract_internal.h"

static void
note(struct mv_extract *x, const struct mv_entry *e, uint64_t *count)
{
	struct mv_extract_facts *f = &x->facts;

	(*count)++;
	if (f->nshown < MV_EXTRACT_SHOWN)
		(void)mv_path_show(e->path, f->shown[f->nshown++]);
}

static int
failed(const struct mv_entry *e, const char *doing, struct mv_err *err)
{
	char shown[MV_PATH_SHOW];

	return mv_err_sys(err, "%s '%s'", doing, mv_path_show(e->path, shown));
}

static uint32_t
want_uid(struct mv_extract *x, const struct mv_entry *e)
{
	return mv_owner_ids_get(&x->ids, false, e->owner, e->uid);
}

static uint32_t
want_gid(struct mv_extract *x, const struct mv_entry *e)
{
	return mv_owner_ids_get(&x->ids, true, e->group, e->gid);
}

/* st is what fd is before, and after it what it became. */
static int
apply_owner(struct mv_extract *x, const struct mv_entry *e, int fd,
    struct stat *st, struct mv_err *err)
{
	uid_t uid = want_uid(x, e);
	gid_t gid = want_gid(x, e);

	if (st->st_uid == uid && st->st_gid == gid)
		return 0;
	/* Who is not root may still give a file to a group of his own. */
	if (fchownat(fd, "", st->st_uid == uid ? (uid_t)-1 : uid, gid,
	    AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 && st->st_gid != gid)
		(void)!fchownat(fd, "", (uid_t)-1, gid,
		    AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
	if (fstat(fd, st) < 0)
		return failed(e, "look at", err);
	if (st->st_uid != uid || st->st_gid != gid)
		note(x, e, &x->facts.owners);
	return 0;
}

static bool
is_owned_right(struct mv_extract *x, const struct mv_entry *e,
    const struct stat *st)
{
	return st->st_uid == want_uid(x, e) && st->st_gid == want_gid(x, e);
}

static mode_t
want_mode(struct mv_extract *x, const struct mv_entry *e,
    const struct stat *st)
{
	/* Set-id bits mean nothing good with another owner. */
	return is_owned_right(x, e, st) ? e->mode : e->mode & 01777;
}

static int
span_cmp(struct mv_span a, struct mv_span b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int d = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return d != 0 ? d : (a.len > b.len) - (a.len < b.len);
}

static bool
starts(struct mv_span name, const char *prefix)
{
	return name.len >= strlen(prefix) &&
	    memcmp(name.p, prefix, strlen(prefix)) == 0;
}

/* Attributes that belong to the host rather than to the file. */
static bool
is_hosts(struct mv_span name)
{
	return starts(name, "security.") &&
	    !starts(name, "security.capability");
}

/*
 * Set name, or remove it when value is NULL.  A descriptor of a symbolic link
 * takes no f*xattr(), but /proc leads to the very same inode.
 */
static int
change_xattr(int fd, bool is_link, const char *name,
    const struct mv_span *value)
{
	const void *p = value != NULL && value->len > 0 ? value->p : NULL;
	size_t len = value != NULL ? value->len : 0;
	char path[64];

	if (!is_link)
		return value == NULL ? fremovexattr(fd, name) :
		    fsetxattr(fd, name, p, len, 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return value == NULL ? removexattr(path, name) :
	    setxattr(path, name, p, len, 0);
}

static int
set_xattr(struct mv_extract *x, const struct mv_entry *e, int fd,
    struct mv_span name, const struct mv_span *value, struct mv_err *err)
{
	char text[MV_PATH_NAME_MAX + 1];

	memcpy(text, name.p, name.len);
	text[name.len] = '\0';
	if (change_xattr(fd, e->type == MV_ENTRY_SYMLINK, text, value) == 0 ||
	    (value == NULL && errno == ENODATA))
		return 0;
	if (errno == ENOSPC || errno == EDQUOT || errno == EIO)
		return failed(e, "set attributes of", err);
	note(x, e, &x->facts.xattrs);
	return 0;
}

/*
 * Merge the two sorted lists: set what is new or other, and remove what is
 * too much, as an ACL that was inherited from the directory.
 */
static int
merge_xattrs(struct mv_extract *x, const struct mv_entry *e, int fd,
    bool owned_right, struct mv_err *err)
{
	size_t i = 0, j = 0;
	int d, rc = 0;

	while (rc == 0 && (i < e->nxattrs || j < x->had.nxattrs)) {
		const struct mv_xattr *w, *h;

		w = i < e->nxattrs ? &e->xattrs[i] : NULL;
		h = j < x->had.nxattrs ? &x->had.xattrs[j] : NULL;
		d = w == NULL ? 1 : h == NULL ? -1 :
		    span_cmp(w->name, h->name);
		i += d <= 0;
		j += d >= 0;
		if (d > 0) {
			if (!is_hosts(h->name))
				rc = set_xattr(x, e, fd, h->name, NULL, err);
			continue;
		}
		if (d == 0 && span_cmp(w->value, h->value) == 0)
			continue;
		/* A capability is a set-id bit by another name. */
		if (starts(w->name, "security.capability") && !owned_right)
			note(x, e, &x->facts.modes);
		else
			rc = set_xattr(x, e, fd, w->name, &w->value, err);
	}
	return rc;
}

static int
read_had(struct mv_extract *x, const struct mv_entry *e, int fd,
    struct mv_err *err)
{
	char path[64];
	struct mv_xattr_of of = { .fd = fd };

	if (e->type == MV_ENTRY_SYMLINK) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		of = (struct mv_xattr_of){ -1, path, true };
	}
	return mv_xattrs_read(&of, &x->had, &x->xattrs, err);
}

static int
apply_mode(struct mv_extract *x, const struct mv_entry *e, int fd,
    const struct stat *st, struct mv_err *err)
{
	mode_t mode = want_mode(x, e, st);

	if (e->type == MV_ENTRY_SYMLINK)
		return 0;
	if (mode != e->mode)
		note(x, e, &x->facts.modes);
	/* Always: chown and ACLs may have changed what st says. */
	if (fchmod(fd, mode) < 0)
		return failed(e, "set mode of", err);
	return 0;
}

int
mv_extract_apply(struct mv_extract *x, const struct mv_entry *e, int fd,
    struct mv_err *err)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
	    { (time_t)e->mtime, (long)e->mtime_nsec } };
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0)
		return failed(e, "look at", err);
	/* chown first: it takes set-id bits and capabilities away. */
	rc = apply_owner(x, e, fd, &st, err);
	if (rc == 0)
		rc = read_had(x, e, fd, err);
	if (rc == 0)
		rc = merge_xattrs(x, e, fd, is_owned_right(x, e, &st), err);
	if (rc == 0)
		rc = apply_mode(x, e, fd, &st, err);
	if (rc < 0)
		return rc;
	if (utimensat(fd, "", times, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
		return failed(e, "set times of", err);
	return 0;
}

static bool
same_xattrs(const struct mv_entry *a, const struct mv_entry *b)
{
	size_t i;

	if (a->nxattrs != b->nxattrs)
		return false;
	for (i = 0; i < a->nxattrs; i++)
		if (span_cmp(a->xattrs[i].name, b->xattrs[i].name) != 0 ||
		    span_cmp(a->xattrs[i].value, b->xattrs[i].value) != 0)
			return false;
	return true;
}

int
mv_extract_is_same(struct mv_extract *x, const struct mv_entry *e, int fd,
    bool *same, struct mv_err *err)
{
	struct stat st;
	bool owned_right;
	int rc;

	if (fstat(fd, &st) < 0)
		return failed(e, "look at", err);
	rc = read_had(x, e, fd, err);
	if (rc < 0)
		return rc;
	owned_right = is_owned_right(x, e, &st);
	/* Who cannot give files away has nothing to do about their owner. */
	*same = (owned_right || geteuid() != 0) &&
	    same_xattrs(e, &x->had) && (e->type == MV_ENTRY_SYMLINK ||
	    (st.st_mode & 07777) == want_mode(x, e, &st)) &&
	    st.st_mtim.tv_sec == e->mtime &&
	    (uint32_t)st.st_mtim.tv_nsec == e->mtime_nsec;
	if (*same && !owned_right)
		note(x, e, &x->facts.owners);
	return 0;
}
