/* SPDX-License-Identifier: MIT */
#include "mastvault/services.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/stop.h"
#include "mastodon/secret_facts.h"
#include "mastvault/run_command.h"

/* A process that cannot start with its settings is gone by then. */
#define SETTLE_SECONDS 5
#define DETECT_SECONDS 20

static const struct {
	unsigned bit;
	const char *name, *unit;
} kinds[] = {
	{ MV_RESTART_WEB, "web", "mastodon-web" },
	{ MV_RESTART_SIDEKIQ, "sidekiq", "mastodon-sidekiq" },
	{ MV_RESTART_STREAMING, "streaming", "mastodon-streaming" },
};

static const char *const kind_names[] = {
	[MV_SERVICES_NONE] = "none",
	[MV_SERVICES_COMMANDS] = "commands",
	[MV_SERVICES_SYSTEMD] = "systemd",
	[MV_SERVICES_COMPOSE] = "compose",
};

void
mv_services_clear(struct mv_services *s)
{
	mv_strv_clear(&s->units);
}

const char *
mv_services_keeper(void)
{
	if (access("/etc/yunohost", F_OK) == 0)
		return "YunoHost";
	return access("/etc/NIXOS", F_OK) == 0 ? "NixOS" : NULL;
}

void
mv_services_text(unsigned bits, const char *between,
    char out[MV_SERVICES_TEXT])
{
	size_t i, used = 0;

	out[0] = '\0';
	for (i = 0; i < MV_ARRAY_LEN(kinds); i++)
		if (bits & kinds[i].bit)
			used += (size_t)snprintf(out + used,
			    MV_SERVICES_TEXT - used, "%s%s",
			    used > 0 ? between : "", kinds[i].name);
}

static unsigned
bit_of(const struct mv_services *s, const char *unit)
{
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(kinds); i++) {
		if (s->kind == MV_SERVICES_SYSTEMD &&
		    strncmp(unit, kinds[i].unit, strlen(kinds[i].unit)) == 0)
			return kinds[i].bit;
		if (s->kind == MV_SERVICES_COMPOSE &&
		    strstr(unit, kinds[i].name) != NULL)
			return kinds[i].bit;
	}
	return 0;
}

/* The next line of text, cut off at its end; NULL behind the last. */
static char *
next_line(char **text)
{
	char *line = *text, *end;

	if (line == NULL || *line == '\0')
		return NULL;
	end = strchr(line, '\n');
	*text = end != NULL ? end + 1 : line + strlen(line);
	if (end != NULL)
		*end = '\0';
	return line;
}

/* "UNIT LOAD ACTIVE SUB DESCRIPTION": keep what runs, note what is there. */
static int
take_units(struct mv_services *s, char *text, bool *any, struct mv_err *err)
{
	char *line, *unit, *load, *active, *rest;
	int rc = 0;

	*any = false;
	while (rc == 0 && (line = next_line(&text)) != NULL) {
		unit = strtok_r(line, " ", &rest);
		load = strtok_r(NULL, " ", &rest);
		active = strtok_r(NULL, " ", &rest);
		if (unit == NULL || load == NULL || active == NULL ||
		    strcmp(load, "loaded") != 0 || bit_of(s, unit) == 0)
			continue;
		*any = true;
		if (strcmp(active, "active") == 0 ||
		    strcmp(active, "activating") == 0)
			rc = mv_strv_add(&s->units, unit, strlen(unit), err);
	}
	return rc;
}

static int
find_systemd(struct mv_services *s, struct mv_err *err)
{
	const char *const argv[] = { "systemctl", "list-units", "--all",
	    "--plain", "--no-legend", "--no-pager", "--type=service",
	    "mastodon-*", NULL };
	mv_auto(mv_buf_clear) struct mv_buf out = { 0 };
	const struct mv_run run = {
		.argv = argv, .out = &out, .timeout = DETECT_SECONDS,
	};
	bool any = false;
	char *text;
	int rc;

	/* No systemd is no failure. */
	if (mv_run_program(&run, NULL) < 0)
		return 0;
	text = mv_buf_cstr(&out);
	if (text == NULL)
		return mv_buf_failed(&out, err);
	s->kind = MV_SERVICES_SYSTEMD;
	rc = take_units(s, text, &any, err);
	if (rc == 0 && !any)
		s->kind = MV_SERVICES_NONE;
	return rc;
}

static int
find_compose(struct mv_services *s, struct mv_err *err)
{
	const char *const argv[] = { "docker", "compose",
	    "--project-directory", s->env->mastodon, "config", "--services",
	    NULL };
	mv_auto(mv_buf_clear) struct mv_buf out = { 0 };
	const struct mv_run run = {
		.argv = argv, .out = &out, .timeout = DETECT_SECONDS,
	};
	char *text, *line;
	int rc = 0;

	if (s->env->mastodon == NULL || mv_run_program(&run, NULL) < 0)
		return 0;
	text = mv_buf_cstr(&out);
	if (text == NULL)
		return mv_buf_failed(&out, err);
	s->kind = MV_SERVICES_COMPOSE;
	while (rc == 0 && (line = next_line(&text)) != NULL)
		if (bit_of(s, line) != 0)
			rc = mv_strv_add(&s->units, line, strlen(line), err);
	if (s->units.n == 0)
		s->kind = MV_SERVICES_NONE;
	return rc;
}

int
mv_services_find(const struct mv_config_env *env, struct mv_services *out,
    struct mv_err *err)
{
	mv_auto(mv_services_clear) struct mv_services s = { .env = env };
	int rc = 0;

	if ((env->stop_command == NULL) != (env->start_command == NULL))
		return mv_err_set(err, MV_EUSAGE, "[%s] has a %s-command and "
		    "no %s-command: what one does the other has to end",
		    env->name, env->stop_command != NULL ? "stop" : "start",
		    env->stop_command != NULL ? "start" : "stop");
	if (env->stop_command != NULL)
		s.kind = MV_SERVICES_COMMANDS;
	if (s.kind == MV_SERVICES_NONE)
		rc = find_systemd(&s, err);
	/* Mastodon's source has a compose file, too: units come first. */
	if (rc == 0 && s.kind == MV_SERVICES_NONE)
		rc = find_compose(&s, err);
	if (rc < 0)
		return rc;
	*out = s;
	s = (struct mv_services){ 0 };
	return 0;
}

json_t *
mv_services_json(const struct mv_services *s)
{
	json_t *units = json_array();
	size_t i;

	for (i = 0; i < s->units.n; i++)
		json_array_append_new(units, json_string(s->units.v[i]));
	return json_pack("{s:s, s:o}", "kind", kind_names[s->kind], "units",
	    units);
}

int
mv_services_from_json(const struct mv_config_env *env, const json_t *doc,
    struct mv_services *out, struct mv_err *err)
{
	mv_auto(mv_services_clear) struct mv_services s = { .env = env };
	const char *kind = json_string_value(json_object_get(doc, "kind"));
	const json_t *unit;
	size_t i;
	int rc = 0;

	for (i = 0; kind != NULL && i < MV_ARRAY_LEN(kind_names); i++)
		if (strcmp(kind_names[i], kind) == 0)
			s.kind = (enum mv_services_kind)i;
	/* The configuration may have got its commands only now. */
	if (kind == NULL || env->stop_command != NULL ||
	    s.kind == MV_SERVICES_COMMANDS || s.kind == MV_SERVICES_NONE)
		return mv_services_find(env, out, err);
	json_array_foreach(json_object_get(doc, "units"), i, unit)
		if (rc == 0 && json_is_string(unit))
			rc = mv_strv_add(&s.units, json_string_value(unit),
			    json_string_length(unit), err);
	if (rc < 0)
		return rc;
	*out = s;
	s = (struct mv_services){ 0 };
	return 0;
}

/* Run before's words, then the units that bits mean; nothing without any. */
static int
run_for(const struct mv_services *s, unsigned bits, const char *const *before,
    struct mv_err *err)
{
	mv_auto(mv_strv_clear) struct mv_strv argv = { 0 };
	struct mv_run run = { .timeout = s->env->command_timeout };
	size_t i, units = 0;
	int rc = 0;

	for (i = 0; rc == 0 && before[i] != NULL; i++)
		rc = mv_strv_add(&argv, before[i], strlen(before[i]), err);
	for (i = 0; rc == 0 && i < s->units.n; i++) {
		if ((bit_of(s, s->units.v[i]) & bits) == 0)
			continue;
		rc = mv_strv_add(&argv, s->units.v[i], strlen(s->units.v[i]),
		    err);
		units++;
	}
	if (rc < 0 || units == 0)
		return rc;
	run.argv = mv_strv_const(&argv);
	return mv_run_program(&run, err);
}

static int
run_configured(const struct mv_services *s, const char *command,
    unsigned bits, const char *phase, struct mv_err *err)
{
	char names[MV_SERVICES_TEXT];
	const struct mv_run_var vars[] = {
		{ "MASTVAULT_ENVIRONMENT", s->env->name },
		{ "MASTVAULT_SERVICES", names },
		{ "MASTVAULT_PHASE", phase },
	};
	const struct mv_run run = {
		.vars = vars, .nvars = MV_ARRAY_LEN(vars),
		.timeout = s->env->command_timeout,
	};

	mv_services_text(bits, " ", names);
	return mv_run_command(command, &run, err);
}

static int
no_way(struct mv_err *err)
{
	return mv_err_set(err, MV_EREFUSED,
	    "how to stop and start Mastodon is not known");
}

int
mv_services_stop(const struct mv_services *s, unsigned bits,
    const char *phase, struct mv_err *err)
{
	const char *const systemd[] = { "systemctl", "stop", NULL };
	const char *const compose[] = { "docker", "compose",
	    "--project-directory", s->env->mastodon, "stop", NULL };

	switch (s->kind) {
	case MV_SERVICES_COMMANDS:
		return mv_err_ctx(err, run_configured(s,
		    s->env->stop_command, bits, phase, err), "stop-command");
	case MV_SERVICES_SYSTEMD:
		return run_for(s, bits, systemd, err);
	case MV_SERVICES_COMPOSE:
		return run_for(s, bits, compose, err);
	case MV_SERVICES_NONE:
		break;
	}
	return no_way(err);
}

int
mv_services_start(const struct mv_services *s, unsigned bits,
    const char *phase, struct mv_err *err)
{
	const char *const systemd[] = { "systemctl", "start", NULL };
	/* 'restart' would keep the variables that containers were made with. */
	const char *const compose[] = { "docker", "compose",
	    "--project-directory", s->env->mastodon, "up", "-d",
	    "--force-recreate", "--no-deps", NULL };

	switch (s->kind) {
	case MV_SERVICES_COMMANDS:
		return mv_err_ctx(err, run_configured(s,
		    s->env->start_command, bits, phase, err),
		    "start-command");
	case MV_SERVICES_SYSTEMD:
		return run_for(s, bits, systemd, err);
	case MV_SERVICES_COMPOSE:
		return run_for(s, bits, compose, err);
	case MV_SERVICES_NONE:
		break;
	}
	return no_way(err);
}

int
mv_services_verify(const struct mv_services *s, unsigned bits,
    struct mv_err *err)
{
	const char *const argv[] = { "systemctl", "is-active", "--quiet",
	    NULL };
	const struct timespec second = { .tv_sec = 1 };
	size_t i;

	if (s->kind != MV_SERVICES_SYSTEMD || bits == 0)
		return 0;
	for (i = 0; i < SETTLE_SECONDS && !mv_stop_requested(); i++)
		(void)nanosleep(&second, NULL);
	return mv_err_ctx(err, run_for(s, bits, argv, err), "a unit that was "
	    "started does not run");
}

void
mv_services_describe(const struct mv_services *s, unsigned bits,
    struct mv_buf *out)
{
	size_t i;

	if (s->kind == MV_SERVICES_COMMANDS) {
		mv_buf_put_str(out, "stop-command, start-command");
		return;
	}
	mv_buf_put_str(out, kind_names[s->kind]);
	for (i = 0; i < s->units.n; i++)
		if (bit_of(s, s->units.v[i]) & bits)
			mv_buf_printf(out, " %s", s->units.v[i]);
}
