/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_BACKUP_HOW_H
#define MV_MASTVAULT_BACKUP_HOW_H

#include "base/rate.h"
#include "job/backup.h"
#include "mastvault/cli.h"
#include "mastvault/config.h"

/*
 * backup_how: how a run goes about it, whatever it backs up: as the command
 * line says, else as the environment's section does.
 */
struct mv_backup_how {
	struct mv_rate reading, upload;	/* upload is for the context */
	struct mv_backup_opts opts;	/* points into this, so it cannot move */
};

/* MV_EUSAGE for a limit that is none.  how is zeroed before. */
int mv_backup_how(const struct mv_cli *cli, const struct mv_config_env *env,
    struct mv_backup_how *how, struct mv_err *err) MV_MUST_CHECK;
void mv_backup_how_clear(struct mv_backup_how *how);

#endif
