/* SPDX-License-Identifier: MIT */
#ifndef MV_RESTORE_INTERNAL_H
#define MV_RESTORE_INTERNAL_H

#include <jansson.h>

#include "job/generations.h"
#include "job/restore.h"
#include "postgres/conn.h"
#include "vault/vault.h"

/* restore_internal: what the parts of one restore share. */
struct mv_restore_run {
	struct mv_repo *repo;
	const struct mv_snapshot *snap;
	const struct mv_restore_opts *opts;
	json_t *detail;
	struct mv_restore_report *report;
	struct mv_generations from, to;	/* of reencrypt; to is one */
};

int mv_restore_db(struct mv_restore_run *run, struct mv_err *err)
    MV_MUST_CHECK;
/*
 * Fill from and to: MV_EAUTH without a vault key, before anything is touched.
 */
int mv_restore_generations(struct mv_restore_run *run, struct mv_err *err)
    MV_MUST_CHECK;
/* The version that is in force now. */
int mv_restore_target(struct mv_restore_run *run, struct mv_id32 *hash,
    struct mv_err *err) MV_MUST_CHECK;
/* Convert the rows of a database that is not in use yet. */
int mv_restore_reencrypt(struct mv_restore_run *run, struct mv_pg *pg,
    const char *dbname, struct mv_err *err) MV_MUST_CHECK;
int mv_restore_media(struct mv_restore_run *run, struct mv_err *err)
    MV_MUST_CHECK;
/*
 * MV_EREFUSED where the database that pg names is a defused copy and is about
 * to be replaced by one that is not.
 */
int mv_restore_refuse_defused(struct mv_pg *pg, struct mv_err *err)
    MV_MUST_CHECK;
/*
 * After the tables are made and before they have rows: keep what could take
 * samples of those away from them.
 */
int mv_restore_hold(struct mv_pg *pg, const char *name, struct mv_err *err)
    MV_MUST_CHECK;
/*
 * Make the database `name` of pg's server harmless, mark it so, and gather
 * its statistics.
 */
int mv_restore_defuse(struct mv_restore_run *run, struct mv_pg *pg,
    const char *name, struct mv_err *err) MV_MUST_CHECK;
/* MV_EREFUSED: the env-file there shares secrets with this one. */
int mv_restore_env_compare(struct mv_restore_run *run,
    const struct mv_vault_file *file, struct mv_err *err) MV_MUST_CHECK;
/* An env-file with new secrets, unless there is one. */
int mv_restore_env_new(struct mv_restore_run *run, struct mv_err *err)
    MV_MUST_CHECK;
/* MV_EEXIST when the file is there and must stay. */
int mv_restore_redis_refuse(const struct mv_restore_opts *opts,
    struct mv_err *err) MV_MUST_CHECK;
int mv_restore_redis(struct mv_restore_run *run, struct mv_err *err)
    MV_MUST_CHECK;

/*
 * A snapshot of a rotation binds several versions: replace file and number by
 * those of the one under which the rows are that were just restored.
 */
int mv_restore_fitting(struct mv_restore_run *run, struct mv_vault_file *file,
    uint64_t *number, struct mv_err *err) MV_MUST_CHECK;

#endif
