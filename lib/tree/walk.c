/* SPDX-License-Identifier: MIT */
#include "tree/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tree/tree_internal.h"

/* Beneath this depth the descriptors of outer levels are closed meanwhile. */
#define LEVELS_OPEN 128
#define SCRATCH ((size_t)64 << 10)
/* Coarse file times plus a margin for clocks that are not ours (NFS). */
#define FRESH_SECONDS 2

struct level {
	int fd;			/* -1: closed meanwhile */
	bool loaded;
	size_t path_len;	/* of this directory */
	dev_t dev;
	ino_t ino;
	struct mv_dirlist list;
	size_t next;
};

struct mv_walk {
	struct mv_walk_opts opts;
	struct mv_walk_counts counts;
	struct mv_excludes *excludes;
	struct mv_links *links;
	struct mv_names users;
	struct mv_names groups;
	char *root;
	struct level *levels;
	size_t depth;		/* levels in use */
	size_t nlevels;		/* levels with memory */
	bool started;
	int noatime;		/* O_NOATIME, or 0 once it was refused */

	/* The entry given last. */
	struct mv_entry entry;
	size_t path_len;
	size_t name_at;		/* of its last component */
	size_t parent;		/* the level that it is in */
	bool entered;		/* it is the directory of the top level */
	dev_t dev;
	ino_t ino;
	struct mv_buf xattrs;

	char path[MV_PATH_MAX + 2];
	char target[MV_SYMLINK_MAX + 2];
	char scratch[SCRATCH] __attribute__((aligned(16)));
};

void
mv_tree_entry_stat(struct mv_entry *e, struct mv_walk_stat *ws,
    const struct stat *st)
{
	struct timespec now;

	e->type = S_ISDIR(st->st_mode) ? MV_ENTRY_DIR :
	    S_ISLNK(st->st_mode) ? MV_ENTRY_SYMLINK : MV_ENTRY_FILE;
	e->mode = st->st_mode & 07777;
	e->uid = st->st_uid;
	e->gid = st->st_gid;
	e->mtime = st->st_mtim.tv_sec;
	e->mtime_nsec = (uint32_t)st->st_mtim.tv_nsec;
	e->size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
	ws->dev = st->st_dev;
	ws->ino = st->st_ino;
	ws->changed = st->st_ctim.tv_sec;
	ws->changed_nsec = (uint32_t)st->st_ctim.tv_nsec;
	ws->blocks = (uint64_t)st->st_blocks;
	(void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
	ws->fresh = now.tv_sec < ws->changed + FRESH_SECONDS;
}

static struct mv_span
current(const struct mv_walk *w)
{
	return (struct mv_span){ (const uint8_t *)w->path, w->path_len };
}

static int
open_at(struct mv_walk *w, int dirfd, const char *name, int flags)
{
	int fd;

	flags |= O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	fd = openat(dirfd, name, flags | w->noatime);
	if (fd < 0 && errno == EPERM && w->noatime != 0) {
		/* Not ours and we are not root: do not ask again. */
		w->noatime = 0;
		fd = openat(dirfd, name, flags);
	}
	return fd;
}

static void
report(struct mv_walk *w, enum mv_walk_problem what, const struct mv_err *err)
{
	if (what == MV_WALK_VANISHED)
		w->counts.vanished++;
	else if (what == MV_WALK_SPECIAL)
		w->counts.special++;
	else
		w->counts.unreadable++;
	if (w->opts.report != NULL)
		w->opts.report(w->opts.arg, what, current(w), err);
}

/* Tell of errno at the current path. */
static void
report_errno(struct mv_walk *w, const char *doing)
{
	struct mv_err err = { 0 };
	char shown[MV_PATH_SHOW];
	bool gone = errno == ENOENT || errno == ESTALE;

	(void)mv_err_sys(&err, "%s '%s'", doing,
	    mv_path_show(current(w), shown));
	report(w, gone ? MV_WALK_VANISHED : MV_WALK_UNREADABLE, &err);
}

void
mv_walk_skip(struct mv_walk *w, const struct mv_err *why)
{
	if (w->entry.type == MV_ENTRY_FILE)
		mv_links_forget(w->links, w->dev, w->ino);
	report(w, why->code == MV_ENOTFOUND ? MV_WALK_VANISHED :
	    MV_WALK_UNREADABLE, why);
}

/* Enter the directory open at *fd, which the level takes. */
static int
push(struct mv_walk *w, int *fd, const struct stat *st, struct mv_err *err)
{
	struct level *levels, *lv;
	size_t n;

	if (w->depth == w->nlevels) {
		n = w->nlevels + 16;
		levels = reallocarray(w->levels, n, sizeof(*levels));
		if (levels == NULL)
			return mv_err_set(err, MV_ENOMEM, "walk '%s'", w->root);
		memset(levels + w->nlevels, 0, 16 * sizeof(*levels));
		w->levels = levels;
		w->nlevels = n;
	}
	/* The root stays open: others are found again from there. */
	if (w->depth > LEVELS_OPEN)
		mv_fd_closep(&w->levels[w->depth - LEVELS_OPEN].fd);
	lv = &w->levels[w->depth++];
	lv->fd = mv_take_fd(fd);
	lv->loaded = false;
	lv->path_len = w->path_len;
	lv->dev = st->st_dev;
	lv->ino = st->st_ino;
	lv->next = 0;
	w->entered = true;
	return 0;
}

/* Whether fd is the directory of lv; errno if not. */
static bool
is_same(int fd, const struct level *lv)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	if (st.st_dev == lv->dev && st.st_ino == lv->ino)
		return true;
	errno = ESTALE;
	return false;
}

/* Leave the top level; the one above gets back its descriptor by "..". */
static void
pop(struct mv_walk *w)
{
	struct level *lv = &w->levels[--w->depth];
	struct level *up = w->depth > 0 ? lv - 1 : NULL;

	if (up != NULL && up->fd < 0 && lv->fd >= 0) {
		up->fd = open_at(w, lv->fd, "..", O_DIRECTORY);
		if (up->fd >= 0 && !is_same(up->fd, up))
			mv_fd_closep(&up->fd);
	}
	mv_fd_closep(&lv->fd);
}

/*
 * Find a directory again from the root: what ".." led to was not it, since
 * something was moved.
 */
static int
reopen(struct mv_walk *w, const struct level *lv)
{
	char name[MV_PATH_NAME_MAX + 1];
	const char *p = w->path, *end = w->path + lv->path_len, *slash;
	mv_auto(mv_fd_closep) int fd = -1;
	int next, from = w->levels[0].fd;

	while (p < end) {
		slash = memchr(p, '/', (size_t)(end - p));
		if (slash == NULL)
			slash = end;
		memcpy(name, p, (size_t)(slash - p));
		name[slash - p] = '\0';
		next = open_at(w, from, name, O_DIRECTORY);
		mv_fd_closep(&fd);
		if (next < 0)
			return -1;
		from = fd = next;
		p = slash < end ? slash + 1 : end;
	}
	return is_same(fd, lv) ? mv_take_fd(&fd) : -1;
}

/* Have names and descriptor of the top level; it is empty when that fails. */
static void
prepare(struct mv_walk *w, struct level *lv)
{
	if (!lv->loaded) {
		lv->loaded = true;
		if (mv_dirlist_load(&lv->list, lv->fd, w->scratch, SCRATCH) < 0)
			report_errno(w, "read directory");
	}
	if (lv->fd < 0 && lv->next < lv->list.n) {
		w->path_len = lv->path_len;
		lv->fd = reopen(w, lv);
		if (lv->fd < 0) {
			lv->next = lv->list.n;
			report_errno(w, "open directory again");
		}
	}
}

static bool
set_path(struct mv_walk *w, const struct level *lv,
    const struct mv_dirlist_item *item)
{
	const char *name = (const char *)lv->list.text.p + item->at;
	size_t at = lv->path_len;

	w->name_at = at > 0 ? at + 1 : 0;
	if (w->name_at + item->len > MV_PATH_MAX) {
		w->path_len = lv->path_len;
		errno = ENAMETOOLONG;
		report_errno(w, "look at a name in");
		return false;
	}
	if (at > 0)
		w->path[at] = '/';
	memcpy(w->path + w->name_at, name, item->len + 1);
	w->path_len = w->name_at + item->len;
	return true;
}

static bool
excluded(struct mv_walk *w, bool is_dir)
{
	if (w->opts.nexcludes == 0 ||
	    !mv_excludes_match(w->excludes, w->path, w->path_len, is_dir))
		return false;
	w->counts.excluded++;
	return true;
}

static int
emit(struct mv_walk *w, const struct stat *st, struct mv_walk_stat *ws)
{
	struct mv_entry *e = &w->entry;

	mv_tree_entry_stat(e, ws, st);
	e->path = current(w);
	e->owner = mv_names_get(&w->users, e->uid);
	e->group = mv_names_get(&w->groups, e->gid);
	w->dev = st->st_dev;
	w->ino = st->st_ino;
	w->counts.entries++;
	return 1;
}

static int
emit_symlink(struct mv_walk *w, int dirfd, const struct stat *st,
    struct mv_walk_stat *ws)
{
	ssize_t n;

	n = readlinkat(dirfd, w->path + w->name_at, w->target,
	    sizeof(w->target));
	if (n > MV_SYMLINK_MAX)
		errno = ENAMETOOLONG;
	if (n < 0 || n > MV_SYMLINK_MAX) {
		report_errno(w, "read link");
		return 0;
	}
	w->entry.target = (struct mv_span){ (const uint8_t *)w->target,
	    (size_t)n };
	return emit(w, st, ws);
}

static int
emit_file(struct mv_walk *w, const struct stat *st, struct mv_walk_stat *ws,
    struct mv_err *err)
{
	struct mv_span first;
	int rc = 0;

	if (st->st_nlink > 1)
		rc = mv_links_seen(w->links, st->st_dev, st->st_ino,
		    current(w), &first, err);
	if (rc < 0)
		return rc;
	(void)emit(w, st, ws);
	if (rc == 1) {
		w->entry.type = MV_ENTRY_HARDLINK;
		w->entry.target = first;
	}
	return 1;
}

static int
refuse_special(struct mv_walk *w, mode_t mode)
{
	struct mv_err err = { 0 };
	char shown[MV_PATH_SHOW];

	(void)mv_err_set(&err, MV_EREFUSED, "'%s': a %s is not stored",
	    mv_path_show(current(w), shown), S_ISFIFO(mode) ? "fifo" :
	    S_ISSOCK(mode) ? "socket" : "device");
	report(w, MV_WALK_SPECIAL, &err);
	return 0;
}

/*
 * Give the directory at the current path and enter it.  One that cannot be
 * opened is given too: its metadata can be stored.
 */
static int
visit_dir(struct mv_walk *w, int dirfd, struct mv_walk_stat *ws,
    struct mv_err *err)
{
	const char *name = w->path + w->name_at;
	mv_auto(mv_fd_closep) int fd = -1;
	struct stat st;
	int rc;

	fd = open_at(w, dirfd, name, O_DIRECTORY);
	/* It was a directory, and something else took its place. */
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		errno = ESTALE;
	if (fd < 0) {
		report_errno(w, "open directory");
		if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISDIR(st.st_mode))
			return 0;
		return emit(w, &st, ws);
	}
	if (fstat(fd, &st) < 0) {
		report_errno(w, "look at");
		return 0;
	}
	rc = push(w, &fd, &st, err);
	return rc < 0 ? rc : emit(w, &st, ws);
}

/* 1 with an entry, 0 without one, or an error. */
static int
visit(struct mv_walk *w, int dirfd, uint8_t type, struct mv_walk_stat *ws,
    struct mv_err *err)
{
	const char *name = w->path + w->name_at;
	struct stat st;

	if (type != DT_DIR) {
		if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			report_errno(w, "look at");
			return 0;
		}
		type = IFTODT(st.st_mode);
	}
	if (excluded(w, type == DT_DIR))
		return 0;
	switch (type) {
	case DT_DIR:
		return visit_dir(w, dirfd, ws, err);
	case DT_REG:
		return emit_file(w, &st, ws, err);
	case DT_LNK:
		return emit_symlink(w, dirfd, &st, ws);
	default:
		return refuse_special(w, st.st_mode);
	}
}

static int
give_root(struct mv_walk *w, struct mv_walk_stat *ws, struct mv_err *err)
{
	struct stat st;

	w->started = true;
	w->entered = true;
	if (fstat(w->levels[0].fd, &st) < 0)
		return mv_err_sys(err, "look at '%s'", w->root);
	return emit(w, &st, ws);
}

int
mv_walk_next(struct mv_walk *w, struct mv_entry **out,
    struct mv_walk_stat *ws, struct mv_err *err)
{
	const struct mv_dirlist_item *item;
	struct level *lv;
	int rc = 0;

	mv_entry_reset(&w->entry);
	*out = &w->entry;
	if (!w->started)
		return give_root(w, ws, err);
	while (rc == 0 && w->depth > 0) {
		lv = &w->levels[w->depth - 1];
		prepare(w, lv);
		if (lv->next == lv->list.n) {
			pop(w);
			continue;
		}
		item = &lv->list.items[lv->next++];
		w->parent = w->depth - 1;
		w->entered = false;
		if (!set_path(w, lv, item))
			continue;
		rc = visit(w, lv->fd, item->type, ws, err);
	}
	return rc;
}

int
mv_walk_open_file(struct mv_walk *w, int *out, struct mv_err *err)
{
	mv_auto(mv_fd_closep) int fd = -1;
	char shown[MV_PATH_SHOW];
	struct stat st;

	fd = open_at(w, w->levels[w->parent].fd, w->path + w->name_at, 0);
	if (fd < 0 && errno != ELOOP)
		return mv_err_sys(err, "open '%s'",
		    mv_path_show(current(w), shown));
	if (fd >= 0 && fstat(fd, &st) < 0)
		return mv_err_sys(err, "look at '%s'",
		    mv_path_show(current(w), shown));
	if (fd < 0 || st.st_dev != w->dev || st.st_ino != w->ino ||
	    !S_ISREG(st.st_mode))
		return mv_err_set(err, MV_ECHANGED, "'%s' was replaced",
		    mv_path_show(current(w), shown));
	*out = mv_take_fd(&fd);
	return 0;
}

int
mv_walk_xattrs(struct mv_walk *w, int fd, struct mv_err *err)
{
	char by_path[MV_PATH_NAME_MAX + 64], shown[MV_PATH_SHOW];
	struct mv_xattr_of of = { .fd = fd, .path = by_path };
	int rc;

	if (w->entered)
		of.fd = w->levels[w->depth - 1].fd;
	/* There is no lgetxattrat(); /proc leads through the parent's fd. */
	(void)snprintf(by_path, sizeof(by_path), "/proc/self/fd/%d/%s",
	    w->levels[w->parent].fd, w->path + w->name_at);
	rc = mv_xattrs_read(&of, &w->entry, &w->xattrs, err);
	return mv_err_ctx(err, rc, "'%s'", mv_path_show(current(w), shown));
}

static bool
is_empty(const struct mv_dirlist *d)
{
	return d->n == 0 || (d->n == 1 &&
	    strcmp((const char *)d->text.p, "lost+found") == 0);
}

static int
open_root(struct mv_walk *w, const char *root, struct mv_err *err)
{
	mv_auto(mv_fd_closep) int fd = -1;
	struct level *lv;
	struct stat st;
	int rc;

	w->root = realpath(root, NULL);
	if (w->root == NULL)
		return mv_err_sys(err, "resolve '%s'", root);
	fd = open_at(w, AT_FDCWD, w->root, O_DIRECTORY);
	if (fd < 0 && errno == ENOTDIR)
		return mv_err_set(err, MV_EUSAGE, "'%s' is no directory", root);
	if (fd < 0 || fstat(fd, &st) < 0)
		return mv_err_sys(err, "open '%s'", root);
	rc = push(w, &fd, &st, err);
	if (rc < 0)
		return rc;
	lv = &w->levels[0];
	lv->loaded = true;
	if (mv_dirlist_load(&lv->list, lv->fd, w->scratch, SCRATCH) < 0)
		return mv_err_sys(err, "read directory '%s'", root);
	if (is_empty(&lv->list) && !w->opts.allow_empty)
		return mv_err_set(err, MV_EREFUSED,
		    "'%s' is empty: is its file system mounted?", root);
	return 0;
}

int
mv_walk_open(const char *root, const struct mv_walk_opts *opts,
    struct mv_walk **out, struct mv_err *err)
{
	mv_auto(mv_walk_freep) struct mv_walk *w = NULL;
	int rc;

	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return mv_err_set(err, MV_ENOMEM, "walk '%s'", root);
	w->opts = *opts;
	w->noatime = O_NOATIME;
	w->groups.groups = true;
	rc = mv_excludes_new(opts->excludes, opts->nexcludes, &w->excludes,
	    err);
	if (rc == 0)
		rc = mv_links_new(&w->links, err);
	if (rc == 0)
		rc = open_root(w, root, err);
	if (rc < 0)
		return rc;
	*out = mv_take(&w);
	return 0;
}

void
mv_walk_counts(const struct mv_walk *w, struct mv_walk_counts *out)
{
	*out = w->counts;
}

void
mv_walk_free(struct mv_walk *w)
{
	size_t i;

	if (w == NULL)
		return;
	for (i = 0; i < w->depth; i++)
		mv_fd_closep(&w->levels[i].fd);
	for (i = 0; i < w->nlevels; i++)
		mv_dirlist_clear(&w->levels[i].list);
	free(w->levels);
	mv_names_clear(&w->users);
	mv_names_clear(&w->groups);
	mv_links_free(w->links);
	mv_excludes_free(w->excludes);
	mv_entry_clear(&w->entry);
	mv_buf_clear(&w->xattrs);
	free(w->root);
	free(w);
}

void
mv_walk_freep(struct mv_walk **w)
{
	mv_walk_free(*w);
}
