/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_HOOKS_H
#define MV_MASTVAULT_HOOKS_H

#include "mastvault/config.h"

/*
 * hooks: commands that the configuration has run around a backup.
 *
 * A command is split at blanks and run without a shell, with nothing on its
 * standard input; what it prints on standard output is dropped.  Its
 * environment is a few harmless variables of ours and what is known of the
 * run: never a secret.
 */
enum mv_hook { MV_HOOK_BEFORE, MV_HOOK_AFTER, MV_HOOK_FAILURE };

/* What is not known is NULL. */
struct mv_hook_facts {
	const char *result;	/* "done", "incomplete", "failed", "interrupted" */
	const char *snapshot;	/* id */
	const char *head;
	const char *error;	/* what was said of a failure */
	int exit_code;
};

/*
 * Run it, if there is one.  MV_EIO with the hook's last words when it fails,
 * or takes longer than hook-timeout and is ended.
 */
int mv_hook_run(const struct mv_config_env *env, enum mv_hook hook,
    const struct mv_hook_facts *facts, struct mv_err *err) MV_MUST_CHECK;

#endif
