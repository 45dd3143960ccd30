/* SPDX-License-Identifier: MIT */
#ifndef MV_TREE_EXTRACT_H
#define MV_TREE_EXTRACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "format/manifest.h"

/*
 * extract: entries become files beneath a target directory.
 *
 * Whatever a manifest says and whatever lies in the target already, nothing
 * outside it is written, changed or linked: every directory on the way is
 * opened without following symbolic links.  Nothing is ever deleted; what is
 * there and differs is refused (MV_EEXIST) unless overwrite is set, and even
 * then no directory gives way.  A file appears under its name when it is
 * whole, or not at all.
 *
 * Entries must come in manifest order; they may be some of a manifest, if the
 * directories above each come too (a missing one is made, mode 0700).
 * Directories get their mode, times and attributes when all that is in them
 * has been written.  One thread at a time.
 *
 * A regular file goes like this:
 *
 *	mv_extract_existing()	1: compare the content; if the same
 *				mv_extract_keep(), and that is all
 *	mv_extract_begin()
 *	mv_extract_data()	the content stream's bytes of this file
 *	mv_extract_finish()	or mv_extract_abort()
 *
 * and everything else by mv_extract_put().
 */
struct mv_extract;

struct mv_extract_opts {
	bool overwrite;
	bool numeric_owner;	/* ids, not the names that this host knows */
};

/* Open target, which is made if only it itself is missing. */
int mv_extract_open(const char *target, const struct mv_extract_opts *opts,
    struct mv_extract **out, struct mv_err *err) MV_MUST_CHECK;

/*
 * Make a directory, symbolic link or hard link.  MV_EEXIST when something
 * else is there; the same is kept.  A link to a file that was refused is
 * refused as well.
 */
int mv_extract_put(struct mv_extract *x, const struct mv_entry *e,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * Look at what is in e's place: 0 when mv_extract_begin() may go on; 1 and a
 * descriptor for reading, which the caller closes, when there is a regular
 * file of the same size; MV_EEXIST when what is there differs already in kind
 * or size and must not be overwritten.
 */
int mv_extract_existing(struct mv_extract *x, const struct mv_entry *e,
    int *fd, struct mv_err *err) MV_MUST_CHECK;

/*
 * fd is mv_extract_existing()'s, and its content is e's: give it e's
 * metadata.  A file that has further links, and would have to change, is
 * MV_EEXIST: they may lie outside the target.
 */
int mv_extract_keep(struct mv_extract *x, const struct mv_entry *e, int fd,
    struct mv_err *err) MV_MUST_CHECK;

/* Call it for a file that differs and stays, so that links to it are refused. */
int mv_extract_refuse(struct mv_extract *x, const struct mv_entry *e,
    struct mv_err *err) MV_MUST_CHECK;

/* Begin a file.  e is copied. */
int mv_extract_begin(struct mv_extract *x, const struct mv_entry *e,
    struct mv_err *err) MV_MUST_CHECK;
/* The next bytes.  MV_ECORRUPT when they are more than e's. */
int mv_extract_data(struct mv_extract *x, const void *buf, size_t len,
    struct mv_err *err) MV_MUST_CHECK;
/*
 * Give the file its metadata and its name.  MV_ECORRUPT when bytes were
 * missing, MV_EEXIST when the name was taken.  After an error there is nothing
 * of it.
 */
int mv_extract_finish(struct mv_extract *x, struct mv_err *err)
    MV_MUST_CHECK;
/* Drop the file that was begun, if any. */
void mv_extract_abort(struct mv_extract *x);

/* What could not be restored although the content was. */
#define MV_EXTRACT_SHOWN 10
struct mv_extract_facts {
	uint64_t made;
	uint64_t kept;
	uint64_t owners;	/* files whose owner or group is not e's */
	uint64_t modes;		/* setuid or setgid left out because of that */
	uint64_t xattrs;	/* attributes refused by system or file system */
	size_t nshown;		/* first paths of these, for a person */
	char shown[MV_EXTRACT_SHOWN][MV_PATH_SHOW];
};
void mv_extract_facts(const struct mv_extract *x,
    struct mv_extract_facts *out);

/*
 * Finish all directories and make everything durable (one syncfs).  x must
 * still be freed.
 */
int mv_extract_close(struct mv_extract *x, struct mv_err *err) MV_MUST_CHECK;

void mv_extract_free(struct mv_extract *x);
void mv_extract_freep(struct mv_extract **x);

#endif
