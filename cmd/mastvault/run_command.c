/* SPDX-License-Identifier: MIT */
#include "mastvault/run_command.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/process.h"

/* What a program may print that we read. */
#define OUT_MAX ((size_t)1 << 20)

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
make_env(const struct mv_run *run, struct mv_strv *env, struct mv_err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < MV_ARRAY_LEN(kept); i++)
		rc = put_var(env, kept[i], getenv(kept[i]), err);
	for (i = 0; rc == 0 && i < run->nvars; i++)
		rc = put_var(env, run->vars[i].name, run->vars[i].value, err);
	return rc;
}

static int
read_out(struct mv_process *p, struct mv_buf *out, const char *what,
    struct mv_err *err)
{
	size_t got = 1;
	int rc = 0;

	while (rc == 0 && got > 0) {
		if (out->len > OUT_MAX || mv_buf_reserve(out, 4096) < 0)
			return mv_err_set(err, MV_ENOMEM, "read from '%s'",
			    what);
		rc = mv_fd_read(mv_process_out(p), out->p + out->len, 4096,
		    &got, what, err);
		out->len += rc == 0 ? got : 0;
	}
	return rc;
}

int
mv_run_program(const struct mv_run *run, struct mv_err *err)
{
	mv_auto(mv_strv_clear) struct mv_strv env = { 0 };
	mv_auto(mv_process_freep) struct mv_process *p = NULL;
	struct mv_process_opts opts = {
		.argv = run->argv,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
		.pipe_in = run->in != NULL,
		.pipe_out = run->out != NULL,
		.timeout = run->timeout,
	};
	int rc;

	rc = make_env(run, &env, err);
	if (rc < 0)
		return rc;
	opts.env = mv_strv_const(&env);
	rc = mv_process_start(&opts, &p, err);
	if (rc < 0)
		return rc;
	/* Its exit status says more than a pipe that nobody reads. */
	if (run->in != NULL)
		(void)!mv_fd_write(mv_process_in(p), run->in, run->len,
		    run->argv[0], NULL);
	mv_process_close_in(p);
	if (run->out != NULL)
		rc = read_out(p, run->out, run->argv[0], err);
	return rc < 0 ? rc : mv_process_wait(p, NULL, err);
}

int
mv_run_command(const char *command, const struct mv_run *run,
    struct mv_err *err)
{
	mv_auto(mv_strv_clear) struct mv_strv argv = { 0 };
	struct mv_run whole = *run;
	int rc;

	rc = mv_strv_split(&argv, command, err);
	if (rc < 0)
		return rc;
	whole.argv = mv_strv_const(&argv);
	return mv_run_program(&whole, err);
}
