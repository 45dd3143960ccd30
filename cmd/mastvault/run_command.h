/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_RUN_COMMAND_H
#define MV_MASTVAULT_RUN_COMMAND_H

#include "base/buf.h"
#include "mastvault/strv.h"

/*
 * run_command: programs that the configuration names, or that we know.
 *
 * They run without a shell.  Their environment is a few harmless variables of
 * ours and those given here: never a secret.
 */
struct mv_run_var {
	const char *name, *value;	/* value NULL: left out */
};

struct mv_run {
	const char *const *argv;
	const struct mv_run_var *vars;
	size_t nvars;
	const void *in;		/* for its standard input, or NULL: none */
	size_t len;
	struct mv_buf *out;	/* what it prints, or NULL: dropped */
	unsigned timeout;	/* seconds */
};

/*
 * MV_EIO with its last words when it fails, or takes longer than timeout and
 * is ended with all that it started; MV_ENOTFOUND when there is no such
 * program.  One that does not read what it is given is no failure.
 */
int mv_run_program(const struct mv_run *run, struct mv_err *err)
    MV_MUST_CHECK;
/* The same for a command that is split at blanks; run->argv is not used. */
int mv_run_command(const char *command, const struct mv_run *run,
    struct mv_err *err) MV_MUST_CHECK;

#endif
