/* SPDX-License-Identifier: MIT */
#include "mastvault/hooks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/process.h"

/* What programs need to run at all; all else may be somebody's secret. */
static const char *const kept[] = {
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL",
	"LC_CTYPE", "LC_MESSAGES", "TZ", "TMPDIR", "XDG_RUNTIME_DIR",
	"DBUS_SESSION_BUS_ADDRESS", "INVOCATION_ID",
};

static int
put_var(struct mv_strv *env, const char *name, const char *value,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };

	if (value == NULL)
		return 0;
	mv_buf_printf(&text, "%s=%s", name, value);
	if (mv_buf_failed(&text, err) < 0)
		return MV_ENOMEM;
	return mv_strv_add(env, (const char *)text.p, text.len, err);
}

static int
make_env(const struct mv_config_env *conf, const char *hook,
    const struct mv_hook_facts *f, struct mv_strv *env, struct mv_err *err)
{
	const struct {
		const char *name, *value;
	} ours[] = {
		{ "MASTVAULT_HOOK", hook },
		{ "MASTVAULT_ENVIRONMENT", conf->name },
		{ "MASTVAULT_RESULT", f->result },
		{ "MASTVAULT_SNAPSHOT", f->snapshot },
		{ "MASTVAULT_HEAD", f->head },
		{ "MASTVAULT_ERROR", f->error },
	};
	char code[16];
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < MV_ARRAY_LEN(kept); i++)
		rc = put_var(env, kept[i], getenv(kept[i]), err);
	for (i = 0; rc == 0 && i < MV_ARRAY_LEN(ours); i++)
		rc = put_var(env, ours[i].name, ours[i].value, err);
	(void)snprintf(code, sizeof(code), "%d", f->exit_code);
	if (rc == 0 && f->result != NULL)
		rc = put_var(env, "MASTVAULT_EXIT_CODE", code, err);
	return rc;
}

static int
run(const struct mv_config_env *conf, const char *name, const char *command,
    const struct mv_hook_facts *f, struct mv_err *err)
{
	mv_auto(mv_strv_clear) struct mv_strv argv = { 0 };
	mv_auto(mv_strv_clear) struct mv_strv env = { 0 };
	mv_auto(mv_process_freep) struct mv_process *p = NULL;
	struct mv_process_opts opts = {
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
		.timeout = conf->hook_timeout,
	};
	int rc;

	rc = mv_strv_split(&argv, command, err);
	if (rc == 0)
		rc = make_env(conf, name, f, &env, err);
	if (rc < 0)
		return rc;
	opts.argv = mv_strv_const(&argv);
	opts.env = mv_strv_const(&env);
	rc = mv_process_start(&opts, &p, err);
	return rc < 0 ? rc : mv_process_wait(p, NULL, err);
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
