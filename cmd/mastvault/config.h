/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_CONFIG_H
#define MV_MASTVAULT_CONFIG_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "mastvault/strv.h"

/*
 * config: mastvault.conf, a section per environment.
 *
 * Read strictly: what is not understood as a whole is refused with its line,
 * because a key that is silently lost or cut is a backup that is silently
 * not made.  Lines are "[name]", "key = value", or comments that begin with
 * ';' or '#'; nothing is indented, continued, quoted or commented behind.
 */
struct mv_config_env {
	char *name;
	unsigned line;
	char *mastodon;		/* NULL: nothing is backed up on this host */
	char *env_file;		/* NULL: follows from mastodon, as all below */
	char *media;		/* "none": not part of the backup */
	char *database;		/* conninfo */
	char *database_exec;
	char *key_dir;
	char *state_dir;
	char *pg_bin;
	char *redis;		/* dump file */
	char *before_backup, *after_backup, *on_failure;
	char *limit_read, *limit_upload;	/* "20M" */
	unsigned hook_timeout;	/* seconds */
	/* Around a rotation of secrets. */
	char *stop_command, *start_command, *verify_command;
	struct mv_strv apply_commands;
	unsigned command_timeout;	/* seconds */
	char *passphrase_file;
	char *passphrase_command;
	struct mv_strv stores;
	struct mv_strv excludes, exclude_files;
	unsigned min_free;	/* per cent */
	unsigned max_secret_age;	/* seconds; 0: no limit */
	unsigned jobs;		/* 0: the default */
	unsigned level;		/* of zstd; 0: the default */
	unsigned max_age;	/* seconds; older is an alarm of status */
};

struct mv_config {
	struct mv_config_env *envs;
	size_t n;
};

#define MV_CONFIG_DEFAULT "/etc/mastvault/mastvault.conf"
#define MV_CONFIG_MAX (1024 * 1024)

/*
 * Read text; name is the file's, for error texts ("FILE:12: ...").  What a
 * section leaves out has its default afterwards.  MV_EUSAGE.
 */
int mv_config_parse(const char *name, const void *text, size_t len,
    struct mv_config *out, struct mv_err *err) MV_MUST_CHECK;
void mv_config_clear(struct mv_config *c);

/* The file to use: given, else $MASTVAULT_CONFIG, else the default. */
const char *mv_config_path(const char *given);

/*
 * Read the file.  MV_EUSAGE also when others than its owner may write to it
 * (it names commands that we run), or when it is neither root's nor ours.
 * MV_ENOTFOUND when there is none.
 */
int mv_config_load(const char *path, struct mv_config *out,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * The environment called name; with NULL the only one there is.  MV_EUSAGE
 * lists the names.
 */
int mv_config_pick(const struct mv_config *c, const char *path,
    const char *name, const struct mv_config_env **out, struct mv_err *err)
    MV_MUST_CHECK;

/* Is name fit to be a section's? */
int mv_config_name_ok(const char *name, size_t len);

/*
 * Add a section to the file, which is made if absent; what is there stays,
 * byte for byte, and a crash leaves the old file or the new one.  MV_EEXIST
 * when it has a section of that name already, MV_EUSAGE for a value that the
 * file cannot hold.
 */
int mv_config_append(const char *path, const struct mv_config_env *env,
    struct mv_err *err) MV_MUST_CHECK;
/* Could a section be added to the file, or the file be made?  Leaves no trace. */
int mv_config_try(const char *path, struct mv_err *err) MV_MUST_CHECK;
/* Can the file hold it?  As above, without writing. */
int mv_config_check(const struct mv_config_env *env, struct mv_err *err)
    MV_MUST_CHECK;
/* The section as text. */
int mv_config_print(const struct mv_config_env *env, struct mv_buf *out,
    struct mv_err *err) MV_MUST_CHECK;

#endif
