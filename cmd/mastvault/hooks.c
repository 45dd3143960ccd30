/* SPDX-License-Identifier: MIT */
#include "mastvault/hooks.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "base/stop.h"
#include "mastvault/run_command.h"

static int
run(const struct mv_config_env *conf, const char *name, const char *command,
    const struct mv_hook_facts *f, struct mv_err *err)
{
	char code[16];
	const struct mv_run_var vars[] = {
		{ "MASTVAULT_HOOK", name },
		{ "MASTVAULT_ENVIRONMENT", conf->name },
		{ "MASTVAULT_RESULT", f->result },
		{ "MASTVAULT_SNAPSHOT", f->snapshot },
		{ "MASTVAULT_HEAD", f->head },
		{ "MASTVAULT_ERROR", f->error },
		{ "MASTVAULT_EXIT_CODE", f->result != NULL ? code : NULL },
	};
	const struct mv_run run_it = {
		.vars = vars,
		.nvars = MV_ARRAY_LEN(vars),
		.timeout = conf->hook_timeout,
		/* One that tells of the stop runs to its end. */
		.ends_on_stop = !mv_stop_requested(),
	};

	(void)snprintf(code, sizeof(code), "%d", f->exit_code);
	return mv_run_command(command, &run_it, err);
}

int
mv_hook_run(const struct mv_config_env *env, enum mv_hook hook,
    const struct mv_hook_facts *facts, struct mv_err *err)
{
	const struct {
		const char *name, *command;
	} hooks[] = {
		[MV_HOOK_BEFORE] = { "before-backup", env->before_backup },
		[MV_HOOK_AFTER] = { "after-backup", env->after_backup },
		[MV_HOOK_FAILURE] = { "on-failure", env->on_failure },
	};

	if (hooks[hook].command == NULL)
		return 0;
	return mv_err_ctx(err, run(env, hooks[hook].name,
	    hooks[hook].command, facts, err), "%s", hooks[hook].name);
}
