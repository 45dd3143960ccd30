/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_PASSPHRASE_H
#define MV_MASTVAULT_PASSPHRASE_H

#include <stdbool.h>

#include "base/err.h"
#include "secret/secret.h"

/*
 * passphrase: from a file, from a command, or from the terminal; never from
 * an argument or the environment.
 *
 * A file (mode 0600 or less) or a command's output is one line.  The command
 * is split at blanks and run without a shell.
 */
#define MV_PASSPHRASE_MAX 1024
#define MV_PASSPHRASE_MIN 8	/* of a new one, characters */

struct mv_pass_source {
	const char *file;	/* or NULL */
	const char *command;	/* or NULL */
	struct mv_sbuf cached;	/* what it gave first: files share one */
};

void mv_pass_source_clear(struct mv_pass_source *s);

/* Can it answer without a person? */
bool mv_pass_is_unattended(const struct mv_pass_source *s);

/*
 * For mv_job_load_key(): the passphrase of the key file path.  arg is the
 * struct mv_pass_source.  MV_EUSAGE when there is no way to have one.
 */
int mv_pass_of(const char *path, struct mv_sbuf *out, void *arg,
    struct mv_err *err) MV_MUST_CHECK;

/* A new one, which is asked for twice on a terminal. */
int mv_pass_new(const struct mv_pass_source *s, const char *what,
    struct mv_sbuf *out, struct mv_err *err) MV_MUST_CHECK;

/*
 * Ask on the terminal, without showing what is typed.  Signals that arrive
 * meanwhile take effect after the terminal is as it was.
 */
int mv_pass_ask(const char *prompt, struct mv_sbuf *out, struct mv_err *err)
    MV_MUST_CHECK;

#endif
