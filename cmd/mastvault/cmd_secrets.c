/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/who.h"
#include "mastodon/secret_facts.h"
#include "mastvault/nearest.h"
#include "mastvault/output.h"
#include "mastvault/secrets.h"

#define ENV_FILE_MAX ((size_t)4 << 20)

#define LOADS 1U	/* wants the versions */
#define SETTLED 2U	/* and that no rotation is under way */

static const struct action {
	const char *name;
	mv_secrets_run *run;
	unsigned min, max;	/* operands behind the name */
	const char *operands;
	unsigned wants;
} actions[] = {
	{ "import", mv_secrets_import, 0, 1, "[ENVFILE]", 0 },
	{ "list", mv_secrets_list, 0, 0, "", LOADS },
	{ "get", mv_secrets_get, 1, 1, "NAME", LOADS },
	{ "set", mv_secrets_set, 1, 1, "NAME", LOADS | SETTLED },
	{ "history", mv_secrets_history, 0, 0, "", LOADS },
	{ "diff", mv_secrets_diff, 2, 2, "VERSION VERSION", LOADS },
	{ "rollback", mv_secrets_rollback, 1, 1, "VERSION", LOADS | SETTLED },
	{ "render", mv_secrets_render, 0, 0, "", LOADS | SETTLED },
	{ "exec", mv_secrets_exec, 1, UINT32_MAX, "-- COMMAND...",
	    LOADS | SETTLED },
	{ "audit", mv_secrets_audit, 0, 0, "", LOADS },
	{ "rotate", mv_secrets_rotate, 0, 256, "NAME..., or --all", 0 },
	{ "recover", mv_secrets_recover, 0, 0, "", 0 },
	{ "check", mv_secrets_check, 0, 0, "", LOADS },
	{ "incident", mv_secrets_incident, 0, 0, "", 0 },
};

static void
secrets_clear(struct mv_secrets *s)
{
	mv_vault_clear(&s->v);
	mv_context_clear(&s->c);
}

int
mv_secrets_newest(struct mv_secrets *s, struct mv_vault_file *file,
    struct mv_dotenv **env, struct mv_err *err)
{
	mv_auto(mv_vault_file_clear) struct mv_vault_file f = { 0 };
	const struct mv_vault_version *newest;
	int rc;

	rc = mv_vault_newest(&s->v, &newest, err);
	if (rc == MV_ENOTFOUND)
		mv_hint("'mastvault secrets import' makes the first version");
	if (rc == 0)
		rc = mv_vault_open(s->c.repo, newest, &f, err);
	if (rc == 0 && env != NULL)
		rc = mv_vault_settings(&f, env, err);
	if (rc < 0 || file == NULL)
		return rc;
	*file = f;
	f = (struct mv_vault_file){ 0 };
	return 0;
}

int
mv_secrets_version(struct mv_secrets *s, const char *word,
    const struct mv_vault_version **out, struct mv_err *err)
{
	const char *digits = word[0] == 'v' ? word + 1 : word;
	uint64_t n;
	char *end;

	if (strcmp(word, "latest") == 0)
		return mv_vault_newest(&s->v, out, err);
	n = strtoull(digits, &end, 10);
	if (digits[0] < '0' || digits[0] > '9' || *end != '\0')
		return mv_err_set(err, MV_EUSAGE, "'%.64s' is no version: a "
		    "number of 'secrets history', or 'latest'", word);
	return mv_vault_number(&s->v, n, out, err);
}

int
mv_secrets_path(struct mv_secrets *s, char **out, struct mv_err *err)
{
	const struct mv_config_env *env = s->c.env;

	if (env == NULL || (env->env_file == NULL && env->mastodon == NULL))
		return mv_err_set(err, MV_EUSAGE, "no configuration says "
		    "where the env-file is: name it");
	if (env->env_file == NULL)
		return mv_path_in(env->mastodon, ".env.production", out, err);
	return mv_path_absolute(env->env_file, out, err);
}

int
mv_secrets_read(const char *path, struct mv_vault_file *out,
    struct mv_err *err)
{
	struct stat st;
	int rc;

	rc = mv_sbuf_read_file(&out->bytes, path, ENV_FILE_MAX, err);
	if (rc < 0)
		return rc;
	if (stat(path, &st) < 0)
		return mv_err_sys(err, "stat '%s'", path);
	out->mode = st.st_mode & 07777;
	out->path = strdup(path);
	return out->path != NULL ? 0 :
	    mv_err_set(err, MV_ENOMEM, "read '%s'", path);
}

/* Where, by whom and why a version is made; the texts live here. */
struct told {
	char host[256], who[MV_WHO_NAME];
	struct mv_vault_reason why;
};

static void
tell(const struct mv_cli *cli, const char *reason, struct told *out)
{
	*out = (struct told){ .why.host = out->host };
	if (gethostname(out->host, sizeof(out->host) - 1) < 0)
		(void)snprintf(out->host, sizeof(out->host), "unknown");
	out->why.operator_name = mv_operator_name(out->who);
	out->why.reason = cli->reason != NULL ? cli->reason : reason;
}

int
mv_secrets_unfinished(struct mv_err *err)
{
	mv_hint("if no 'secrets rotate' is running, 'mastvault secrets "
	    "recover' finishes or undoes it");
	return mv_err_set(err, MV_EREFUSED, "a rotation of secrets is under "
	    "way or was not finished");
}

int
mv_secrets_append(struct mv_secrets *s, const struct mv_vault_file *file,
    const char *reason, uint64_t *number, struct mv_err *err)
{
	struct mv_vault_ref ref;
	struct told told;
	int rc;

	tell(s->cli, reason, &told);
	rc = mv_vault_append(s->c.repo, file, &told.why,
	    &s->v.list[s->v.n - 1].hash, &ref, err);
	if (rc == 0)
		*number = ref.number;
	return rc;
}

int
mv_secrets_spare_rows(struct mv_secrets *s,
    const struct mv_vault_changes *changes, struct mv_err *err)
{
	const struct mv_secret_fact *f;
	size_t i;

	for (i = 0; i < changes->n && !s->cli->yes; i++) {
		f = mv_secret_fact_find(changes->list[i].name);
		if (f == NULL || f->effect != MV_EFFECT_ROWS)
			continue;
		mv_hint("rows of the database are not converted, so all "
		    "that were written under the value in force become "
		    "unreadable; --yes if the database is one that was "
		    "written under the other value");
		return mv_err_set(err, MV_EREFUSED, "%s encrypts rows of the "
		    "database (%s)", f->name, f->protects);
	}
	return 0;
}

/* What would be no version, however it came here. */
static int
check_settings(const struct mv_vault_file *f, struct mv_err *err)
{
	mv_auto(mv_dotenv_freep) struct mv_dotenv *env = NULL;
	int rc = mv_vault_settings(f, &env, err);

	return mv_err_ctx(err, rc, "'%s'", f->path);
}

int
mv_secrets_import(struct mv_secrets *s, struct mv_err *err)
{
	mv_auto(mv_vault_file_clear) struct mv_vault_file f = { 0 };
	mv_auto(mv_freep) char *own = NULL, *path = NULL;
	struct told told;
	struct mv_vault_ref ref;
	bool added = false;
	int rc;

	/* A copy from elsewhere is that of the file that Mastodon reads. */
	rc = mv_secrets_path(s, &own, s->nargs > 0 ? NULL : err);
	if (rc < 0 && s->nargs == 0)
		return rc;
	rc = mv_path_absolute(s->nargs > 0 ? s->args[0] : own, &path, err);
	if (rc == 0)
		rc = mv_secrets_read(path, &f, err);
	if (rc == 0)
		rc = check_settings(&f, err);
	if (rc < 0)
		return rc;
	if (own != NULL) {
		free(f.path);
		f.path = mv_take(&own);
	}
	tell(s->cli, "import", &told);
	rc = mv_vault_import(s->c.repo, &f, &told.why, &ref, &added, err);
	if (rc < 0)
		return rc;
	if (ref.pending)
		return mv_secrets_unfinished(err);
	if (ref.number != ref.newest) {
		mv_hint("'secrets render' writes version %" PRIu64 " into the "
		    "file; 'secrets rollback %" PRIu64 "' makes the older one "
		    "the newest", ref.newest, ref.number);
		return mv_err_set(err, MV_EREFUSED, "%s", ref.problem);
	}
	if (ref.problem[0] != '\0') {
		mv_output_problem("%s", ref.problem);
		*s->exit = MV_EXIT_PARTIAL;
	}
	mv_say("version %" PRIu64 "%s\n", ref.number,
	    added ? ", new" : ", unchanged");
	return mv_output_json(json_pack("{ss sI sb}", "environment",
	    s->c.name, "version", (json_int_t)ref.number, "added", added),
	    err);
}

static const struct action *
find_action(const char *word, struct mv_err *err)
{
	struct mv_nearest near = { .word = word };
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(actions); i++) {
		if (strcmp(actions[i].name, word) == 0)
			return &actions[i];
		mv_nearest_try(&near, actions[i].name);
	}
	(void)mv_err_set(err, MV_EUSAGE, "'secrets %.64s'; did you mean "
	    "'secrets %s'?", word, near.best != NULL ? near.best : "list");
	return NULL;
}

/* The fifth word might be a value: it is not repeated. */
static int
check_operands(const struct action *a, size_t n, struct mv_err *err)
{
	if (n >= a->min && n <= a->max)
		return 0;
	if (a->max == 0)
		return mv_err_set(err, MV_EUSAGE,
		    "'secrets %s' takes options only", a->name);
	if (strcmp(a->name, "set") == 0 && n > 1)
		mv_hint("a value comes from standard input: on the command "
		    "line everybody on this host could have read it, so it "
		    "is burnt");
	return mv_err_set(err, MV_EUSAGE, "'secrets %s' wants: %s", a->name,
	    a->operands);
}

/* Options that the action would ignore are a mistake. */
static int
check_options(const struct mv_cli *cli, const char *name, struct mv_err *err)
{
	const struct {
		bool given;
		const char *option, *actions;
	} list[] = {
		{ cli->reason != NULL, "reason", "import set rollback rotate" },
		{ cli->generate, "generate", "set" },
		{ cli->output != NULL, "output", "render" },
		{ cli->yes, "yes", "set rollback rotate" },
		{ cli->all, "all", "list rotate" },
		{ cli->dry_run, "dry-run", "rotate" },
		{ cli->skip_undecryptable, "skip-undecryptable", "rotate" },
		{ cli->check_database || cli->database != NULL, "database",
		    "check" },
		{ cli->emergency, "emergency", "rotate" },
		{ cli->revoke_tokens, "revoke-tokens", "rotate" },
		{ cli->revoke_sessions, "revoke-sessions", "rotate" },
		{ cli->reset_2fa, "reset-2fa", "rotate" },
		{ cli->no_snapshot, "no-snapshot", "rotate" },
		{ cli->aware != NULL, "aware", "rotate" },
	};
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(list); i++)
		if (list[i].given && strstr(list[i].actions, name) == NULL)
			return mv_err_set(err, MV_EUSAGE,
			    "'secrets %s' knows no option '--%s'", name,
			    list[i].option);
	return 0;
}

int
mv_cmd_secrets(const struct mv_cli *cli, enum mv_exit *exit,
    struct mv_err *err)
{
	mv_auto(secrets_clear) struct mv_secrets s = {
		.cli = cli,
		.exit = exit,
		.args = cli->operands.v + 1,
		.nargs = cli->operands.n - 1,
	};
	const struct action *a = find_action(cli->operands.v[0], err);
	const struct mv_vault_version *before = NULL;
	size_t i;
	int rc;

	if (a == NULL)
		return err->code;
	rc = check_operands(a, s.nargs, err);
	if (rc == 0)
		rc = check_options(cli, a->name, err);
	if (rc == 0)
		rc = mv_context_open(cli, MV_WANT_VAULT, &s.c, err);
	if (rc == 0 && (a->wants & LOADS))
		rc = mv_vault_load(s.c.repo, &s.v, err);
	if (rc == 0 && (a->wants & SETTLED))
		rc = mv_vault_before(s.c.repo, &s.v, &before, err);
	if (rc == 0 && before != NULL)
		rc = mv_secrets_unfinished(err);
	if (rc < 0)
		return rc;
	for (i = 0; i < s.v.nproblems; i++)
		mv_output_problem("%s", s.v.problems[i]);
	if (s.v.nproblems > 0)
		*exit = MV_EXIT_PARTIAL;
	return a->run(&s, err);
}
