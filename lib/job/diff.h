/* SPDX-License-Identifier: MIT */
#ifndef MV_JOB_DIFF_H
#define MV_JOB_DIFF_H

#include "format/manifest.h"
#include "repo/snapshots.h"

/*
 * diff: what changed from one snapshot to another.
 *
 * The sorted manifests are merged, contents compared by the ids of their
 * chunks and tables by the roots of their streams: no data are read.
 */
enum mv_diff_kind { MV_DIFF_ADDED, MV_DIFF_REMOVED, MV_DIFF_CHANGED };

/* What of an entry changed. */
enum mv_diff_what {
	MV_DIFF_TYPE = 1,
	MV_DIFF_CONTENT = 2,
	MV_DIFF_SIZE = 4,
	MV_DIFF_MODE = 8,
	MV_DIFF_MTIME = 16,
	MV_DIFF_OWNER = 32,
	MV_DIFF_XATTRS = 64,
	MV_DIFF_TARGET = 128,
};

/* The side where it is not there is NULL, or has rows and bytes -1. */
struct mv_diff_entry {
	enum mv_diff_kind kind;
	unsigned what;		/* of a changed one */
	const struct mv_entry *from, *to;
};

/* Rows are -1 for tables whose rows are in the archive. */
struct mv_diff_table {
	enum mv_diff_kind kind;
	const char *schema, *name;
	bool rows_changed;	/* the stored rows differ */
	bool columns_changed;
	int64_t from_rows, to_rows;
	int64_t from_bytes, to_bytes;
};

/* Objects of the database that only one side has: "indexes", 2, 1. */
struct mv_diff_schema {
	const char *what;
	uint64_t added, removed, changed;
};

struct mv_diff_each {
	int (*entry)(const struct mv_diff_entry *e, void *arg,
	    struct mv_err *err);
	int (*table)(const struct mv_diff_table *t, void *arg,
	    struct mv_err *err);
	int (*schema)(const struct mv_diff_schema *s, void *arg,
	    struct mv_err *err);
	void *arg;
};

/* Parts that only one side holds are not compared. */
struct mv_diff_report {
	uint32_t compared;		/* enum mv_part */
	bool media_changed;
	uint64_t added, removed, changed;	/* media files and links */
	uint64_t bytes_added, bytes_removed;	/* sizes of these files */
	uint64_t from_version, to_version;	/* of the secrets */
	bool secrets_changed, redis_changed;
};

/*
 * Entries come in the order of their paths, then tables, then schema.  A
 * non-zero result of a callback ends it and is returned.  MV_EAUTH without
 * a reader's key.
 */
int mv_job_diff(struct mv_repo *r, const struct mv_snapshot *from,
    const struct mv_snapshot *to, const struct mv_diff_each *each,
    struct mv_diff_report *out, struct mv_err *err) MV_MUST_CHECK;

/* Two directory entries, whose contents are the same or not. */
unsigned mv_diff_entries(const struct mv_entry *a, const struct mv_entry *b,
    bool same_content);

#endif
