/* SPDX-License-Identifier: MIT */
#include "mastvault/rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/stop.h"
#include "base/who.h"
#include "mastvault/output.h"
#include "mastvault/run_command.h"

/* For sessions to end, and for a database to come back. */
#define PATIENCE_MAX 30

void
mv_rotate_clear(struct mv_rotate *r)
{
	mv_services_clear(&r->services);
	mv_strv_clear(&r->database_exec);
	mv_revoke_clear(&r->revoke);
	json_decref(r->extra);
	r->extra = NULL;
}

static const char *
phase_of(bool undo)
{
	return undo ? "undo" : "rotate";
}

/*
 * Which way it goes is known from the steps: the hooks for services are not
 * told.
 */
static bool going_back;

static void
on_step(enum mv_rotation_step step, bool undo, void *arg)
{
	static const char *const words[MV_NSTEPS] = {
		[MV_STEP_STOP] = "stopping Mastodon",
		[MV_STEP_DATABASE] = "encrypting rows anew",
		[MV_STEP_ROLE] = "changing the database's password",
		[MV_STEP_REDIS] = "changing Redis' password",
		[MV_STEP_FILE] = "writing the env-file",
		[MV_STEP_APPLY] = "applying",
		[MV_STEP_START] = "starting Mastodon",
		[MV_STEP_VERIFY] = "verifying",
		[MV_STEP_SWEEP] = "looking for rows with the other key",
	};
	const struct mv_rotate *r = arg;

	if (undo && !going_back)
		mv_say("Going back to the old secrets.\n");
	going_back = undo;
	if (r->s->cli->verbose > 0 && words[step] != NULL)
		mv_say("  %s\n", words[step]);
}

static int
on_stop(unsigned services, void *arg, struct mv_err *err)
{
	struct mv_rotate *r = arg;

	return mv_services_stop(&r->services, services, phase_of(going_back),
	    err);
}

static int
on_start(unsigned services, void *arg, struct mv_err *err)
{
	struct mv_rotate *r = arg;

	r->bits = services;
	return mv_services_start(&r->services, services,
	    phase_of(going_back), err);
}

static int
run_with(struct mv_rotate *r, const char *command,
    const struct mv_sbuf *values, bool undo, struct mv_err *err)
{
	const struct mv_run_var vars[] = {
		{ "MASTVAULT_ENVIRONMENT", r->s->c.name },
		{ "MASTVAULT_PHASE", phase_of(undo) },
	};
	const struct mv_run run = {
		.vars = vars, .nvars = MV_ARRAY_LEN(vars),
		.in = values->p, .len = values->len,
		.timeout = r->s->c.env->command_timeout,
		.ends_on_stop = true,
	};

	return mv_run_command(command, &run, err);
}

static int
on_verify(const struct mv_sbuf *values, bool undo, void *arg,
    struct mv_err *err)
{
	struct mv_rotate *r = arg;
	const char *command = r->s->c.env->verify_command;
	int rc;

	rc = mv_services_verify(&r->services, r->bits, err);
	if (rc == 0 && command != NULL)
		rc = mv_err_ctx(err, run_with(r, command, values, undo, err),
		    "verify-command");
	return rc;
}

static int
on_apply(const struct mv_sbuf *values, bool undo, void *arg,
    struct mv_err *err)
{
	struct mv_rotate *r = arg;
	const struct mv_strv *list = &r->s->c.env->apply_commands;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < list->n; i++)
		rc = mv_err_ctx(err, run_with(r, list->v[i], values, undo,
		    err), "apply-command");
	return rc;
}

static int
set_place(struct mv_rotate *r, struct mv_err *err)
{
	const struct mv_config_env *env = r->s->c.env;
	int rc = 0;

	if (env == NULL || env->mastodon == NULL)
		return mv_err_set(err, MV_EUSAGE, "no configuration says "
		    "where Mastodon is: secrets are rotated on its host");
	if (gethostname(r->host, sizeof(r->host) - 1) < 0)
		(void)snprintf(r->host, sizeof(r->host), "unknown");
	if (env->database_exec != NULL)
		rc = mv_strv_split(&r->database_exec, env->database_exec,
		    err);
	r->place = (struct mv_rotation_place){
		.repo = r->s->c.repo,
		.environment = r->s->c.name,
		.state_dir = r->s->c.state_dir,
		.host = r->host,
		.operator_name = mv_operator_name(r->who),
		.site = { .dir = env->mastodon, .env_file = env->env_file },
		.conninfo = env->database,
		.exec_prefix = mv_strv_const(&r->database_exec),
		.pg_bin = env->pg_bin,
	};
	return rc;
}

int
mv_rotate_init(struct mv_rotate *r, struct mv_secrets *s,
    const struct mv_journal *j, struct mv_err *err)
{
	int rc;

	r->s = s;
	rc = set_place(r, err);
	if (rc == 0)
		rc = mv_services_from_json(s->c.env, j != NULL ?
		    json_object_get(j->extra, "services") : NULL,
		    &r->services, err);
	if (rc < 0)
		return rc;
	r->hooks = (struct mv_rotation_hooks){
		.stop = on_stop,
		.start = on_start,
		.verify = on_verify,
		.apply = on_apply,
		.step = on_step,
		.arg = r,
	};
	r->extra = json_pack("{s:o}", "services",
	    mv_services_json(&r->services));
	r->opts = (struct mv_rotation_opts){
		.reason = s->cli->reason,
		.skip_undecryptable = s->cli->skip_undecryptable,
		.all = s->cli->all,
		/* Who is told to stop quickly must not be waited for long. */
		.patience = s->c.env->command_timeout < PATIENCE_MAX ?
		    s->c.env->command_timeout : PATIENCE_MAX,
		.extra = r->extra,
	};
	if (j != NULL)
		mv_emergency_resume(r, j->extra);
	return 0;
}

static bool
needs_provider(const struct mv_rotation_plan *plan, const char **name)
{
	size_t i;

	for (i = 0; i < plan->n; i++) {
		if (plan->items[i].fact->effect != MV_EFFECT_OUTSIDE)
			continue;
		*name = plan->items[i].fact->name;
		return true;
	}
	return false;
}

int
mv_rotate_feasible(struct mv_rotate *r, const struct mv_rotation_plan *plan,
    struct mv_err *err)
{
	const struct mv_config_env *env = r->s->c.env;
	const char *keeper = mv_services_keeper(), *name;
	char services[MV_SERVICES_TEXT];

	if (keeper != NULL && env->apply_commands.n == 0) {
		mv_hint("write 'apply-command = PROGRAM' into [%s] of the "
		    "configuration: it gets the new values as NAME=value "
		    "lines on standard input and writes them to where %s "
		    "keeps them", env->name, keeper);
		return mv_err_set(err, MV_EREFUSED, "%s writes the env-file "
		    "anew from its own settings, and would bring the old "
		    "values back", keeper);
	}
	mv_services_text(plan->services, ", ", services);
	if (plan->services != 0 && r->services.kind == MV_SERVICES_NONE) {
		mv_hint("write 'stop-command = ...' and 'start-command = "
		    "...' into [%s] of the configuration, as 'systemctl stop "
		    "UNIT...' and 'systemctl start UNIT...'; they run "
		    "without a shell, and MASTVAULT_SERVICES says which of "
		    "web, sidekiq and streaming is meant", env->name);
		return mv_err_set(err, MV_EREFUSED, "%s must be restarted, "
		    "and neither units mastodon-* of systemd nor docker "
		    "compose are there", services);
	}
	if (needs_provider(plan, &name) && env->verify_command == NULL) {
		mv_hint("write 'verify-command = PROGRAM' into [%s] of the "
		    "configuration: it gets the new values as NAME=value "
		    "lines on standard input and ends with 0 if they work",
		    env->name);
		return mv_err_set(err, MV_EREFUSED, "whether the new %s "
		    "works cannot be seen from here", name);
	}
	return 0;
}

static void
on_signal(int sig)
{
	(void)sig;
	mv_stop_request();
}

void
mv_rotate_signals(void)
{
	const struct sigaction stop = { .sa_handler = on_signal };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	(void)sigaction(SIGINT, &stop, NULL);
	(void)sigaction(SIGTERM, &stop, NULL);
	(void)sigaction(SIGHUP, &ignore, NULL);
}

int
mv_rotate_run(struct mv_rotate *r, const struct mv_rotation_plan *plan,
    struct mv_rotation_report *out, struct mv_err *err)
{
	int rc;

	mv_rotate_signals();
	going_back = false;
	r->bits = plan->services;
	rc = mv_rotation_run(&r->place, plan, &r->opts, &r->hooks, out, err);
	if (out->outcome == MV_ROTATION_UNFINISHED)
		mv_hint("when the cause is gone, 'mastvault secrets recover' "
		    "goes on; Mastodon may be stopped until then");
	return rc;
}

int
mv_rotate_recover(struct mv_rotate *r, struct mv_rotation_report *out,
    struct mv_err *err)
{
	int rc;

	mv_rotate_signals();
	going_back = false;
	rc = mv_rotation_recover(&r->place, &r->opts, &r->hooks, out, err);
	if (rc < 0 && out->outcome == MV_ROTATION_UNFINISHED)
		mv_hint("when the cause is gone, run 'mastvault secrets "
		    "recover' again; Mastodon may be stopped until then");
	if (rc == 0)
		mv_rotate_say_report(out);
	return rc < 0 ? rc : mv_emergency_end(r, out, rc, err);
}

static int
read_answer(int fd, char *out, size_t size, struct mv_err *err)
{
	size_t used = 0;
	ssize_t n;

	while (used + 1 < size) {
		if (mv_fd_wait(fd, "the terminal", NULL) == MV_EINTR)
			return mv_err_set(err, MV_EINTR, "interrupted: "
			    "nothing was changed");
		n = read(fd, out + used, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mv_err_sys(err, "read the terminal");
		if (n == 0 || out[used] == '\n')
			break;
		used++;
	}
	out[used] = '\0';
	return 0;
}

int
mv_rotate_confirm(struct mv_rotate *r, const char *what, struct mv_err *err)
{
	mv_auto(mv_fd_closep) int fd = -1;
	char question[512], answer[128];
	int rc;

	if (r->s->cli->yes)
		return 0;
	fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		mv_hint("--dry-run shows what would be done, --yes does it");
		return mv_err_set(err, MV_EUSAGE,
		    "there is no terminal to ask for a confirmation on");
	}
	(void)snprintf(question, sizeof(question), "%s of '%s' on %s.  Type "
	    "the environment's name to go on: ", what, r->s->c.name,
	    r->host);
	rc = mv_fd_write(fd, question, strlen(question), "terminal", err);
	if (rc == 0)
		rc = read_answer(fd, answer, sizeof(answer), err);
	if (rc == 0 && strcmp(answer, r->s->c.name) != 0)
		rc = mv_err_set(err, MV_EREFUSED,
		    "not confirmed: nothing was changed");
	return rc;
}
