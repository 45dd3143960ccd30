/* SPDX-License-Identifier: MIT */
#ifndef MV_JOB_RESTORE_H
#define MV_JOB_RESTORE_H

#include "format/manifest.h"
#include "job/backup.h"
#include "repo/snapshots.h"
#include "vault/rows.h"
#include "vault/disarm.h"

/*
 * restore: a snapshot, or parts of it, back into the world; and reading it
 * without restoring.  Returns facts and prints nothing.
 */
struct mv_restore_opts {
	uint32_t parts;			/* of those that have a target */
	/* Database */
	const char *conninfo;		/* NULL: not restored */
	struct mv_secret *db_password;
	const char *const *exec_prefix;
	const char *pg_bin;
	uid_t uid;
	gid_t gid;
	bool replace, no_owner, create_roles;
	/*
	 * Convert rows to the version of the vault that is in force now, which
	 * is the env-file that is restored, then, too.
	 */
	bool reencrypt;
	/*
	 * For another environment: the database is made harmless before it
	 * gets its name (vault/disarm.h), an env-file that is not there is
	 * made anew, and one that is there must share nothing with the
	 * snapshot's and is left alone.  Not with redis.
	 */
	bool defused;
	unsigned jobs;			/* 0: cores */
	/* Media */
	const char *media;		/* NULL: not restored */
	bool overwrite;
	const char *const *paths;	/* globs, NULL-terminated; NULL: all */
	/* Secrets */
	const char *env_file;		/* NULL: not restored */
	/* Redis; overwrite counts for it, too */
	const char *redis;		/* NULL: not restored */
	struct mv_progress progress;
};

struct mv_restore_report {
	double seconds;
	uint64_t tables, rows, db_bytes;
	uint64_t files, files_kept, media_bytes;
	struct mv_named owners;		/* files whose owner could not be set */
	struct mv_named notes;		/* "role 'x' is missing: restored without owners" */
	uint64_t vault_version;
	struct mv_rows_report reencrypted;	/* of reencrypt */
	uint64_t reencrypted_to;		/* the version; 0: not asked */
	struct mv_disarm_report defused;	/* what was changed */
	bool env_made;			/* defused: the env-file is new */
	char *old_database;		/* what --replace left behind; owned */
	char *missing_owner;		/* so the database is ours; owned */
};
void mv_restore_report_clear(struct mv_restore_report *r);

/*
 * MV_EREFUSED: the target database holds tables, or a defused copy and this
 * would not be one; a media file differs; an env-file of another environment
 * holds secrets of the snapshot's.  MV_EEXIST: the env-file is there and differs.  Parts that were asked for
 * and that the snapshot does not hold are MV_ENOTFOUND, before anything is
 * touched; so is a missing vault key for reencrypt (MV_EAUTH).  Rows that no
 * generation opens stay as they are and are in the report.
 */
int mv_job_restore(struct mv_repo *r, const struct mv_snapshot *snap,
    const struct mv_restore_opts *opts, struct mv_restore_report *out,
    struct mv_err *err) MV_MUST_CHECK;

/* Every entry of the media tree in order; a non-zero result of each ends it. */
int mv_job_ls(struct mv_repo *r, const struct mv_snapshot *snap,
    int (*each)(const struct mv_entry *e, void *arg, struct mv_err *err),
    void *arg, struct mv_err *err) MV_MUST_CHECK;
/*
 * Tables of the database: those that were copied, with rows and bytes, then
 * those in the archive, with rows -1 and the size that they had on the server.
 */
int mv_job_ls_db(struct mv_repo *r, const struct mv_snapshot *snap,
    int (*each)(const char *schema, const char *name, int64_t rows,
	uint64_t bytes, void *arg, struct mv_err *err),
    void *arg, struct mv_err *err) MV_MUST_CHECK;
/* One media file's content, holes as zeros. */
int mv_job_cat_file(struct mv_repo *r, const struct mv_snapshot *snap,
    const uint8_t *path, size_t len, const struct mv_sink *sink,
    struct mv_err *err) MV_MUST_CHECK;
/* One SQL script that psql -X loads into an empty database. */
int mv_job_cat_db(struct mv_repo *r, const struct mv_snapshot *snap,
    const char *pg_bin, const struct mv_sink *sink, struct mv_err *err)
    MV_MUST_CHECK;
/* The env-file of the snapshot. */
int mv_job_cat_env(struct mv_repo *r, const struct mv_snapshot *snap,
    const struct mv_sink *sink, struct mv_err *err) MV_MUST_CHECK;

/* Redis' dump, as it was. */
int mv_job_cat_redis(struct mv_repo *r, const struct mv_snapshot *snap,
    const struct mv_sink *sink, struct mv_err *err) MV_MUST_CHECK;

/* The detail of a snapshot as JSON text; MV_EAUTH without a reader's key. */
int mv_job_detail(struct mv_repo *r, const struct mv_snapshot *snap,
    struct mv_buf *json, struct mv_err *err) MV_MUST_CHECK;

#endif
