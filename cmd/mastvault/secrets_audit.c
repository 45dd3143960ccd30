/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/time.h"
#include "mastvault/output.h"
#include "mastvault/secrets.h"
#include "vault/audit.h"

/* Another environment of the configuration, as far as keys here open it. */
static int
open_other(struct mv_secrets *s, const struct mv_config_env *env,
    struct mv_dotenv **out, struct mv_err *err)
{
	mv_auto(mv_context_clear) struct mv_context c = { 0 };
	mv_auto(mv_vault_clear) struct mv_vault v = { 0 };
	mv_auto(mv_vault_file_clear) struct mv_vault_file f = { 0 };
	const struct mv_vault_version *newest;
	struct mv_cli cli = {
		.config = s->cli->config, .env = env->name,
		.passphrase_file = s->cli->passphrase_file,
	};
	int rc;

	rc = mv_context_open(&cli, MV_WANT_VAULT, &c, err);
	if (rc == 0)
		rc = mv_vault_load(c.repo, &v, err);
	if (rc == 0)
		rc = mv_vault_newest(&v, &newest, err);
	if (rc == 0)
		rc = mv_vault_open(c.repo, newest, &f, err);
	return rc < 0 ? rc : mv_vault_settings(&f, out, err);
}

static int
audit_others(struct mv_secrets *s, struct mv_audit *a,
    const struct mv_dotenv *env, struct mv_err *err)
{
	char text[MV_ERR_TEXT_MAX];
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < s->c.config.n; i++) {
		const struct mv_config_env *other = &s->c.config.envs[i];
		mv_auto(mv_dotenv_freep) struct mv_dotenv *theirs = NULL;
		struct mv_err own = { 0 };

		if (other == s->c.env)
			continue;
		if (open_other(s, other, &theirs, &own) == 0) {
			rc = mv_audit_shared(a, s->c.name, env, other->name,
			    theirs, err);
			continue;
		}
		(void)mv_err_text(&own, text, sizeof(text));
		mv_hint(NULL);
		rc = mv_audit_leave(a, err, "what is shared with '%s': %s",
		    other->name, text);
	}
	return rc;
}

/* The file itself, and who was started with it. */
static int
audit_host(struct mv_secrets *s, struct mv_audit *a, struct mv_err *err)
{
	const struct mv_config_env *conf = s->c.env;
	const struct mv_site_opts opts = {
		.dir = conf->mastodon, .env_file = conf->env_file,
	};
	mv_auto(mv_vault_file_clear) struct mv_vault_file f = { 0 };
	mv_auto(mv_site_freep) struct mv_site *site = NULL;
	mv_auto(mv_freep) char *path = NULL;
	uint64_t number = 0, newest;
	int rc;

	rc = mv_site_open(&opts, &site, err);
	if (rc == 0)
		rc = mv_path_absolute(site->env_file, &path, err);
	if (rc == 0)
		rc = mv_audit_file(a, s->c.name, path, err);
	if (rc == 0)
		rc = mv_audit_running(a, s->c.name, conf->mastodon, site->uid,
		    site->env, err);
	if (rc == 0)
		rc = mv_secrets_read(path, &f, err);
	if (rc == 0)
		rc = mv_vault_which(s->c.repo, &s->v, &f.bytes, &number, err);
	newest = s->v.list[s->v.n - 1].number;
	if (rc < 0 || number == 0 || number == newest)
		return rc;
	return mv_audit_find(a, "older-version", s->c.name, NULL, err,
	    "'%s' holds version %" PRIu64 " again, which version %" PRIu64
	    " replaced: find out what brought it back; 'secrets render' "
	    "writes the newest", path, number, newest);
}

/* What was begun and not ended outweighs all else. */
static int
audit_rotation(struct mv_secrets *s, struct mv_audit *a, bool *under_way,
    struct mv_err *err)
{
	const struct mv_vault_version *before = NULL;
	int rc;

	rc = mv_vault_before(s->c.repo, &s->v, &before, err);
	*under_way = rc == 0 && before != NULL;
	if (!*under_way)
		return rc;
	return mv_audit_find(a, "rotation", s->c.name, NULL, err, "a rotation "
	    "to version %" PRIu64 " is under way or was not finished: if no "
	    "'secrets rotate' is running, run 'mastvault secrets recover'",
	    s->v.list[s->v.n - 1].number);
}

static int
audit_all(struct mv_secrets *s, struct mv_audit *a, struct mv_err *err)
{
	mv_auto(mv_vault_ages_clear) struct mv_vault_ages ages = { 0 };
	mv_auto(mv_dotenv_freep) struct mv_dotenv *env = NULL;
	const struct mv_config_env *conf = s->c.env;
	struct mv_release_no release;
	bool known = false, rotating = false;
	int rc;

	rc = mv_secrets_newest(s, NULL, &env, err);
	if (rc == 0)
		rc = audit_rotation(s, a, &rotating, err);
	if (rc < 0)
		return rc;
	if (conf != NULL && conf->mastodon != NULL)
		known = mv_audit_release(conf->mastodon, &release, NULL) == 0;
	if (!known)
		rc = mv_audit_leave(a, err, "what this version of Mastodon "
		    "needs, and no longer reads: there is no "
		    "lib/mastodon/version.rb");
	if (rc == 0)
		rc = mv_audit_values(a, s->c.name, env, known ? &release :
		    NULL, err);
	if (rc == 0)
		rc = audit_others(s, a, env, err);
	if (rc == 0 && conf != NULL && conf->max_secret_age > 0) {
		rc = mv_vault_ages(s->c.repo, &s->v, &ages, err);
		if (rc == 0)
			rc = mv_audit_ages(a, s->c.name, &ages, mv_time_now(),
			    conf->max_secret_age, err);
	}
	/* In the middle of a rotation the older version may be in force. */
	if (rc == 0 && conf != NULL && conf->mastodon != NULL && !rotating)
		rc = audit_host(s, a, err);
	return rc;
}

static json_t *
audit_json(const struct mv_secrets *s, const struct mv_audit *a)
{
	json_t *found = json_array(), *left = json_array();
	size_t i;

	for (i = 0; i < a->n; i++) {
		const struct mv_finding *f = &a->findings[i];

		json_array_append_new(found, json_pack("{ss ss ss}", "code",
		    f->code, "environment", f->environment, "advice",
		    f->advice));
		json_object_set_new(json_array_get(found, i), "name",
		    f->name != NULL ? json_string(f->name) : json_null());
	}
	for (i = 0; i < a->nunchecked; i++)
		json_array_append_new(left, json_string(a->unchecked[i]));
	return json_pack("{ss so so}", "environment", s->c.name, "findings",
	    found, "unchecked", left);
}

int
mv_secrets_audit(struct mv_secrets *s, struct mv_err *err)
{
	mv_auto(mv_audit_clear) struct mv_audit a = { 0 };
	size_t i;
	int rc;

	rc = audit_all(s, &a, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < a.n; i++)
		mv_list("%-14s %s%s%s\n", a.findings[i].code,
		    a.findings[i].name != NULL ? a.findings[i].name : "",
		    a.findings[i].name != NULL ? ": " : "",
		    a.findings[i].advice);
	for (i = 0; i < a.nunchecked; i++)
		mv_list("not checked    %s\n", a.unchecked[i]);
	if (a.n > 0)
		*s->exit = MV_EXIT_BAD;
	else
		mv_say("nothing found\n");
	return mv_output_json(audit_json(s, &a), err);
}
