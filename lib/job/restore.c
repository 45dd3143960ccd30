/* SPDX-License-Identifier: MIT */
#include "job/restore.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/time.h"
#include "job/detail.h"
#include "job/job_internal.h"
#include "job/restore_internal.h"
#include "vault/vault.h"

#define ENV_FILE_MAX (4u << 20)

void
mv_restore_report_clear(struct mv_restore_report *r)
{
	mv_named_clear(&r->owners);
	mv_named_clear(&r->notes);
	mv_disarm_report_clear(&r->defused);
	free(r->old_database);
	r->old_database = NULL;
	free(r->missing_owner);
	r->missing_owner = NULL;
	mv_rows_report_clear(&r->reencrypted);
}

/* What is to be restored: asked for, and given a place to go. */
static uint32_t
wanted(const struct mv_restore_opts *opts)
{
	uint32_t parts = 0;

	if (opts->conninfo != NULL)
		parts |= MV_PART_DB;
	if (opts->media != NULL)
		parts |= MV_PART_MEDIA;
	if (opts->env_file != NULL)
		parts |= MV_PART_SECRETS;
	if (opts->redis != NULL)
		parts |= MV_PART_REDIS;
	return parts & opts->parts;
}

/* Everything that can be refused is refused before anything is touched. */
static int
demand_parts(struct mv_restore_run *run, uint32_t parts, struct mv_err *err)
{
	static const enum mv_part all[] = {
		MV_PART_DB, MV_PART_MEDIA, MV_PART_SECRETS, MV_PART_REDIS,
	};
	const json_t *part = NULL;
	size_t i;
	int rc;

	if (parts == 0)
		return mv_err_set(err, MV_EUSAGE, "nothing to restore: give "
		    "--database, --media, --env-file or --redis");
	for (i = 0; i < MV_ARRAY_LEN(all); i++) {
		if (!(parts & all[i]))
			continue;
		rc = mv_detail_part(run->snap, run->detail, all[i], &part,
		    err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* env: the env-file that belongs to the snapshot, opened beforehand. */
struct env {
	struct mv_vault_file file;
	uint64_t number;
};

static void
env_clear(struct env *e)
{
	mv_vault_file_clear(&e->file);
}

static int
open_env(struct mv_restore_run *run, struct env *out, struct mv_err *err)
{
	mv_auto(mv_vault_clear) struct mv_vault vault = { 0 };
	const struct mv_vault_version *v = NULL;
	struct mv_id32 hash;
	int rc = 0;

	if (run->snap->nvault == 0)
		return mv_err_set(err, MV_ECORRUPT,
		    "the snapshot names no vault version");
	hash = run->snap->vault[run->snap->nvault - 1];
	if (run->opts->reencrypt)
		rc = mv_restore_target(run, &hash, err);
	if (rc == 0)
		rc = mv_vault_load(run->repo, &vault, err);
	if (rc == 0)
		rc = mv_vault_find(&vault, &hash, &v, err);
	if (rc == 0)
		rc = mv_vault_open(run->repo, v, &out->file, err);
	if (rc < 0)
		return rc;
	out->number = v->number;
	return 0;
}

/* An env-file that is there and equal is fine; a different one is kept. */
static int
refuse_other_env(const char *path, const struct env *env, bool *same,
    struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf now = { 0 };
	int rc;

	*same = false;
	if (access(path, F_OK) < 0)
		return 0;
	rc = mv_sbuf_read_file(&now, path, ENV_FILE_MAX, err);
	if (rc < 0)
		return rc;
	*same = now.len == env->file.bytes.len &&
	    mv_equal(now.p, env->file.bytes.p, now.len);
	if (*same)
		return 0;
	return mv_err_set(err, MV_EEXIST,
	    "'%s' is there and differs: move it away first", path);
}

static int
write_env(struct mv_restore_run *run, const struct env *env,
    struct mv_err *err)
{
	bool same = false;
	int rc;

	rc = refuse_other_env(run->opts->env_file, env, &same, err);
	if (rc == 0 && !same)
		rc = mv_file_create_there(run->opts->env_file,
		    env->file.bytes.p, env->file.bytes.len, env->file.mode,
		    err);
	run->report->vault_version = env->number;
	return rc;
}

/*
 * The env-file is opened and its place looked at first, since it is quick and
 * a refusal after hours of restoring would be cruel; it is written last, when
 * there is something that it fits.
 */
static int
look_at_env(struct mv_restore_run *run, struct env *env, struct mv_err *err)
{
	bool same;
	int rc;

	rc = open_env(run, env, err);
	if (rc == 0 && run->opts->defused)
		rc = mv_restore_env_compare(run, &env->file, err);
	else if (rc == 0)
		rc = refuse_other_env(run->opts->env_file, env, &same, err);
	return mv_err_ctx(err, rc, "restore the secrets");
}

/* Can something be made as path, where nothing is?  What is there is judged later. */
static int
look_at_place(const char *path, struct mv_err *err)
{
	mv_auto(mv_freep) char *copy = strdup(path);

	if (copy == NULL)
		return mv_err_set(err, MV_ENOMEM, "look at '%s'", path);
	if (access(path, F_OK) == 0 || access(dirname(copy), W_OK | X_OK) == 0)
		return 0;
	return mv_err_sys(err, "nothing was restored: the directory in which "
	    "'%s' is to be made", path);
}

/* A directory that is missing is told now, and not behind the database. */
static int
look_at_places(const struct mv_restore_opts *opts, uint32_t parts,
    struct mv_err *err)
{
	const struct {
		enum mv_part part;
		const char *path;
	} places[] = {
		{ MV_PART_MEDIA, opts->media },
		{ MV_PART_SECRETS, opts->env_file },
		{ MV_PART_REDIS, opts->redis },
	};
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < MV_ARRAY_LEN(places); i++)
		if (parts & places[i].part)
			rc = look_at_place(places[i].path, err);
	return rc;
}

static int
restore_parts(struct mv_restore_run *run, uint32_t parts, struct mv_err *err)
{
	mv_auto(env_clear) struct env env = { 0 };
	int rc;

	rc = look_at_places(run->opts, parts, err);
	if (rc == 0 && (parts & MV_PART_SECRETS))
		rc = look_at_env(run, &env, err);
	if (rc < 0)
		return rc;
	if (run->opts->reencrypt)
		rc = mv_restore_generations(run, err);
	if (rc == 0 && (parts & MV_PART_REDIS))
		rc = mv_restore_redis_refuse(run->opts, err);
	if (rc == 0 && (parts & MV_PART_DB))
		rc = mv_restore_db(run, err);
	if (rc == 0 && (parts & MV_PART_REDIS))
		rc = mv_restore_redis(run, err);
	if (rc == 0 && (parts & MV_PART_MEDIA))
		rc = mv_restore_media(run, err);
	if (rc < 0)
		return rc;
	/* Whatever is re-encrypted is under the version in force. */
	if (!run->opts->defused && !run->opts->reencrypt &&
	    (parts & MV_PART_SECRETS) && (parts & MV_PART_DB) &&
	    run->snap->nvault > 1)
		rc = mv_restore_fitting(run, &env.file, &env.number, err);
	if (run->opts->defused && (parts & MV_PART_SECRETS))
		rc = mv_restore_env_new(run, err);
	else if (rc == 0 && (parts & MV_PART_SECRETS))
		rc = write_env(run, &env, err);
	return mv_err_ctx(err, rc, "restore the secrets");
}

static void
run_clear(struct mv_restore_run *run)
{
	mv_generations_clear(&run->from);
	mv_generations_clear(&run->to);
}

int
mv_job_restore(struct mv_repo *r, const struct mv_snapshot *snap,
    const struct mv_restore_opts *opts, struct mv_restore_report *out,
    struct mv_err *err)
{
	mv_auto(mv_restore_report_clear) struct mv_restore_report rep = { 0 };
	mv_auto(mv_detail_decref) json_t *detail = NULL;
	mv_auto(run_clear) struct mv_restore_run run = {
		.repo = r,
		.snap = snap,
		.opts = opts,
		.report = &rep,
	};
	double start = mv_time_monotonic();
	int rc;

	/* Jobs that were queued in production would run in the copy. */
	if (opts->defused && opts->redis != NULL)
		return mv_err_set(err, MV_EUSAGE,
		    "Redis is never restored into another environment");
	/* A copy keeps no encrypted rows to convert. */
	if (opts->defused && opts->reencrypt)
		return mv_err_set(err, MV_EUSAGE,
		    "either --defused or --reencrypt");
	rc = mv_detail_open(r, snap, &detail, err);
	run.detail = detail;
	if (rc == 0)
		rc = demand_parts(&run, wanted(opts), err);
	if (rc == 0)
		rc = restore_parts(&run, wanted(opts), err);
	if (rc < 0)
		return rc;
	rep.seconds = mv_time_monotonic() - start;
	*out = rep;
	rep = (struct mv_restore_report){ 0 };
	return 0;
}
