/* SPDX-License-Identifier: MIT */
#include "mastvault/status.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/time.h"
#include "mastvault/output.h"
#include "mastvault/source.h"
#include "repo/listing.h"
#include "repo/snapshots.h"
#include "vault/rotation.h"
#include "vault/vault.h"

#define ENV_FILE_MAX ((size_t)1 << 20)
/* A kit that nobody has opened for so long may be lost or illegible. */
#define KIT_TEST_DAYS 92

void
mv_status_clear(struct mv_status *s)
{
	size_t i;

	for (i = 0; i < s->nstores; i++) {
		free(s->stores[i].url);
		free(s->stores[i].failed);
	}
	free(s->stores);
	mv_strv_clear(&s->alarms);
	mv_strv_clear(&s->behind);
	mv_strv_clear(&s->warnings);
	*s = (struct mv_status){ 0 };
}

/* What else failed is told and no end: the rest is worth saying. */
static int
tell(struct mv_strv *list, int rc, const struct mv_err *why, const char *what,
    struct mv_err *err)
{
	char text[MV_ERR_TEXT_MAX];

	if (rc == MV_ENOMEM || rc == MV_EINTR) {
		*err = *why;
		return rc;
	}
	(void)mv_err_text(why, text, sizeof(text));
	return mv_strv_addf(list, err, "%s: %s", what, text);
}

static int
alarm_of(struct mv_status *s, int rc, const struct mv_err *why,
    const char *what, struct mv_err *err)
{
	return tell(&s->alarms, rc, why, what, err);
}

static int
judge_age(const struct mv_context *c, struct mv_status *s,
    struct mv_err *err)
{
	char age[MV_HUMAN_TEXT], limit[MV_HUMAN_TEXT];

	if (!s->has_snapshot)
		return mv_strv_addf(&s->alarms, err, "there is no backup yet");
	s->age = mv_time_now() - s->finished;
	mv_human_seconds((double)s->age, age);
	mv_human_seconds(c->env->max_age, limit);
	if (s->age > (int64_t)c->env->max_age)
		return mv_strv_addf(&s->alarms, err,
		    "the last backup is %s old, and "
		    "'max-age' is %s", age, limit);
	/* A clock that is wrong makes every age wrong. */
	if (s->age < -300)
		return mv_strv_addf(&s->alarms, err,
		    "the last backup is from the "
		    "future: is the clock right?");
	return 0;
}

static int
judge_parts(struct mv_status *s, struct mv_err *err)
{
	int rc = 0;

	if (!s->has_snapshot)
		return 0;
	if ((s->parts & MV_PART_INCOMPLETE) != 0)
		rc = mv_strv_addf(&s->warnings, err,
		    "something could not be read by "
		    "the last backup, which said what");
	if (rc == 0 && (s->parts & MV_PART_DB) == 0)
		rc = mv_strv_addf(&s->warnings, err,
		    "the database is not included in the last backup");
	if (rc == 0 && (s->parts & MV_PART_SECRETS) == 0)
		rc = mv_strv_addf(&s->warnings, err,
		    "the secrets are not included in the last backup");
	return rc;
}

/* A state directory that is full or read-only makes nothing else untrue. */
static int
note_seen(struct mv_context *c, const struct mv_snapshots *all,
    struct mv_status *s, struct mv_err *err)
{
	struct mv_err why = { 0 };
	int rc;

	rc = mv_highwater_update(c->repo, all, &why);
	return rc < 0 ? tell(&s->warnings, rc, &why, "what the stores show is "
	    "not noted on this host", err) : 0;
}

static int
look_at_snapshots(struct mv_context *c, struct mv_status *s,
    struct mv_err *err)
{
	mv_auto(mv_snapshots_clear) struct mv_snapshots all = { 0 };
	struct mv_err why = { 0 };
	size_t i;
	int rc;

	rc = mv_snapshots_load(c->repo, &all, &why);
	if (rc < 0)
		return alarm_of(s, rc, &why, "snapshots", err);
	if (all.n > 0) {
		s->has_snapshot = true;
		s->snapshot = all.list[all.n - 1].id;
		s->finished = all.list[all.n - 1].finished;
		s->parts = all.list[all.n - 1].parts;
	}
	for (i = 0; i < all.nproblems && rc == 0; i++)
		rc = mv_strv_addf(i < all.nproblems - all.behind ? &s->alarms :
		    &s->behind, err, "%s", all.problems[i]);
	if (rc == 0 && all.nproblems == all.behind)
		rc = note_seen(c, &all, s, err);
	if (rc == 0)
		rc = judge_age(c, s, err);
	return rc < 0 ? rc : judge_parts(s, err);
}

static int
look_at_space(struct mv_context *c, size_t i, struct mv_status *s,
    struct mv_err *err)
{
	struct mv_store_status *st = &s->stores[i];

	if (mv_store_space(c->stores[i], &st->free_bytes, &st->total_bytes,
	    NULL) < 0 || st->total_bytes == 0)
		return 0;
	st->has_space = true;
	if (st->free_bytes / (st->total_bytes / 100 + 1) >= c->env->min_free)
		return 0;
	return mv_strv_addf(&s->alarms, err,
	    "store '%s' has less than %u%% free and "
	    "takes no more backups", st->url, c->env->min_free);
}

/* Each answers, and has the keyring in force. */
static int
look_at_stores(struct mv_context *c, struct mv_status *s, struct mv_err *err)
{
	mv_auto(mv_listing_clear) struct mv_listing l = { 0 };
	const struct mv_listed *ring;
	char name[MV_OBJECT_NAME_MAX];
	size_t i;
	int rc;

	s->stores = calloc(c->nstores, sizeof(*s->stores));
	if (s->stores == NULL)
		return mv_err_set(err, MV_ENOMEM, "look at the stores");
	rc = mv_listing_load(c->repo, "keyring/", &l, err);
	if (rc < 0)
		return rc;
	mv_object_name(MV_KIND_KEYRING, s->keyring, NULL,
	    &mv_repo_keyring(c->repo)->hash, name);
	ring = mv_listing_find(&l, name);
	for (i = 0; i < c->nstores && rc == 0; i++) {
		s->stores[i].url = strdup(c->urls.v[i]);
		if (s->stores[i].url == NULL)
			return mv_err_set(err, MV_ENOMEM, "list stores");
		s->nstores++;
		if (l.failed[i] != NULL) {
			s->stores[i].failed = strdup(l.failed[i]);
			rc = mv_strv_addf(&s->behind, err, "%s", l.failed[i]);
			continue;
		}
		if (ring != NULL && ring->sizes[i] == MV_ABSENT)
			rc = mv_strv_addf(&s->behind, err,
			    "store '%s' lacks the "
			    "newest keyring", c->urls.v[i]);
		if (rc == 0)
			rc = look_at_space(c, i, s, err);
	}
	return rc;
}

/* Is the env-file still what the newest version holds? */
static int
compare_env_file(struct mv_context *c, const struct mv_vault_version *v,
    struct mv_status *s, struct mv_err *err)
{
	mv_auto(mv_vault_file_clear) struct mv_vault_file kept = { 0 };
	mv_auto(mv_source_clear) struct mv_source_of src = { 0 };
	mv_auto(mv_sbuf_clear) struct mv_sbuf now = { 0 };
	int rc;

	rc = mv_source_open(c->env, MV_PART_SECRETS, &src, err);
	mv_hint(NULL);
	if (rc == 0)
		rc = mv_sbuf_read_file(&now, src.source.env_file, ENV_FILE_MAX,
		    err);
	if (rc == 0)
		rc = mv_vault_open(c->repo, v, &kept, err);
	if (rc < 0)
		return rc;
	s->env_file = now.len == kept.bytes.len &&
	    mv_equal(now.p, kept.bytes.p, now.len) ? MV_ENV_SAME :
	    MV_ENV_DIFFERS;
	if (s->env_file == MV_ENV_SAME)
		return 0;
	return mv_strv_addf(&s->warnings, err,
	    "'%s' has changed since version %"
	    PRIu64 " of the secrets: the next backup takes it",
	    src.source.env_file, s->vault);
}

/* An unfinished rotation: Mastodon may be down, or about to lose rows. */
static int
look_at_rotation(struct mv_context *c, const struct mv_vault *v,
    bool *under_way, struct mv_status *s, struct mv_err *err)
{
	const struct mv_vault_version *before = NULL;
	mv_auto(mv_journal_clear) struct mv_journal j = { 0 };
	int rc, here;

	rc = mv_vault_before(c->repo, v, &before, err);
	if (rc < 0)
		return rc;
	here = c->state_dir != NULL ?
	    mv_rotation_journal(c->state_dir, &j, NULL) : MV_ENOTFOUND;
	*under_way = before != NULL || here == 0 || here == MV_ECORRUPT;
	if (!*under_way)
		return 0;
	return mv_strv_addf(&s->alarms, err,
	    "a rotation of secrets is under way or "
	    "was not finished%s%s: if no 'secrets rotate' is running, run "
	    "'mastvault secrets recover'", here == 0 ? " at step " : "",
	    here == 0 ? mv_rotation_step_name(j.step) : "");
}

static int
look_at_vault(struct mv_context *c, struct mv_status *s, struct mv_err *err)
{
	mv_auto(mv_vault_clear) struct mv_vault v = { 0 };
	struct mv_err why = { 0 };
	bool rotating = false;
	size_t i;
	int rc;

	s->has_vault = c->keys->has_vault;
	if (!s->has_vault)
		return 0;
	rc = mv_vault_load(c->repo, &v, &why);
	if (rc < 0)
		return alarm_of(s, rc, &why, "secrets", err);
	for (i = 0; i < v.nproblems && rc == 0; i++)
		rc = mv_strv_addf(&s->alarms, err, "%s", v.problems[i]);
	if (rc < 0 || v.n == 0)
		return rc;
	s->vault = v.list[v.n - 1].number;
	rc = look_at_rotation(c, &v, &rotating, s, &why);
	if (rc < 0)
		return alarm_of(s, rc, &why, "secrets", err);
	if (c->env->mastodon == NULL || rotating)
		return 0;
	rc = compare_env_file(c, &v.list[v.n - 1], s, &why);
	return rc < 0 ? alarm_of(s, rc, &why, "secrets", err) : 0;
}

static int
look_at_kit(struct mv_context *c, struct mv_status *s, struct mv_err *err)
{
	int64_t days;
	int rc;

	rc = mv_proof_load(c->state_dir, mv_repo_id(c->repo), &s->proof, err);
	if (rc < 0)
		return rc;
	days = (mv_time_now() - s->proof.time) / 86400;
	if (s->proof.time == 0)
		return mv_strv_addf(&s->warnings, err,
		    "no recovery kit was ever "
		    "tested from here: mastvault key test KIT");
	if (s->proof.epoch < s->epoch)
		return mv_strv_addf(&s->warnings, err,
		    "the recovery kit was not "
		    "tested since epoch %" PRIu32 " began: mastvault key test "
		    "KIT", s->epoch);
	if (s->proof.vault == 0)
		return mv_strv_addf(&s->warnings, err,
		    "when the recovery kit was "
		    "tested there were no secrets to open: mastvault key test "
		    "KIT");
	if (days > KIT_TEST_DAYS)
		return mv_strv_addf(&s->warnings, err,
		    "the recovery kit was last "
		    "tested %" PRId64 " days ago: mastvault key test KIT",
		    days);
	return 0;
}

static int
has_file(const struct mv_context *c, const char *name, bool *out,
    struct mv_err *err)
{
	mv_auto(mv_freep) char *path = NULL;
	int rc;

	rc = mv_path_in(c->env->key_dir, name, &path, err);
	if (rc == 0)
		*out = access(path, F_OK) == 0;
	return rc;
}

/* What lets a thief of the server do more than the server needs. */
static int
look_at_keys(struct mv_context *c, struct mv_status *s, struct mv_err *err)
{
	static const struct {
		const char *name, *what;
	} apart[] = {
		{ "reader.key", "reads all backups" },
		{ "owner.key", "admits and removes keys" },
		{ "maintainer.key", "is for a host that prunes" },
		{ "recovery.kit", "opens everything" },
	};
	bool has = false;
	size_t i;
	int rc;

	rc = has_file(c, "writer.key", &has, err);
	if (rc < 0 || !has)
		return rc;
	for (i = 0; i < MV_ARRAY_LEN(apart) && rc == 0; i++) {
		rc = has_file(c, apart[i].name, &has, err);
		if (rc == 0 && has)
			rc = mv_strv_addf(&s->warnings, err,
			    "'%s/%s' %s: it should "
			    "not lie on the host that makes the backups",
			    c->env->key_dir, apart[i].name, apart[i].what);
	}
	return rc;
}

/* A key that was removed opens less and less, and should be replaced. */
static int
look_at_members(struct mv_context *c, struct mv_status *s,
    struct mv_err *err)
{
	const struct mv_keyring *ring = mv_repo_keyring(c->repo);
	const struct mv_keyring_key *key;
	size_t i;
	int rc = 0;

	s->keyring = ring->number;
	s->epoch = mv_repo_newest_epoch(c->repo);
	for (i = 0; i < c->keys->nidentities && rc == 0; i++) {
		key = mv_keyring_find(ring, c->keys->identities[i].number);
		if (key != NULL && key->removed)
			rc = mv_strv_addf(&s->alarms, err,
			    "key %" PRIu32 ", which is "
			    "in use here, was removed", key->number);
	}
	return rc;
}

int
mv_status_gather(struct mv_context *c, struct mv_status *out,
    struct mv_err *err)
{
	static int (*const parts[])(struct mv_context *, struct mv_status *,
	    struct mv_err *) = {
		look_at_members, look_at_stores, look_at_snapshots,
		look_at_vault, look_at_kit, look_at_keys,
	};
	mv_auto(mv_status_clear) struct mv_status s = { 0 };
	size_t i;
	int rc = 0;

	for (i = 0; i < MV_ARRAY_LEN(parts) && rc == 0; i++)
		rc = parts[i](c, &s, err);
	if (rc < 0)
		return rc;
	*out = s;
	s = (struct mv_status){ 0 };
	return 0;
}
