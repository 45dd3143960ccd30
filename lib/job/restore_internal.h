/* SPDX-License-Identifier: MIT */
#ifndef MV_RESTORE_INTERNAL_H
#define MV_RESTORE_INTERNAL_H

#include <jansson.h>

#include "job/restore.h"
#include "vault/vault.h"

/* restore_internal: what the parts of one restore share. */
struct mv_restore_run {
	struct mv_repo *repo;
	const struct mv_snapshot *snap;
	const struct mv_restore_opts *opts;
	json_t *detail;
	struct mv_restore_report *report;
};

int mv_restore_db(struct mv_restore_run *run, struct mv_err *err)
    MV_MUST_CHECK;
int mv_restore_media(struct mv_restore_run *run, struct mv_err *err)
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
