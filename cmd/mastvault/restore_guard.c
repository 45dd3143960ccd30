/* SPDX-License-Identifier: MIT */
#include "mastvault/restore_guard.h"

#include <string.h>

#include "base/cleanup.h"
#include "mastodon/site.h"
#include "mastvault/output.h"
#include "postgres/conn.h"

/*
 * The database of env, as configured, else as its Mastodon connects.  One
 * whose Mastodon is not on this host is not known: then false.
 */
static bool
leads_to(const struct mv_config_env *env, const char *conninfo)
{
	const struct mv_site_opts opts = {
		.dir = env->mastodon, .env_file = env->env_file,
	};
	mv_auto(mv_site_freep) struct mv_site *site = NULL;

	if (env->database != NULL &&
	    mv_pg_same_database(env->database, conninfo))
		return true;
	/* `database` may be a replica's: Mastodon's own counts, too. */
	if (env->mastodon == NULL || mv_site_open(&opts, &site, NULL) < 0)
		return false;
	return mv_pg_same_database(site->database.conninfo, conninfo);
}

static bool
is_env_file(const struct mv_config_env *env, const char *path)
{
	mv_auto(mv_freep) char *theirs = NULL, *ours = NULL;

	if (mv_path_absolute(path, &ours, NULL) < 0)
		return false;
	if (env->env_file != NULL)
		return mv_path_absolute(env->env_file, &theirs, NULL) == 0 &&
		    strcmp(theirs, ours) == 0;
	return env->mastodon != NULL && mv_path_in(env->mastodon,
	    ".env.production", &theirs, NULL) == 0 &&
	    strcmp(theirs, ours) == 0;
}

static int
refuse_foreign(const struct mv_context *c, const struct mv_config_env *env,
    const char *what, struct mv_err *err)
{
	mv_hint("--defused removes what could log in, mail, push, federate "
	    "or run there; where '%s' is really to become '%s', name its "
	    "target otherwise", env->name, c->name);
	return mv_err_set(err, MV_EREFUSED, "the %s is that of '%s': what is "
	    "of '%s' is restored there --defused, or not at all", what,
	    env->name, c->name);
}

static int
guard_one(const struct mv_cli *cli, const struct mv_context *c,
    const struct mv_config_env *env, struct mv_err *err)
{
	bool own = env == c->env;

	if (own == cli->defused && cli->database != NULL &&
	    leads_to(env, cli->database)) {
		if (!own)
			return refuse_foreign(c, env, "database", err);
		return mv_err_set(err, MV_EREFUSED, "the database is that of "
		    "'%s' itself: defused it would serve nobody", env->name);
	}
	if (own == cli->defused && cli->env_file != NULL &&
	    is_env_file(env, cli->env_file)) {
		if (!own)
			return refuse_foreign(c, env, "env-file", err);
		return mv_err_set(err, MV_EREFUSED,
		    "the env-file is that of '%s' itself", env->name);
	}
	return 0;
}

int
mv_restore_guard(const struct mv_cli *cli, const struct mv_context *c,
    struct mv_err *err)
{
	size_t i;
	int rc = 0;

	if (cli->defused && cli->redis != NULL)
		return mv_err_set(err, MV_EUSAGE, "'--defused' does not go "
		    "with '--redis': what was queued in production would run "
		    "in the copy");
	if (cli->defused && cli->database == NULL)
		return mv_err_set(err, MV_EUSAGE,
		    "'--defused' is for a database: --database");
	for (i = 0; rc == 0 && i < c->config.n; i++)
		rc = guard_one(cli, c, &c->config.envs[i], err);
	return rc;
}
