/* SPDX-License-Identifier: MIT */
#ifndef MV_TREE_TREE_INTERNAL_H
#define MV_TREE_TREE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "format/manifest.h"

/* exclude: compiled patterns; rules in walk.h. */
struct mv_excludes;

int mv_excludes_new(const char *const *patterns, size_t n,
    struct mv_excludes **out, struct mv_err *err) MV_MUST_CHECK;
/* path ends with a NUL that len does not count. */
bool mv_excludes_match(const struct mv_excludes *x, const char *path,
    size_t len, bool is_dir);
void mv_excludes_free(struct mv_excludes *x);

/* names: the names of users and groups, looked up once each. */
struct mv_names {
	struct mv_name {
		uint32_t id;
		size_t len;
		char text[256];
	} *v;
	size_t n;
	size_t last;		/* index of the last hit */
	bool groups;
};

/* Empty when nobody has this id. */
struct mv_span mv_names_get(struct mv_names *names, uint32_t id);
void mv_names_clear(struct mv_names *names);

/* links: files with several links, by device and inode. */
struct mv_links;

int mv_links_new(struct mv_links **out, struct mv_err *err) MV_MUST_CHECK;
/*
 * 1 and the path that this file was seen under first; 0 when it is new, and
 * is remembered under path; MV_ENOMEM.
 */
int mv_links_seen(struct mv_links *l, uint64_t dev, uint64_t ino,
    struct mv_span path, struct mv_span *first, struct mv_err *err)
    MV_MUST_CHECK;
void mv_links_forget(struct mv_links *l, uint64_t dev, uint64_t ino);
void mv_links_free(struct mv_links *l);

/* dirlist: the names in one directory, sorted bytewise; memory is reused. */
struct mv_dirlist {
	struct mv_dirlist_item {
		size_t at;		/* in text, NUL-terminated */
		uint32_t len;
		uint8_t type;		/* DT_*, DT_UNKNOWN where not told */
	} *items;
	size_t n;
	size_t cap;
	struct mv_buf text;
	bool sorted;			/* so far, while loading */
};

/*
 * Read all names of fd but "." and "..".  0, or -1 with errno; out then holds
 * what was read before.
 */
int mv_dirlist_load(struct mv_dirlist *out, int fd, void *scratch,
    size_t scratch_len);
void mv_dirlist_clear(struct mv_dirlist *d);

/*
 * Whose attributes: those of fd, or when fd is -1 of path.  A final symbolic
 * link is followed only when asked.
 */
struct mv_xattr_of {
	int fd;
	const char *path;
	bool follow;
};

/* Read them into e, sorted; their bytes lie in store. */
int mv_xattrs_read(const struct mv_xattr_of *of, struct mv_entry *e,
    struct mv_buf *store, struct mv_err *err) MV_MUST_CHECK;

#endif
