/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "job/setup.h"
#include "mastvault/commands.h"
#include "mastvault/context.h"
#include "mastvault/output.h"
#include "mastvault/source.h"

#define NAME_DEFAULT "production"
#define MASTODON_DEFAULT "/home/mastodon/live"
#define KIT_DEFAULT "recovery.kit"

struct init {
	struct mv_config_env env;	/* the section to be; owns its texts */
	char *kit;
	struct mv_source_of src;
	struct mv_sbuf pass;
};

static void
init_clear(struct init *in)
{
	struct mv_config_env *env = &in->env;

	mv_source_clear(&in->src);
	mv_sbuf_clear(&in->pass);
	free(in->kit);
	free(env->name);
	free(env->mastodon);
	free(env->env_file);
	free(env->media);
	free(env->database);
	free(env->key_dir);
	free(env->state_dir);
	free(env->passphrase_file);
	mv_strv_clear(&env->stores);
	mv_strv_clear(&env->excludes);
}

/* path, or parent/name, as an absolute path. */
static int
place(const char *path, const char *parent, const char *name, char **out,
    struct mv_err *err)
{
	return path != NULL ? mv_path_absolute(path, out, err) :
	    mv_path_in(parent, name, out, err);
}

static int
copy_text(const char *text, char **out, struct mv_err *err)
{
	if (text == NULL)
		return 0;
	*out = strdup(text);
	return *out != NULL ? 0 :
	    mv_err_set(err, MV_ENOMEM, "describe the environment");
}

/* From the options to a section. */
static int
describe(const struct mv_cli *cli, struct init *in, struct mv_err *err)
{
	const char *name = cli->env != NULL ? cli->env : NAME_DEFAULT;
	struct mv_config_env *env = &in->env;
	size_t i;
	int rc;

	if (!mv_config_name_ok(name, strlen(name)))
		return mv_err_set(err, MV_EUSAGE, "'%.64s': an environment's "
		    "name has letters, digits, '.', '_' and '-'", name);
	if (cli->stores.n == 0)
		return mv_err_set(err, MV_EUSAGE, "where to store is not "
		    "said: --store URL, as file:///srv/backup/%s", name);
	rc = copy_text(name, &env->name, err);
	if (rc == 0)
		rc = place(cli->mastodon != NULL ? cli->mastodon :
		    MASTODON_DEFAULT, "", "", &env->mastodon, err);
	if (rc == 0)
		rc = place(cli->key_dir, "/etc/mastvault", name,
		    &env->key_dir, err);
	if (rc == 0)
		rc = place(cli->state_dir, "/var/lib/mastvault", name,
		    &env->state_dir, err);
	if (rc == 0)
		rc = place(cli->kit, env->key_dir, KIT_DEFAULT, &in->kit, err);
	if (rc == 0 && cli->env_file != NULL)
		rc = mv_path_absolute(cli->env_file, &env->env_file, err);
	if (rc == 0 && cli->media != NULL)
		rc = strcmp(cli->media, "none") == 0 ?
		    copy_text("none", &env->media, err) :
		    mv_path_absolute(cli->media, &env->media, err);
	if (rc == 0)
		rc = copy_text(cli->database, &env->database, err);
	for (i = 0; i < cli->stores.n && rc == 0; i++)
		rc = mv_strv_add(&env->stores, cli->stores.v[i],
		    strlen(cli->stores.v[i]), err);
	return rc;
}

/* Everything that can be found wrong before anything is written. */
static int
look_first(struct init *in, const char *path, struct mv_err *err)
{
	mv_auto(mv_config_clear) struct mv_config config = { 0 };
	const struct mv_site *site;
	size_t i;
	int rc;

	rc = mv_config_load(path, &config, err);
	if (rc == MV_ENOTFOUND)
		mv_err_clear(err);
	else if (rc < 0)
		return rc;
	for (i = 0; i < config.n; i++)
		if (strcmp(config.envs[i].name, in->env.name) == 0)
			return mv_err_set(err, MV_EEXIST,
			    "'%s' describes '%s' already, in line %u", path,
			    in->env.name, config.envs[i].line);
	rc = mv_config_try(path, err);
	if (rc < 0) {
		mv_hint("nothing was made; -c FILE names another place");
		return mv_err_ctx(err, rc, "the section cannot be added to "
		    "'%s'", path);
	}
	if (access(in->kit, F_OK) == 0)
		return mv_err_set(err, MV_EEXIST,
		    "'%s' exists already and is never overwritten", in->kit);
	rc = mv_source_open(&in->env, MV_PART_DB | MV_PART_MEDIA |
	    MV_PART_SECRETS, &in->src, err);
	if (rc < 0)
		return rc;
	site = in->src.site;
	if (in->env.database == NULL && site->database.pooled != NULL)
		return mv_err_set(err, MV_EREFUSED,
		    "%s in '%s': dumps do not go through pgbouncer; "
		    "say --database CONNINFO past it", site->database.pooled,
		    site->env_file);
	mv_hint(NULL);
	return 0;
}

static int
take_passphrase(const struct mv_cli *cli, struct init *in, struct mv_err *err)
{
	mv_auto(mv_pass_source_clear) struct mv_pass_source source = {
		.file = cli->passphrase_file,
	};

	if (cli->no_passphrase && cli->passphrase_file != NULL)
		return mv_err_set(err, MV_EUSAGE, "'--no-passphrase' and "
		    "'--passphrase-file' exclude each other");
	if (cli->no_passphrase)
		return 0;
	mv_hint("--passphrase-file FILE (mode 0600) gives one unattended, "
	    "--no-passphrase does without");
	return mv_pass_new(&source, "the recovery kit and keys", &in->pass,
	    err);
}

static int
set_up(struct init *in, struct mv_setup_report *report, struct mv_err *err)
{
	mv_auto(mv_context_clear) struct mv_context c = { 0 };
	struct mv_setup_opts opts = {
		.environment = in->env.name,
		.host = in->src.host,
		.program = MV_PROGRAM " " MV_PROGRAM_VERSION,
		.mastodon = in->env.mastodon,
		.urls = mv_strv_const(&in->env.stores),
		.key_dir = in->env.key_dir,
		.kit = in->kit,
		.pass = { .p = in->pass.len > 0 ? in->pass.p : NULL,
		    .len = in->pass.len },
	};
	size_t i;
	int rc = 0;

	for (i = 0; i < in->env.stores.n && rc == 0; i++)
		rc = mv_strv_add(&c.urls, in->env.stores.v[i],
		    strlen(in->env.stores.v[i]), err);
	if (rc == 0)
		rc = mv_context_stores(&c, 0, err);
	if (rc == 0)
		rc = mv_dir_make(in->env.state_dir, 0700, err);
	if (rc < 0)
		return rc;
	return mv_job_setup(c.stores, c.nstores, &opts, report, err);
}

static void
explain_keys(const struct init *in, const struct mv_setup_report *r,
    const char *config)
{
	const char *under = in->pass.len > 0 ? "under your passphrase" :
	    "WITHOUT a passphrase";

	mv_say("Environment '%s', repository %s.\n\n", in->env.name,
	    r->repo_hex);
	mv_say("%s\n    The recovery kit, %s. With it alone everything can "
	    "be restored on an\n    empty machine. Print it, keep two copies "
	    "off this server, then remove it here.\n", r->kit, under);
	mv_say("%s\n    Reads backups, %s. Move it off this server, too: "
	    "backups do not need it.\n", r->reader, under);
	mv_say("%s\n    Admits and expels keys, %s. Keep it with the kit.\n",
	    r->owner, under);
	mv_say("%s\n    Writes backups; cannot read or delete them. Stays "
	    "here, unattended.\n", r->writer);
	mv_say("%s\n    Opens this environment's secrets. Stays here, "
	    "unattended.\n\n", r->vault);
	mv_say("Written to %s. Next: mastvault -c %s -e %s backup\n", config,
	    config, in->env.name);
}

static void
explain_role(const struct init *in)
{
	const struct passwd *pw = getpwuid(in->src.site->uid);

	mv_say("\nBackups connect to the database as Mastodon does%s%s. A "
	    "role that can only read,\nfor 'database = ...' in the "
	    "configuration, is made by:\n\n"
	    "    CREATE ROLE mastvault LOGIN;\n"
	    "    GRANT pg_read_all_data TO mastvault;\n",
	    pw != NULL ? ", as " : "", pw != NULL ? pw->pw_name : "");
}

static json_t *
report_json(const struct init *in, const struct mv_setup_report *r,
    const char *config)
{
	return json_pack("{ss ss ss ss s{ss ss ss ss} sb}", "environment",
	    in->env.name, "repository", r->repo_hex, "config", config, "kit",
	    r->kit, "keys", "owner", r->owner, "writer", r->writer, "reader",
	    r->reader, "vault", r->vault, "passphrase", in->pass.len > 0);
}

int
mv_cmd_init(const struct mv_cli *cli, enum mv_exit *exit, struct mv_err *err)
{
	mv_auto(init_clear) struct init in = { 0 };
	mv_auto(mv_setup_report_clear) struct mv_setup_report report = { 0 };
	const char *path = mv_config_path(cli->config);
	int rc;

	(void)exit;
	rc = describe(cli, &in, err);
	if (rc == 0)
		rc = mv_config_check(&in.env, err);
	if (rc == 0)
		rc = look_first(&in, path, err);
	if (rc == 0)
		rc = take_passphrase(cli, &in, err);
	/* What they hint at is over, if that went well. */
	if (rc < 0)
		return rc;
	mv_hint(NULL);
	rc = set_up(&in, &report, err);
	if (rc < 0)
		return rc;
	rc = mv_config_append(path, &in.env, err);
	if (rc < 0) {
		/* The repository is there: only its description is not. */
		mv_hint("keys and repository were made; add the section "
		    "[%s] to '%s' by hand", in.env.name, path);
		return rc;
	}
	if (in.pass.len == 0)
		mv_warn("without a passphrase whoever gets '%s' reads "
		    "everything", report.kit);
	explain_keys(&in, &report, path);
	explain_role(&in);
	return mv_output_json(report_json(&in, &report, path), err);
}
