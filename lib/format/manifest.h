/* SPDX-License-Identifier: MIT */
#ifndef MV_FORMAT_MANIFEST_H
#define MV_FORMAT_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/sink.h"

/*
 * manifest: the files of a tree as a sorted stream of records.
 *
 * Each record has exactly one encoding; a decoder refuses every other.
 * "varint" and "bytes" are those of base/buf.h: LEB128 in its shortest form,
 * and a varint length followed by that many bytes.  "zigzag" is a varint of
 * (v << 1) ^ (v >> 63), for signed numbers.
 *
 *	varint	length of all that follows, at most 1048576
 *	u8	type: 1 directory, 2 file, 3 symbolic link, 4 hard link
 *	u8	flags: 0x01 owner name, 0x02 group name, 0x04 xattrs,
 *		0x08 extents; all others 0
 *	bytes	path
 *  type 4, which has no flags, ends with
 *	bytes	path of the earlier file record that it is a link to
 *  all other types go on with
 *	varint	mode: the 12 lowest bits of st_mode
 *	varint	uid, below 2^32
 *	varint	gid, below 2^32
 *	zigzag	mtime, seconds since 1970
 *	varint	mtime, nanoseconds, at most 999999999
 *	bytes	owner's name, if flag 0x01: 1 to 255 bytes
 *	bytes	group's name, if flag 0x02: 1 to 255 bytes
 *  type 2
 *	varint	size in bytes, below 2^63
 *	varint	nchunks: how many chunks of the content stream are this file's
 *	if flag 0x08:
 *	varint	number of extents (0 is a file that is one hole)
 *	each	varint	distance from the end of the extent before, or from 0
 *		varint	length, at least 1
 *  type 3
 *	bytes	target: 1 to 4095 bytes
 *  if flag 0x04
 *	varint	number of extended attributes, at least 1
 *	each	bytes	name: 1 to 255 bytes, bytewise greater than the last
 *		bytes	value
 *
 * Only types 2 may have flag 0x08.  Extents are where a sparse file has data;
 * the content stream holds these bytes only, one extent after the other, and
 * the rest reads as zeros.  A distance is 0 for the first extent only; no
 * extent ends beyond size.  Without the flag the whole file is data: the flag
 * is not set for one extent that covers all, nor for an empty file.  nchunks
 * is 0 when there is no data, else between 1 and the number of data bytes.
 *
 * A path is relative to the root, at most 4096 bytes, its components 1 to 255
 * bytes joined by '/', none of them "." or "..".  The root itself has the
 * empty path, is a directory, and is the first record.  Paths, names and
 * targets are bytes, in no encoding, without NUL.
 *
 * Records are sorted by mv_path_cmp(), strictly: bytewise, where '/' counts
 * as lower than every other byte.  A directory thus comes right before all
 * that is in it.  The parent of every record is a directory record before
 * it.  The target of a hard link is lower than its own path.
 */
#define MV_ENTRY_MAX (1U << 20)
#define MV_PATH_MAX 4096
#define MV_PATH_NAME_MAX 255
#define MV_SYMLINK_MAX 4095

enum mv_entry_type {
	MV_ENTRY_DIR = 1,
	MV_ENTRY_FILE = 2,
	MV_ENTRY_SYMLINK = 3,
	MV_ENTRY_HARDLINK = 4,
};

/* Bytes that belong to somebody else. */
struct mv_span {
	const uint8_t *p;
	size_t len;
};

struct mv_xattr {
	struct mv_span name;
	struct mv_span value;
};

struct mv_extent {
	uint64_t offset;
	uint64_t len;
};

/*
 * One record.  Spans point into what was decoded, or wherever its maker says;
 * the two arrays are the entry's own and are kept for reuse between entries.
 * For a hard link only type, path and target count.
 */
struct mv_entry {
	enum mv_entry_type type;
	struct mv_span path;
	struct mv_span target;		/* of a symbolic or hard link */
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	struct mv_span owner;		/* names may be empty */
	struct mv_span group;
	int64_t mtime;
	uint32_t mtime_nsec;
	uint64_t size;
	uint64_t nchunks;
	bool sparse;			/* extents count; else all is data */
	struct mv_extent *extents;
	size_t nextents;
	size_t extents_cap;
	struct mv_xattr *xattrs;	/* sorted by name */
	size_t nxattrs;
	size_t xattrs_cap;
};

/* Frees the arrays; zeroed again. */
void mv_entry_clear(struct mv_entry *e);
/* All fields as zeroed, the arrays' memory kept. */
void mv_entry_reset(struct mv_entry *e);

/* Append at the end of the array; the caller keeps the order. */
int mv_entry_add_xattr(struct mv_entry *e, struct mv_span name,
    struct mv_span value, struct mv_err *err) MV_MUST_CHECK;
int mv_entry_add_extent(struct mv_entry *e, uint64_t offset, uint64_t len,
    struct mv_err *err) MV_MUST_CHECK;

/* How many bytes of the content stream belong to e (of a checked entry). */
uint64_t mv_entry_data_size(const struct mv_entry *e);

/* Append e's record.  MV_EUSAGE names the file when e has no encoding. */
int mv_entry_encode(const struct mv_entry *e, struct mv_buf *out,
    struct mv_err *err) MV_MUST_CHECK;

/* Take one record; e was zeroed or used before.  MV_ECORRUPT. */
int mv_entry_decode(struct mv_cur *c, struct mv_entry *e, struct mv_err *err)
    MV_MUST_CHECK;

/* Below, equal to or above 0 as a comes before, is, or comes after b. */
int mv_path_cmp(struct mv_span a, struct mv_span b);
/* Whether path lies beneath dir (is not dir itself). */
bool mv_path_is_beneath(struct mv_span path, struct mv_span dir);
/* The path without its last component; the root's is empty too. */
struct mv_span mv_path_parent(struct mv_span path);
/* Whether these bytes are a path as described above. */
bool mv_path_is_valid(struct mv_span path);

#define MV_PATH_SHOW 256
/*
 * The path for a person's eyes: what is not printable ASCII as \xNN, the
 * root as ".", cut with "..." when long.  Returns out.
 */
const char *mv_path_show(struct mv_span path, char out[MV_PATH_SHOW]);

/*
 * Reads a manifest from a source, one record after the other, in constant
 * memory, and holds it to all that is said above about order and parents
 * (that a hard link's target is a file is for the extractor to see).
 * src.arg must outlive it.
 */
struct mv_manifest_reader;

int mv_manifest_reader_new(struct mv_source src,
    struct mv_manifest_reader **out, struct mv_err *err) MV_MUST_CHECK;
/*
 * 1 and the next entry, which is valid until the next call; 0 at the end.
 * MV_ECORRUPT for what is no manifest, also when it is empty or cut short.
 */
int mv_manifest_next(struct mv_manifest_reader *r,
    const struct mv_entry **out, struct mv_err *err) MV_MUST_CHECK;
void mv_manifest_reader_free(struct mv_manifest_reader *r);
void mv_manifest_reader_freep(struct mv_manifest_reader **r);

#endif
