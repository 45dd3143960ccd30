/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/stop.h"
#include "base/time.h"
#include "vault/changes.h"
#include "vault/vault_internal.h"

#define RECIPIENTS_MAX 256
/* 100 times a tenth of a second. */
#define LOCK_TRIES 100
#define LOCK_PAUSE_NSEC 100000000

static bool
same_file(const struct mv_vault_file *a, const struct mv_vault_file *b)
{
	return a->bytes.len == b->bytes.len && a->mode == b->mode &&
	    strcmp(a->path, b->path) == 0 &&
	    mv_equal(a->bytes.p, b->bytes.p, a->bytes.len);
}

static char *
meta_json(const struct mv_vault_file *file, const struct mv_vault_reason *why,
    json_t *changes)
{
	json_t *doc, *done = json_object();
	char mode[8], *text;
	size_t i;

	for (i = 0; i < why->ndone; i++)
		json_object_set_new(done, why->done[i].what,
		    json_integer((json_int_t)why->done[i].rows));
	(void)snprintf(mode, sizeof(mode), "%04o", file->mode & 07777);
	doc = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o}",
	    "host", why->host, "operator", why->operator_name,
	    "reason", why->reason, "state",
	    why->kind == MV_VAULT_PENDING ? "pending" : "current",
	    "file", file->path, "mode", mode, "changes", changes, "done",
	    done);
	if (doc == NULL)
		return NULL;
	text = json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(doc);
	return text;
}

/*
 * The names of what differs from the newest version, or from the one that was
 * in force before a rotation.  None where one of them cannot be read: a file
 * that is odd is kept all the same.
 */
static json_t *
list_changes(struct mv_repo *r, const struct mv_vault *v,
    const struct mv_vault_file *file)
{
	const struct mv_vault_version *from = NULL;
	mv_auto(mv_vault_changes_clear) struct mv_vault_changes c = { 0 };
	mv_auto(mv_vault_file_clear) struct mv_vault_file newest = { 0 };
	mv_auto(mv_dotenv_freep) struct mv_dotenv *a = NULL, *b = NULL;
	json_t *list = json_array();
	size_t i;

	if (v->n == 0 || mv_vault_before(r, v, &from, NULL) < 0)
		return list;
	if (from == NULL)
		from = &v->list[v->n - 1];
	if (mv_vault_recipient(r, from) == NULL ||
	    mv_vault_open(r, from, &newest, NULL) < 0 ||
	    mv_vault_settings(&newest, &a, NULL) < 0 ||
	    mv_vault_settings(file, &b, NULL) < 0 ||
	    mv_vault_compare(a, b, &c, NULL) < 0)
		return list;
	for (i = 0; i < c.n; i++)
		json_array_append_new(list, json_string(c.list[i].name));
	return list;
}

/* Every active key with the vault right can open a new version. */
static size_t
recipients_of(const struct mv_keyring *k,
    const struct mv_keyring_key *to[], size_t max)
{
	size_t i, n = 0;

	for (i = 0; i < k->nkeys && n < max; i++)
		if (!k->keys[i].removed && (k->keys[i].rights & MV_RIGHT_VAULT))
			to[n++] = &k->keys[i];
	return n;
}

/* Can every active vault key open it? */
static bool
sealed_to_all(const struct mv_keyring *k, const struct mv_vault_version *v)
{
	const struct mv_keyring_key *to[RECIPIENTS_MAX];
	size_t i, j, n = recipients_of(k, to, MV_ARRAY_LEN(to));

	for (i = 0; i < n; i++) {
		for (j = 0; j < v->nrecipients; j++)
			if (v->recipients[j].key == to[i]->number)
				break;
		if (j == v->nrecipients)
			return false;
	}
	return true;
}

/* Our vault key, unless it was removed. */
static int
signer(struct mv_repo *r, const struct mv_identity **out, struct mv_err *err)
{
	const struct mv_identity *me = mv_keyset_find(mv_repo_keyset(r),
	    MV_RIGHT_VAULT);
	const struct mv_keyring_key *key;

	if (me == NULL)
		return mv_err_set(err, MV_EAUTH,
		    "no vault key to sign a version with");
	key = mv_keyring_find(mv_repo_keyring(r), me->number);
	if (key == NULL || key->removed)
		return mv_err_set(err, MV_EAUTH,
		    "key %u may not write to this vault (any more)",
		    me->number);
	*out = me;
	return 0;
}

static void
set_ref(struct mv_vault_ref *out, const struct mv_id32 *hash, uint64_t number)
{
	out->hash = out->newest_hash = *hash;
	out->number = out->newest = out->before = number;
}

static int
append(struct mv_repo *r, const struct mv_vault *v,
    const struct mv_identity *me, const struct mv_vault_file *file,
    const struct mv_vault_reason *why, struct mv_vault_ref *out,
    struct mv_err *err)
{
	mv_auto(mv_vault_version_clear) struct mv_vault_version next = { 0 };
	mv_auto(mv_key_wipe) struct mv_key secret = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf obj = { 0 };
	mv_auto(mv_freep) char *meta = meta_json(file, why,
	    list_changes(r, v, file));
	const struct mv_keyring_key *to[RECIPIENTS_MAX];
	char name[MV_OBJECT_NAME_MAX];
	size_t nto;
	int rc;

	if (meta == NULL)
		return mv_err_set(err, MV_EUSAGE,
		    "the path '%s' is not UTF-8", file->path);
	rc = mv_vault_secret(r, &secret, err);
	if (rc < 0)
		return rc;
	/* A version that cannot be read may be newer than what we see. */
	next.number = v->lost + 1;
	if (v->n > 0)
		next.number += v->list[v->n - 1].number;
	if (v->n > 0)
		next.prev = v->list[v->n - 1].hash;
	else if (v->lost > 0)
		next.prev = v->lost_hash;
	next.time = mv_time_now();
	next.signer = me->number;
	nto = recipients_of(mv_repo_keyring(r), to, MV_ARRAY_LEN(to));
	rc = mv_vault_version_encode(&next, mv_repo_id(r), &secret, &me->seed,
	    to, nto, meta, file->bytes.p, file->bytes.len, &obj, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "seal a vault version");
	mv_object_name(MV_KIND_VAULT, 0, &next.id, &next.hash, name);
	rc = mv_repo_put(r, name, obj.p, obj.len, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "store a vault version");
	set_ref(out, &next.hash, next.number);
	return 0;
}

/*
 * Is file what the newest version holds?  One that is not sealed to us, who
 * were admitted later, is taken for another.
 */
static int
is_newest(struct mv_repo *r, const struct mv_vault_version *v,
    const struct mv_vault_file *file, bool *same, bool *bytes,
    struct mv_err *err)
{
	mv_auto(mv_vault_file_clear) struct mv_vault_file newest = { 0 };
	int rc;

	*same = *bytes = false;
	if (mv_vault_recipient(r, v) == NULL)
		return 0;
	rc = mv_vault_open(r, v, &newest, err);
	if (rc < 0)
		return rc;
	*bytes = newest.bytes.len == file->bytes.len &&
	    mv_equal(newest.bytes.p, file->bytes.p, file->bytes.len);
	/* A vault key that was admitted since needs a version, too. */
	*same = same_file(&newest, file) &&
	    sealed_to_all(mv_repo_keyring(r), v);
	return 0;
}

int
mv_vault_which(struct mv_repo *r, const struct mv_vault *v,
    const struct mv_sbuf *bytes, uint64_t *out, struct mv_err *err)
{
	size_t i;
	int rc;

	*out = 0;
	for (i = v->n; i > 0 && *out == 0; i--) {
		mv_auto(mv_vault_file_clear) struct mv_vault_file f = { 0 };

		if (mv_vault_recipient(r, &v->list[i - 1]) == NULL)
			continue;
		rc = mv_vault_open(r, &v->list[i - 1], &f, err);
		if (rc < 0)
			return rc;
		if (f.bytes.len == bytes->len &&
		    mv_equal(f.bytes.p, bytes->p, bytes->len))
			*out = v->list[i - 1].number;
	}
	return 0;
}

/*
 * One who writes at a time on this host: others wait, as it takes a moment.
 * Without a state directory nobody does this by night.
 */
static int
lock_vault(struct mv_repo *r, int *fd, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf path = { 0 };
	struct timespec pause = { .tv_nsec = LOCK_PAUSE_NSEC };
	unsigned tries = 0;
	int rc;

	if (mv_repo_state_dir(r) == NULL)
		return 0;
	mv_buf_printf(&path, "%s/vault.lock", mv_repo_state_dir(r));
	if (mv_buf_cstr(&path) == NULL)
		return mv_buf_failed(&path, err);
	do {
		rc = mv_file_lock((const char *)path.p, fd,
		    tries < LOCK_TRIES ? NULL : err);
		if (rc != MV_EAGAIN || tries++ == LOCK_TRIES)
			break;
		(void)nanosleep(&pause, NULL);
	} while (!mv_stop_requested());
	if (rc < 0 && tries < LOCK_TRIES)
		return mv_err_set(err, rc, "lock '%s'",
		    (const char *)path.p);
	return mv_err_ctx(err, rc, "another command writes to the vault");
}

/* Everything that writing needs: the lock, our key, what is there. */
static int
begin(struct mv_repo *r, int *lock, const struct mv_identity **me,
    struct mv_vault *v, struct mv_err *err)
{
	int rc;

	rc = signer(r, me, err);
	if (rc == 0)
		rc = lock_vault(r, lock, err);
	return rc < 0 ? rc : mv_vault_load(r, v, err);
}

/* Does an older version come back?  Then out is filled. */
static int
find_older(struct mv_repo *r, const struct mv_vault *v,
    const struct mv_vault_file *file, struct mv_vault_ref *out,
    struct mv_err *err)
{
	const struct mv_vault_version *newest = &v->list[v->n - 1], *old;
	uint64_t number = 0;
	int rc;

	rc = mv_vault_which(r, v, &file->bytes, &number, err);
	if (rc < 0 || number == 0)
		return rc;
	rc = mv_vault_number(v, number, &old, err);
	if (rc < 0)
		return rc;
	out->hash = old->hash;
	out->number = old->number;
	out->newest_hash = newest->hash;
	out->newest = out->before = newest->number;
	(void)snprintf(out->problem, sizeof(out->problem),
	    "'%s' holds the secrets of vault version %llu again, which "
	    "version %llu replaced: did an upgrade bring it back?",
	    file->path, (unsigned long long)number,
	    (unsigned long long)newest->number);
	return 1;
}

/* What a backup finds in the middle of a rotation: nothing new is made. */
static int
find_pending(struct mv_repo *r, const struct mv_vault *v,
    const struct mv_vault_version *before, const struct mv_vault_file *file,
    struct mv_vault_ref *out, struct mv_err *err)
{
	const struct mv_vault_version *newest = &v->list[v->n - 1];
	uint64_t number = 0;
	int rc;

	rc = mv_vault_which(r, v, &file->bytes, &number, err);
	if (rc < 0)
		return rc;
	out->pending = true;
	out->hash = before->hash;
	out->number = out->before = before->number;
	out->newest_hash = newest->hash;
	out->newest = newest->number;
	if (number == newest->number) {
		out->hash = newest->hash;
		out->number = newest->number;
	}
	return 1;
}

int
mv_vault_import(struct mv_repo *r, const struct mv_vault_file *file,
    const struct mv_vault_reason *why, struct mv_vault_ref *out, bool *added,
    struct mv_err *err)
{
	mv_auto(mv_vault_clear) struct mv_vault v = { 0 };
	mv_auto(mv_fd_closep) int lock = -1;
	const struct mv_identity *me = NULL;
	const struct mv_vault_version *newest, *before = NULL;
	bool same = false, bytes = false;
	char name[MV_OBJECT_NAME_MAX];
	int rc;

	rc = begin(r, &lock, &me, &v, err);
	if (rc < 0)
		return rc;
	/* Damage to an old version is no reason to go without a new one. */
	(void)snprintf(out->problem, sizeof(out->problem), "%s",
	    v.nproblems > 0 ? v.problems[0] : "");
	*added = out->pending = false;
	rc = mv_vault_before(r, &v, &before, err);
	if (rc == 0 && before != NULL)
		rc = find_pending(r, &v, before, file, out, err);
	if (rc == 0 && v.n > 0)
		rc = is_newest(r, &v.list[v.n - 1], file, &same, &bytes, err);
	if (rc == 0 && v.n > 0 && !bytes)
		rc = find_older(r, &v, file, out, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (!same) {
		*added = true;
		return append(r, &v, me, file, why, out, err);
	}
	newest = &v.list[v.n - 1];
	set_ref(out, &newest->hash, newest->number);
	/* A store that was away when it was made gets it now. */
	mv_object_name(MV_KIND_VAULT, 0, &newest->id, &newest->hash, name);
	return mv_repo_spread(r, name, err);
}

int
mv_vault_append(struct mv_repo *r, const struct mv_vault_file *file,
    const struct mv_vault_reason *why, const struct mv_id32 *after,
    struct mv_vault_ref *out, struct mv_err *err)
{
	mv_auto(mv_vault_clear) struct mv_vault v = { 0 };
	mv_auto(mv_fd_closep) int lock = -1;
	const struct mv_vault_version *before = NULL;
	const struct mv_identity *me = NULL;
	int rc;

	rc = begin(r, &lock, &me, &v, err);
	if (rc == 0 && why->kind != MV_VAULT_SETTLED)
		rc = mv_vault_before(r, &v, &before, err);
	if (rc == 0 && before != NULL)
		rc = mv_err_set(err, MV_EREFUSED, "a rotation of secrets is "
		    "under way or was not finished");
	if (rc < 0)
		return rc;
	if (v.n == 0 || memcmp(&v.list[v.n - 1].hash, after,
	    sizeof(*after)) != 0)
		return mv_err_set(err, MV_ECHANGED,
		    "somebody else made a version of the vault meanwhile");
	*out = (struct mv_vault_ref){ 0 };
	return append(r, &v, me, file, why, out, err);
}
