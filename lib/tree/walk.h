/* SPDX-License-Identifier: MIT */
#ifndef MV_TREE_WALK_H
#define MV_TREE_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"
#include "format/manifest.h"

/*
 * walk: a directory tree as manifest entries, in manifest order.
 *
 * Memory is bounded by the names of one directory at each level, and by the
 * paths of files that have several hard links.  No symbolic link beneath the
 * root is ever followed; other file systems mounted beneath it are entered.
 * What cannot be read is reported and left out, and the walk goes on.  A walk
 * belongs to one thread; descriptors that it hands out to any.
 */
struct mv_walk;

enum mv_walk_problem {
	MV_WALK_UNREADABLE,	/* could not be looked at or opened */
	MV_WALK_VANISHED,	/* was removed under our eyes */
	MV_WALK_SPECIAL,	/* fifo, socket or device: never stored */
};

struct mv_walk_opts {
	/*
	 * Paths relative to the root, nelem of them.  A final '/' makes one
	 * fit directories only.  '*', '?' and '[' are those of fnmatch(3) with
	 * FNM_PATHNAME: '*' stops at '/'.  A leading double asterisk and '/'
	 * lets the rest fit at any depth.  What is in an excluded directory is
	 * excluded too.
	 */
	const char *const *excludes;
	size_t nexcludes;
	bool allow_empty;	/* of the root */
	/* NULL, or told of every problem; path is valid during the call. */
	void (*report)(void *arg, enum mv_walk_problem what,
	    struct mv_span path, const struct mv_err *err);
	void *arg;
};

/* What finds a change but is true on this host only: not in the manifest. */
struct mv_walk_stat {
	uint64_t dev;
	uint64_t ino;
	int64_t changed;	/* st_ctim */
	uint32_t changed_nsec;
	uint64_t blocks;	/* of 512 bytes */
	/*
	 * It changed so short a time before it was looked at that another
	 * change may leave the same times.
	 */
	bool fresh;
};

/*
 * Open the tree at root, which is resolved first and may be or hold symbolic
 * links.  MV_ENOTFOUND when it is missing, MV_EUSAGE when it is no directory
 * or an exclude makes no sense, MV_EREFUSED when it is empty (lost+found does
 * not count): a file system is probably not mounted.
 */
int mv_walk_open(const char *root, const struct mv_walk_opts *opts,
    struct mv_walk **out, struct mv_err *err) MV_MUST_CHECK;

/*
 * 1 and the next entry, valid until the next call; 0 at the end.  nchunks,
 * xattrs and extents are not filled in.  The caller may alter the entry.
 */
int mv_walk_next(struct mv_walk *w, struct mv_entry **out,
    struct mv_walk_stat *st, struct mv_err *err) MV_MUST_CHECK;

/*
 * Open the file that mv_walk_next() gave last, for reading; the caller closes
 * *fd.  MV_ENOTFOUND when it vanished, MV_ECHANGED when something else has
 * its name now.
 */
int mv_walk_open_file(struct mv_walk *w, int *fd, struct mv_err *err)
    MV_MUST_CHECK;

/*
 * Read the extended attributes, ACLs among them, of the entry that
 * mv_walk_next() gave last into it; fd is that file when it is open, else -1.
 * They stay valid until the next call of mv_walk_next().
 */
int mv_walk_xattrs(struct mv_walk *w, int fd, struct mv_err *err)
    MV_MUST_CHECK;

/*
 * The caller could not store the last entry: tell report, and let further
 * hard links of the file stand on their own.  With MV_ENOTFOUND in why it
 * counts as vanished.
 */
void mv_walk_skip(struct mv_walk *w, const struct mv_err *why);

struct mv_walk_counts {
	uint64_t entries;
	uint64_t excluded;
	uint64_t unreadable;
	uint64_t vanished;
	uint64_t special;
};
void mv_walk_counts(const struct mv_walk *w, struct mv_walk_counts *out);

void mv_walk_free(struct mv_walk *w);
void mv_walk_freep(struct mv_walk **w);

/* Fill in from st all that a stat knows.  path, names and target stay. */
void mv_tree_entry_stat(struct mv_entry *e, struct mv_walk_stat *ws,
    const struct stat *st);

#endif
