/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_COMMANDS_H
#define MV_MASTVAULT_COMMANDS_H

#include <jansson.h>

#include <sys/types.h>

#include "mastvault/cli.h"
#include "mastvault/exit.h"
#include "repo/snapshots.h"

/*
 * commands: one file each.
 *
 * 0, or the code of err.  A command that finished, but not all well, says so
 * itself and sets *exit; else *exit stays MV_EXIT_DONE.
 */
typedef int mv_command_run(const struct mv_cli *cli, enum mv_exit *exit,
    struct mv_err *err);

mv_command_run mv_cmd_init, mv_cmd_backup, mv_cmd_snapshots, mv_cmd_ls,
    mv_cmd_cat, mv_cmd_find, mv_cmd_diff, mv_cmd_stats, mv_cmd_export,
    mv_cmd_restore, mv_cmd_check, mv_cmd_key,
    mv_cmd_secrets, mv_cmd_status, mv_cmd_help;

struct mv_context;

/* The umask with which the program was started, for what it becomes. */
extern mode_t mv_umask_given;

/* "db,media" to enum mv_part bits; NULL: all of them. */
int mv_parts_parse(const char *text, uint32_t *out, struct mv_err *err)
    MV_MUST_CHECK;
/* ["db", "media"], in the words of --only. */
json_t *mv_parts_json(uint32_t parts);
/* "database, media, secrets" */
#define MV_PARTS_TEXT 64
void mv_parts_text(uint32_t parts, char out[MV_PARTS_TEXT]);

/*
 * Load the list, demand cli's head, report problems, with which the command
 * is done only in part, remember what was seen.
 */
int mv_load_snapshots(const struct mv_cli *cli, struct mv_context *c,
    struct mv_snapshots *out, enum mv_exit *exit, struct mv_err *err)
    MV_MUST_CHECK;

/* The id's first 12 digits, which is how snapshots are called in lists. */
#define MV_SHORT_ID 13
void mv_short_id(const struct mv_id32 *id, char out[MV_SHORT_ID]);

#endif
