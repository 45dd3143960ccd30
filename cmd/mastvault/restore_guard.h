/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_RESTORE_GUARD_H
#define MV_MASTVAULT_RESTORE_GUARD_H

#include "mastvault/context.h"

/*
 * Whose database and env-file are the targets of a restore?  MV_EREFUSED when
 * they are those of another environment of the configuration and it is not
 * --defused, or of this one and it is; MV_EUSAGE for what --defused does not
 * go with.  What a kit restores to, without a configuration, is unknown.
 */
int mv_restore_guard(const struct mv_cli *cli, const struct mv_context *c,
    struct mv_err *err) MV_MUST_CHECK;

#endif
