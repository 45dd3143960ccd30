/* SPDX-License-Identifier: MIT */
#ifndef MV_JOB_BACKUP_H
#define MV_JOB_BACKUP_H

#include <stdbool.h>
#include <sys/types.h>

#include <jansson.h>

#include "base/rate.h"
#include "repo/repo.h"
#include "repo/writer.h"

/*
 * backup: one whole Mastodon into one snapshot: database first, then media,
 * then the env-file, so that a media file may be extra and never missing.
 *
 * Returns facts and prints nothing.
 */
struct mv_progress {
	/* What is going on now: "database", "media", "finishing". */
	void (*phase)(const char *name, void *arg);
	/* done and total bytes of this phase; total 0 when unknown. */
	void (*bytes)(uint64_t done, uint64_t total, void *arg);
	void *arg;
};

struct mv_backup_source {
	const char *environment;
	const char *host;
	const char *program;		/* "mastvault 0.1" */

	/* Database: a conninfo or URI without a password. */
	const char *conninfo;
	struct mv_secret *db_password;	/* or NULL */
	const char *const *exec_prefix;	/* database-exec, NULL-terminated, or NULL */
	const char *pg_bin;		/* or NULL */
	const char *pg_snapshot;	/* a snapshot that the caller holds, or NULL */
	uid_t uid;			/* whom peer authentication wants; -1 */
	gid_t gid;
	bool pgbouncer_suspected;	/* PREPARED_STATEMENTS=false */

	const char *media;		/* directory, or NULL */
	const char *media_reason;	/* why there is none */
	const char *const *exclude;	/* NULL-terminated */

	const char *env_file;
	const char *redis;		/* dump file, or NULL */
};

struct mv_backup_opts {
	uint32_t parts;			/* enum mv_part: what to take */
	const char *const *tags;	/* NULL-terminated, or NULL */
	bool dry_run;
	bool allow_shrink;
	bool pinned;			/* evidence: no policy forgets it */
	unsigned jobs;			/* database connections; 0: 2 */
	unsigned workers;		/* 0: cores */
	int level;			/* zstd; 0: 1 */
	struct mv_rate *limit_read;	/* of database, media and Redis; or NULL */
	struct mv_progress progress;
};

/* A short list of names, with the number of all that there were. */
#define MV_NAMED_MAX 100
struct mv_named {
	char **names;		/* owned; at most MV_NAMED_MAX */
	size_t n;
	uint64_t total;
};
int mv_named_add(struct mv_named *l, const void *name, size_t len,
    struct mv_err *err) MV_MUST_CHECK;
void mv_named_clear(struct mv_named *l);

struct mv_backup_report {
	struct mv_id32 snapshot;
	char head[MV_HEAD_TEXT];
	uint32_t parts;
	struct mv_writer_stats stats;
	double seconds;
	double db_seconds, media_seconds;
	uint64_t db_bytes, tables, copied_tables, rows;
	uint64_t media_bytes, files, files_unchanged;
	struct mv_named vanished;	/* media files gone during the walk */
	struct mv_named changing;	/* still changing after three reads */
	struct mv_named unreadable;
	/*
	 * What is wrong with the stores (withheld snapshots, one behind) and
	 * with rows that no secret of the vault decrypts.
	 */
	struct mv_named problems;
	uint64_t redis_bytes;
	int64_t redis_time;		/* when Redis saved it */
	uint64_t vault_version;
	bool vault_added;
	bool rotation_pending;		/* at the end: one of problems, too */
	/*
	 * Whether the vault fits the encrypted rows, as docs/format.md, 7.1
	 * has it; NULL where it was not asked.  Owned.
	 */
	json_t *encrypted;
	char *media_absent;		/* "media not included: ..." or NULL; owned */
};
void mv_backup_report_clear(struct mv_backup_report *r);

/*
 * MV_EREFUSED: pgbouncer, a tree that shrank by more than half;
 * MV_ENOTFOUND: a source that is not there.  A report with changing or
 * unreadable files is a success that cmd/ turns into exit code 3.
 */
int mv_job_backup(struct mv_repo *r, const struct mv_backup_source *src,
    const struct mv_backup_opts *opts, struct mv_backup_report *out,
    struct mv_err *err) MV_MUST_CHECK;

#endif
