/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_SECRETS_H
#define MV_MASTVAULT_SECRETS_H

#include "mastvault/commands.h"
#include "mastvault/context.h"
#include "mastodon/site.h"
#include "vault/changes.h"

/*
 * secrets: what the actions of 'mastvault secrets' share.
 *
 * An action gets the operands behind its name.  No value is ever printed but
 * by 'get', nor handed to any program but by 'exec'.
 */
struct mv_secrets {
	const struct mv_cli *cli;
	struct mv_context c;
	struct mv_vault v;
	char *const *args;
	size_t nargs;
	enum mv_exit *exit;
};

typedef int mv_secrets_run(struct mv_secrets *s, struct mv_err *err);
mv_secrets_run mv_secrets_import, mv_secrets_list, mv_secrets_get,
    mv_secrets_set, mv_secrets_history, mv_secrets_diff, mv_secrets_rollback,
    mv_secrets_render, mv_secrets_exec, mv_secrets_audit, mv_secrets_rotate,
    mv_secrets_recover, mv_secrets_check,
    mv_secrets_emergency, mv_secrets_incident;

/* The newest version, and its settings; either may be NULL. */
int mv_secrets_newest(struct mv_secrets *s, struct mv_vault_file *file,
    struct mv_dotenv **env, struct mv_err *err) MV_MUST_CHECK;
/* "3", "v3" or "latest". */
int mv_secrets_version(struct mv_secrets *s, const char *word,
    const struct mv_vault_version **out, struct mv_err *err) MV_MUST_CHECK;
/*
 * The configured env-file, which need not be there; MV_EUSAGE with a kit.
 * To be freed.
 */
int mv_secrets_path(struct mv_secrets *s, char **out, struct mv_err *err)
    MV_MUST_CHECK;
/* Read an env-file whole; mode and path are set, too. */
int mv_secrets_read(const char *path, struct mv_vault_file *out,
    struct mv_err *err) MV_MUST_CHECK;
/* Append file to the vault as it was loaded; --reason, else reason. */
int mv_secrets_append(struct mv_secrets *s, const struct mv_vault_file *file,
    const char *reason, uint64_t *number, struct mv_err *err) MV_MUST_CHECK;
/* Refuse what must not happen in the middle of a rotation. */
int mv_secrets_unfinished(struct mv_err *err) MV_MUST_CHECK;
/* Refuse, without --yes, what makes encrypted rows unreadable. */
int mv_secrets_spare_rows(struct mv_secrets *s,
    const struct mv_vault_changes *changes, struct mv_err *err)
    MV_MUST_CHECK;

#endif
