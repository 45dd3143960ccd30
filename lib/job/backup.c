/* SPDX-License-Identifier: MIT */
#include "job/backup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/stop.h"
#include "base/time.h"
#include "base/who.h"
#include "job/job_internal.h"
#include "vault/vault.h"

#define ENV_FILE_MAX (4u << 20)

static const char unfinished[] = "a rotation of secrets is under way or was "
    "not finished: both generations are in this backup";

void
mv_backup_report_clear(struct mv_backup_report *r)
{
	mv_named_clear(&r->vanished);
	mv_named_clear(&r->changing);
	mv_named_clear(&r->unreadable);
	mv_named_clear(&r->problems);
	free(r->media_absent);
	r->media_absent = NULL;
	json_decref(r->encrypted);
	r->encrypted = NULL;
}

void
mv_roots_clear(struct mv_roots *roots)
{
	free(roots->list);
	*roots = (struct mv_roots){ 0 };
}

int
mv_roots_add(struct mv_roots *roots, const struct mv_root *root,
    struct mv_err *err)
{
	struct mv_root *grown;

	grown = realloc(roots->list, (roots->n + 1) * sizeof(*grown));
	if (grown == NULL)
		return mv_err_set(err, MV_ENOMEM, "note a stream");
	roots->list = grown;
	roots->list[roots->n] = *root;
	return (int)roots->n++;
}

void
mv_progress_phase(const struct mv_progress *p, const char *name)
{
	if (p->phase != NULL)
		p->phase(name, p->arg);
}

void
mv_progress_bytes(const struct mv_progress *p, uint64_t done, uint64_t total)
{
	if (p->bytes != NULL)
		p->bytes(done, total, p->arg);
}

int
mv_json_set(json_t *object, const char *key, json_t *value,
    struct mv_err *err)
{
	if (json_object_set_new(object, key, value) < 0)
		return mv_err_set(err, MV_ENOMEM,
		    "describe '%s' (out of memory, or no UTF-8)", key);
	return 0;
}

static void
run_clear(struct mv_backup_run *run)
{
	mv_writer_freep(&run->writer);
	mv_state_clear(&run->state);
	mv_roots_clear(&run->roots);
	json_decref(run->detail);
	run->detail = NULL;
}

static int
read_env_file(const char *path, struct mv_vault_file *out, struct mv_err *err)
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

/* vaults: the vault versions that were in force during the run. */
struct vaults {
	struct vault_bound {
		struct mv_id32 hash;
		uint64_t number;
	} *refs;		/* owned, ascending by number */
	size_t n;
	uint64_t first, last;	/* of those that may have been in force */
	bool older;		/* the env-file held an older one: was said */
};

static void
vaults_clear(struct vaults *v)
{
	free(v->refs);
	*v = (struct vaults){ 0 };
}

static int
bind_version(struct vaults *v, const struct mv_id32 *hash, uint64_t number,
    struct mv_err *err)
{
	struct vault_bound *grown;
	size_t i = v->n;

	while (i > 0 && v->refs[i - 1].number > number)
		i--;
	if (i > 0 && v->refs[i - 1].number == number)
		return 0;
	grown = realloc(v->refs, (v->n + 1) * sizeof(*grown));
	if (grown == NULL)
		return mv_err_set(err, MV_ENOMEM, "list vault versions");
	v->refs = grown;
	memmove(&v->refs[i + 1], &v->refs[i],
	    (v->n++ - i) * sizeof(v->refs[0]));
	v->refs[i] = (struct vault_bound){ *hash, number };
	return 0;
}

/*
 * Rows of every generation that was current or pending between the start and
 * the end may be in the dump, also of one that came and went meanwhile.
 */
static int
bind_between(struct mv_backup_run *run, struct vaults *v, struct mv_err *err)
{
	mv_auto(mv_vault_clear) struct mv_vault vault = { 0 };
	size_t i;
	int rc;

	if (v->first == v->last)
		return 0;
	rc = mv_vault_load(run->repo, &vault, err);
	for (i = 0; rc == 0 && i < vault.n; i++)
		if (vault.list[i].number >= v->first &&
		    vault.list[i].number <= v->last)
			rc = bind_version(v, &vault.list[i].hash,
			    vault.list[i].number, err);
	return rc;
}

/*
 * Keep the env-file as it is now.  Called at the start and at the end of a
 * run: a rotation may have changed it meanwhile, and rows of both generations
 * may then be in the dump.
 */
static int
take_secrets(struct mv_backup_run *run, struct vaults *v, struct mv_err *err)
{
	mv_auto(mv_vault_file_clear) struct mv_vault_file file = { 0 };
	char operator_name[MV_WHO_NAME];
	const struct mv_vault_reason why = {
		.host = run->src->host,
		.operator_name = mv_operator_name(operator_name),
		.reason = "backup",
	};
	struct mv_vault_ref ref = { 0 };
	bool added = false;
	int rc;

	if (!(run->opts->parts & MV_PART_SECRETS))
		return 0;
	rc = read_env_file(run->src->env_file, &file, err);
	if (rc == 0 && run->opts->dry_run)
		return 0;
	if (rc == 0)
		rc = mv_vault_import(run->repo, &file, &why, &ref, &added, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "back up the secrets");
	if (ref.problem[0] != '\0' && (v->n == 0 ||
	    (ref.number != ref.newest && !v->older)))
		rc = mv_named_add(&run->report->problems, ref.problem,
		    strlen(ref.problem), err);
	if (rc < 0)
		return rc;
	v->older |= ref.number != ref.newest && !ref.pending;
	if (v->n == 0)
		v->first = ref.before;
	v->last = ref.newest;
	/* The rows fit the one or the other: restore has both. */
	rc = bind_version(v, &ref.hash, ref.number, err);
	if (rc == 0)
		rc = bind_version(v, &ref.newest_hash, ref.newest, err);
	run->report->vault_version = ref.number;
	run->report->vault_added |= added;
	run->report->rotation_pending = ref.pending;
	return rc;
}

static int
describe_secrets(struct mv_backup_run *run, const struct vaults *v,
    struct mv_err *err)
{
	json_t *o, *versions = json_array();
	size_t i;

	if (v->n == 0) {
		json_decref(versions);
		return 0;
	}
	for (i = 0; i < v->n; i++)
		json_array_append_new(versions,
		    json_integer((json_int_t)v->refs[i].number));
	o = json_pack("{s:s, s:o}", "file", run->src->env_file, "versions",
	    versions);
	return mv_json_set(run->detail, "secrets", o, err);
}

static int
describe_run(struct mv_backup_run *run, struct mv_err *err)
{
	const struct mv_backup_source *src = run->src;
	json_t *tags = json_array();
	size_t i;
	int rc;

	for (i = 0; run->opts->tags != NULL && run->opts->tags[i] != NULL; i++)
		json_array_append_new(tags, json_string(run->opts->tags[i]));
	run->detail = json_object();
	rc = mv_json_set(run->detail, "tags", tags, err);
	if (rc == 0)
		rc = mv_json_set(run->detail, "environment",
		    json_string(src->environment), err);
	if (rc == 0)
		rc = mv_json_set(run->detail, "host", json_string(src->host),
		    err);
	if (rc == 0)
		rc = mv_json_set(run->detail, "program",
		    json_string(src->program), err);
	return rc;
}

/* Media that were not asked for, or lie elsewhere, are said to be absent. */
static int
describe_no_media(struct mv_backup_run *run, struct mv_err *err)
{
	const char *reason = run->src->media_reason != NULL &&
	    run->src->media == NULL ? run->src->media_reason :
	    "not asked for";
	json_t *o = json_pack("{s:b, s:s}", "included", 0, "reason", reason);

	if (run->src->media == NULL &&
	    asprintf(&run->report->media_absent, "media not included: %s",
	    reason) < 0) {
		run->report->media_absent = NULL;
		json_decref(o);
		return mv_err_set(err, MV_ENOMEM, "describe the media");
	}
	return mv_json_set(run->detail, "media", o, err);
}

static int
commit(struct mv_backup_run *run, const struct vaults *v, int64_t started,
    struct mv_err *err)
{
	mv_auto(mv_freep) char *json = json_dumps(run->detail,
	    JSON_COMPACT | JSON_SORT_KEYS);
	mv_auto(mv_snapshot_clear) struct mv_snapshot snap = {
		.started = started,
		.parts = run->report->parts,
	};
	size_t i;
	int rc;

	mv_progress_phase(&run->opts->progress, "finishing");
	snap.vault = calloc(v->n + 1, sizeof(snap.vault[0]));
	if (json == NULL || snap.vault == NULL)
		return mv_err_set(err, MV_ENOMEM, "make the snapshot");
	for (i = 0; i < v->n; i++)
		snap.vault[snap.nvault++] = v->refs[i].hash;
	snap.streams = mv_take(&run->roots.list);
	snap.nstreams = run->roots.n;
	run->roots.n = 0;
	rc = mv_writer_commit(run->writer, &snap, json, strlen(json), err);
	if (rc < 0)
		return rc;
	run->report->snapshot = snap.id;
	mv_snapshot_head(&snap, run->report->head);
	return 0;
}

/* What was taken; parts that left something unread are marked. */
static void
settle_parts(struct mv_backup_run *run)
{
	struct mv_backup_report *rep = run->report;

	rep->parts = run->opts->parts;
	if (run->src->media == NULL)
		rep->parts &= ~(uint32_t)MV_PART_MEDIA;
	if (run->src->redis == NULL)
		rep->parts &= ~(uint32_t)MV_PART_REDIS;
	if (rep->changing.total + rep->unreadable.total > 0)
		rep->parts |= MV_PART_INCOMPLETE;
	if (run->opts->pinned)
		rep->parts |= MV_PART_PINNED;
}

static int
take_parts(struct mv_backup_run *run, struct vaults *vaults,
    struct mv_media_out **media, struct mv_err *err)
{
	bool with_media = (run->opts->parts & MV_PART_MEDIA) &&
	    run->src->media != NULL;
	int rc;

	rc = take_secrets(run, vaults, err);
	if (rc == 0 && (run->opts->parts & MV_PART_DB))
		rc = mv_backup_db(run, err);
	if (rc == 0 && (run->opts->parts & MV_PART_REDIS) &&
	    run->src->redis != NULL)
		rc = mv_backup_redis(run, err);
	if (rc == 0 && with_media)
		rc = mv_backup_media(run, media, err);
	if (rc == 0 && !with_media)
		rc = describe_no_media(run, err);
	if (rc == 0)
		rc = take_secrets(run, vaults, err);
	if (rc == 0)
		rc = bind_between(run, vaults, err);
	if (rc == 0 && run->report->rotation_pending)
		rc = mv_named_add(&run->report->problems, unfinished,
		    sizeof(unfinished) - 1, err);
	if (rc == 0)
		rc = describe_secrets(run, vaults, err);
	return rc;
}

/*
 * After the snapshot is durable: what the next run profits from.  A failure
 * here costs time the next night and nothing else, so it is a warning.
 */
static void
remember(struct mv_backup_run *run, struct mv_media_out *media)
{
	struct mv_err err = { 0 };
	char text[MV_ERR_TEXT_MAX];
	int rc = 0;

	if (run->opts->dry_run)
		return;
	if (media != NULL)
		rc = mv_media_out_commit(media, &err);
	if (rc == 0)
		rc = mv_state_save(mv_repo_state_dir(run->repo), &run->state,
		    &err);
	if (rc < 0) {
		(void)mv_err_text(&err, text, sizeof(text));
		mv_warn("the snapshot is safe, but the next run will take "
		    "longer: %s", text);
	}
}

/*
 * A store that withholds snapshots does not keep the backup from being made:
 * it is wanted now more than ever.  But it must be heard of.
 */
static int
note_problems(struct mv_backup_run *run, struct mv_err *err)
{
	const struct mv_snapshots *s = mv_writer_snapshots(run->writer);
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < s->nproblems; i++)
		rc = mv_named_add(&run->report->problems, s->problems[i],
		    strlen(s->problems[i]), err);
	return rc;
}

/* Was this said at the beginning? */
static bool
is_noted(const struct mv_named *problems, const char *text)
{
	size_t i;

	for (i = 0; i < problems->n; i++)
		if (strcmp(problems->names[i], text) == 0)
			return true;
	return false;
}

/* Stores that failed during the run lack this snapshot. */
static int
note_left_out(struct mv_backup_run *run, struct mv_err *err)
{
	struct mv_named *problems = &run->report->problems;
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	const char *why, *said;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < mv_repo_nstores(run->repo); i++) {
		why = mv_repo_left_out(run->repo, i);
		if (why == NULL)
			continue;
		mv_buf_reset(&text);
		/* As snapshots.c has it. */
		mv_buf_printf(&text, "store '%s' is left out: %s",
		    mv_repo_store(run->repo, i)->url, why);
		said = mv_buf_cstr(&text);
		if (said == NULL)
			return mv_buf_failed(&text, err);
		if (!is_noted(problems, said))
			rc = mv_named_add(problems, said, text.len, err);
	}
	return rc;
}

int
mv_job_backup(struct mv_repo *r, const struct mv_backup_source *src,
    const struct mv_backup_opts *opts, struct mv_backup_report *out,
    struct mv_err *err)
{
	mv_auto(mv_backup_report_clear) struct mv_backup_report rep = { 0 };
	mv_auto(run_clear) struct mv_backup_run run = {
		.repo = r,
		.src = src,
		.opts = opts,
		.report = &rep,
	};
	mv_auto(mv_media_out_freep) struct mv_media_out *media = NULL;
	const struct mv_writer_opts wopts = {
		.workers = opts->workers,
		.level = opts->level,
		.dry_run = opts->dry_run,
	};
	mv_auto(vaults_clear) struct vaults vaults = { 0 };
	double start = mv_time_monotonic();
	int64_t started = mv_time_now();
	int rc;

	rc = mv_state_load(mv_repo_state_dir(r), &run.state, err);
	if (rc == 0)
		rc = mv_writer_begin(r, &wopts, &run.writer, err);
	if (rc == 0)
		rc = note_problems(&run, err);
	if (rc == 0)
		rc = describe_run(&run, err);
	if (rc == 0)
		rc = take_parts(&run, &vaults, &media, err);
	if (rc == 0)
		rc = mv_stop_check(err);
	if (rc < 0)
		return rc;
	settle_parts(&run);
	rc = commit(&run, &vaults, started, err);
	if (rc == 0)
		rc = note_left_out(&run, err);
	if (rc < 0)
		return rc;
	remember(&run, media);
	mv_writer_stats(run.writer, &rep.stats);
	rep.seconds = mv_time_monotonic() - start;
	*out = rep;
	rep = (struct mv_backup_report){ 0 };
	return 0;
}
