/* SPDX-License-Identifier: MIT */
#include "vault/vault.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "base/time.h"

/* An env-file has a few kilobytes; this bounds what a hostile store can cost. */
#define VERSION_OBJECT_MAX (16u << 20)
#define RECIPIENTS_MAX 256

void
mv_vault_clear(struct mv_vault *v)
{
	size_t i;

	for (i = 0; i < v->n; i++)
		mv_vault_version_clear(&v->list[i]);
	for (i = 0; i < v->nproblems; i++)
		free(v->problems[i]);
	free(v->list);
	free(v->problems);
	*v = (struct mv_vault){ 0 };
}

void
mv_vault_file_clear(struct mv_vault_file *f)
{
	mv_sbuf_clear(&f->bytes);
	free(f->path);
	f->path = NULL;
	f->mode = 0;
}

static int MV_PRINTF(3, 4)
add_problem(struct mv_vault *v, struct mv_err *err, const char *fmt, ...)
{
	char **grown;
	va_list ap;
	int n;

	grown = realloc(v->problems, (v->nproblems + 1) * sizeof(*grown));
	if (grown == NULL)
		return mv_err_set(err, MV_ENOMEM, "list the vault's problems");
	v->problems = grown;
	va_start(ap, fmt);
	n = vasprintf(&v->problems[v->nproblems], fmt, ap);
	va_end(ap);
	if (n < 0)
		return mv_err_set(err, MV_ENOMEM, "list the vault's problems");
	v->nproblems++;
	return 0;
}

/* names: the object names of a listing. */
struct names {
	char **p;
	size_t n;
};

static void
names_clear(struct names *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->p[i]);
	free(l->p);
	*l = (struct names){ 0 };
}

static int
names_add(const char *name, uint64_t size, void *arg)
{
	struct names *l = arg;
	struct mv_name parsed;
	char **grown;
	size_t i;

	(void)size;
	if (mv_object_name_parse(name, &parsed) < 0 ||
	    parsed.kind != MV_KIND_VAULT)
		return 0;
	/* Replicas hold the same objects. */
	for (i = 0; i < l->n; i++)
		if (strcmp(l->p[i], name) == 0)
			return 0;
	grown = realloc(l->p, (l->n + 1) * sizeof(*grown));
	if (grown == NULL)
		return MV_ENOMEM;
	l->p = grown;
	l->p[l->n] = strdup(name);
	if (l->p[l->n] == NULL)
		return MV_ENOMEM;
	l->n++;
	return 0;
}

static int
list_names(struct mv_repo *r, struct names *out, struct mv_err *err)
{
	size_t i;
	int rc;

	for (i = 0; i < mv_repo_nstores(r); i++) {
		if (mv_repo_left_out(r, i) != NULL)
			continue;
		rc = mv_store_list(mv_repo_store(r, i), "vault/", names_add,
		    out, err);
		if (rc < 0)
			return mv_err_ctx(err, rc, "list vault versions");
	}
	return 0;
}

static int
vault_secret(struct mv_repo *r, struct mv_key *out, struct mv_err *err)
{
	struct mv_keyset *keys = mv_repo_keyset(r);

	if (!keys->has_vault)
		return mv_err_set(err, MV_EAUTH,
		    "the keys given cannot open the vault");
	*out = keys->vault;
	return 0;
}

static int
load_one(struct mv_repo *r, const char *name, struct mv_vault *v,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf obj = { 0 };
	mv_auto(mv_key_wipe) struct mv_key secret = { 0 };
	struct mv_vault_version *grown;
	struct mv_err why = { 0 };
	char text[MV_ERR_TEXT_MAX];
	int rc;

	rc = vault_secret(r, &secret, err);
	if (rc < 0)
		return rc;
	grown = realloc(v->list, (v->n + 1) * sizeof(*grown));
	if (grown == NULL)
		return mv_err_set(err, MV_ENOMEM, "list vault versions");
	v->list = grown;
	memset(&v->list[v->n], 0, sizeof(v->list[v->n]));

	rc = mv_repo_get(r, name, VERSION_OBJECT_MAX, &obj, &why);
	/* What is not as its name says was a version; other junk was none. */
	v->lost += rc < 0;
	if (rc == 0)
		rc = mv_vault_version_decode(obj.p, obj.len, mv_repo_id(r),
		    &secret, mv_repo_vault_pub, r, &v->list[v->n], &why);
	if (rc == 0) {
		v->n++;
		return 0;
	}
	if (rc != MV_ECORRUPT && rc != MV_EAUTH && rc != MV_ENOTFOUND)
		return mv_err_set(err, rc, "read vault version '%s'", name);
	(void)mv_err_text(&why, text, sizeof(text));
	return add_problem(v, err, "vault version '%s': %s", name, text);
}

static int
by_number(const void *a, const void *b)
{
	const struct mv_vault_version *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* Each version names the one before it; anything else is worth an alarm. */
static int
check_chain(struct mv_vault *v, struct mv_err *err)
{
	static const struct mv_id32 none;
	const struct mv_id32 *prev = &none;
	uint64_t next = 1;
	size_t i;
	int rc;

	for (i = 0; i < v->n; i++) {
		if (v->list[i].number == next &&
		    memcmp(&v->list[i].prev, prev, sizeof(*prev)) == 0)
			rc = 0;
		else if (v->list[i].number > next)
			rc = add_problem(v, err,
			    "vault version %llu is missing",
			    (unsigned long long)next);
		else
			rc = add_problem(v, err,
			    "vault version %llu does not continue the chain",
			    (unsigned long long)v->list[i].number);
		if (rc < 0)
			return rc;
		prev = &v->list[i].hash;
		next = v->list[i].number + 1;
	}
	return 0;
}

int
mv_vault_load(struct mv_repo *r, struct mv_vault *out, struct mv_err *err)
{
	mv_auto(mv_vault_clear) struct mv_vault v = { 0 };
	mv_auto(names_clear) struct names names = { 0 };
	size_t i;
	int rc;

	rc = list_names(r, &names, err);
	for (i = 0; rc == 0 && i < names.n; i++)
		rc = load_one(r, names.p[i], &v, err);
	if (rc < 0)
		return rc;
	if (v.n > 1)
		qsort(v.list, v.n, sizeof(v.list[0]), by_number);
	rc = check_chain(&v, err);
	if (rc < 0)
		return rc;
	*out = v;
	v = (struct mv_vault){ 0 };
	return 0;
}

int
mv_vault_find(const struct mv_vault *v, const struct mv_id32 *hash,
    const struct mv_vault_version **out, struct mv_err *err)
{
	char hex[2 * sizeof(hash->b) + 1];
	size_t i;

	for (i = 0; i < v->n; i++) {
		if (memcmp(&v->list[i].hash, hash, sizeof(*hash)) == 0) {
			*out = &v->list[i];
			return 0;
		}
	}
	mv_hex_encode(hash->b, sizeof(hash->b), hex);
	return mv_err_set(err, MV_ENOTFOUND,
	    "no readable vault version with hash '%.12s'", hex);
}

static int
read_meta(const struct mv_buf *meta, struct mv_vault_file *f,
    struct mv_err *err)
{
	const char *path, *mode;
	char *end;
	json_t *doc;
	int rc = 0;

	doc = json_loadb((const char *)meta->p, meta->len,
	    JSON_REJECT_DUPLICATES, NULL);
	path = json_string_value(json_object_get(doc, "file"));
	mode = json_string_value(json_object_get(doc, "mode"));
	if (path == NULL || mode == NULL) {
		rc = mv_err_set(err, MV_ECORRUPT,
		    "a vault version does not name its file");
	} else {
		f->mode = (unsigned)strtoul(mode, &end, 8);
		f->path = strdup(path);
		if (*end != '\0' || f->mode > 07777)
			rc = mv_err_set(err, MV_ECORRUPT,
			    "a vault version has the mode '%s'", mode);
		else if (f->path == NULL)
			rc = mv_err_set(err, MV_ENOMEM, "open vault version");
	}
	json_decref(doc);
	return rc;
}

/* One of our vault identities to which the version is sealed. */
static const struct mv_identity *
recipient(struct mv_repo *r, const struct mv_vault_version *v)
{
	const struct mv_keyset *keys = mv_repo_keyset(r);
	size_t i, k;

	for (i = 0; i < keys->nidentities; i++)
		for (k = 0; k < v->nrecipients; k++)
			if ((keys->identities[i].rights & MV_RIGHT_VAULT) &&
			    v->recipients[k].key == keys->identities[i].number)
				return &keys->identities[i];
	return NULL;
}

int
mv_vault_open(struct mv_repo *r, const struct mv_vault_version *v,
    struct mv_vault_file *out, struct mv_err *err)
{
	mv_auto(mv_vault_file_clear) struct mv_vault_file f = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf meta = { 0 };
	const struct mv_identity *me = recipient(r, v);
	int rc;

	if (me == NULL)
		return mv_err_set(err, MV_EAUTH,
		    "vault version %llu is not sealed to any of the keys given",
		    (unsigned long long)v->number);
	rc = mv_vault_version_open(v, mv_repo_id(r), me->number, me->box_pub,
	    &me->box, &meta, &f.bytes, err);
	if (rc == 0)
		rc = read_meta(&meta, &f, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "open vault version %llu",
		    (unsigned long long)v->number);
	*out = f;
	f = (struct mv_vault_file){ 0 };
	return 0;
}

static bool
same_file(const struct mv_vault_file *a, const struct mv_vault_file *b)
{
	return a->bytes.len == b->bytes.len && a->mode == b->mode &&
	    strcmp(a->path, b->path) == 0 &&
	    mv_equal(a->bytes.p, b->bytes.p, a->bytes.len);
}

static char *
meta_json(const struct mv_vault_file *file, const struct mv_vault_reason *why)
{
	char mode[8], *text;
	json_t *doc;

	(void)snprintf(mode, sizeof(mode), "%04o", file->mode & 07777);
	doc = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:[]}",
	    "host", why->host, "operator", why->operator_name,
	    "reason", why->reason, "state", "current", "file", file->path,
	    "mode", mode, "changes");
	if (doc == NULL)
		return NULL;
	text = json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(doc);
	return text;
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

static int
append(struct mv_repo *r, const struct mv_vault *v,
    const struct mv_identity *me, const struct mv_vault_file *file,
    const struct mv_vault_reason *why, struct mv_vault_ref *out,
    struct mv_err *err)
{
	mv_auto(mv_vault_version_clear) struct mv_vault_version next = { 0 };
	mv_auto(mv_key_wipe) struct mv_key secret = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf obj = { 0 };
	mv_auto(mv_freep) char *meta = meta_json(file, why);
	const struct mv_keyring_key *to[RECIPIENTS_MAX];
	char name[MV_OBJECT_NAME_MAX];
	size_t nto;
	int rc;

	if (meta == NULL)
		return mv_err_set(err, MV_EUSAGE,
		    "the path '%s' is not UTF-8", file->path);
	rc = vault_secret(r, &secret, err);
	if (rc < 0)
		return rc;
	/* A version that cannot be read may be newer than what we see. */
	next.number = v->lost + 1;
	if (v->n > 0)
		next.number += v->list[v->n - 1].number;
	if (v->n > 0)
		next.prev = v->list[v->n - 1].hash;
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
	out->hash = next.hash;
	out->number = next.number;
	return 0;
}

/*
 * Is file what the newest version holds?  One that is not sealed to us, who
 * were admitted later, is taken for another.
 */
static int
is_newest(struct mv_repo *r, const struct mv_vault_version *v,
    const struct mv_vault_file *file, bool *same, struct mv_err *err)
{
	mv_auto(mv_vault_file_clear) struct mv_vault_file newest = { 0 };
	int rc;

	*same = false;
	if (recipient(r, v) == NULL)
		return 0;
	rc = mv_vault_open(r, v, &newest, err);
	if (rc < 0)
		return rc;
	/* A vault key that was admitted since needs a version, too. */
	*same = same_file(&newest, file) &&
	    sealed_to_all(mv_repo_keyring(r), v);
	return 0;
}

int
mv_vault_import(struct mv_repo *r, const struct mv_vault_file *file,
    const struct mv_vault_reason *why, struct mv_vault_ref *out, bool *added,
    struct mv_err *err)
{
	mv_auto(mv_vault_clear) struct mv_vault v = { 0 };
	const struct mv_identity *me = NULL;
	const struct mv_vault_version *newest;
	char name[MV_OBJECT_NAME_MAX];
	bool same = false;
	int rc;

	rc = signer(r, &me, err);
	if (rc == 0)
		rc = mv_vault_load(r, &v, err);
	if (rc < 0)
		return rc;
	/* Damage to an old version is no reason to go without a new one. */
	(void)snprintf(out->problem, sizeof(out->problem), "%s",
	    v.nproblems > 0 ? v.problems[0] : "");
	if (v.n > 0)
		rc = is_newest(r, &v.list[v.n - 1], file, &same, err);
	if (rc < 0)
		return rc;
	*added = !same;
	if (!same)
		return append(r, &v, me, file, why, out, err);
	newest = &v.list[v.n - 1];
	out->hash = newest->hash;
	out->number = newest->number;
	/* A store that was away when it was made gets it now. */
	mv_object_name(MV_KIND_VAULT, 0, &newest->id, &newest->hash, name);
	return mv_repo_spread(r, name, err);
}
