/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_CLI_H
#define MV_MASTVAULT_CLI_H

#include <stdbool.h>

#include "mastvault/strv.h"

#define MV_PROGRAM "mastvault"
#define MV_PROGRAM_VERSION "0.1.0"

/* cli: what was typed. */
enum mv_command_id {
	MV_CMD_INIT,
	MV_CMD_BACKUP,
	MV_CMD_SNAPSHOTS,
	MV_CMD_LS,
	MV_CMD_CAT,
	MV_CMD_FIND,
	MV_CMD_DIFF,
	MV_CMD_STATS,
	MV_CMD_EXPORT,
	MV_CMD_RESTORE,
	MV_CMD_CHECK,
	MV_CMD_KEY,
	MV_CMD_SECRETS,
	MV_CMD_STATUS,
	MV_CMD_HELP,
	MV_NCOMMANDS,
};

struct mv_command {
	enum mv_command_id id;
	const char *name;
	const char *operands;	/* "SNAP [PATH]", or "" */
	unsigned min, max;	/* how many */
	const char *summary;	/* one line */
	const char *text;	/* paragraphs for its own help */
};

struct mv_cli {
	const struct mv_command *command;	/* NULL: none was named */
	struct mv_strv operands;
	bool help, version;
	bool json, quiet;
	unsigned verbose;
	/* NULL, false or 0 where not given. */
	char *config, *env, *kit, *passphrase_file, *new_passphrase_file;
	char *state_dir;
	struct mv_strv stores;
	char *mastodon, *key_dir;
	bool no_passphrase;
	char *database, *media, *env_file;
	char *only;
	struct mv_strv tags, paths;
	bool dry_run, allow_shrink;
	char *pg_snapshot;
	unsigned jobs;
	bool replace, no_owner, create_roles, overwrite, reencrypt, defused;
	char *expect;
	char *role, *label, *out;
	bool keep_identity;
	char *reason, *output;
	bool generate, yes, skip_undecryptable;
	bool check_database;	/* with a connection string, or without */
	bool emergency, revoke_tokens, revoke_sessions, reset_2fa;
	bool no_snapshot;
	char *aware;
	bool read_data;
	char *read_part;	/* "n/t" */
	bool repair_index;
	bool all, ignore_case;
	struct mv_strv excludes, exclude_files;
	char *limit_read, *limit_upload, *redis;
};

void mv_cli_clear(struct mv_cli *cli);

#endif
