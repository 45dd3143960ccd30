/* SPDX-License-Identifier: MIT */
#include "vault/vault.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "base/json.h"
#include "vault/vault_internal.h"

/* An env-file has a few kilobytes; this bounds what a hostile store can cost. */
#define VERSION_OBJECT_MAX (16u << 20)

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
	size_t n, cap;
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
	size_t cap = l->cap > 0 ? 2 * l->cap : 64;
	char **grown;

	(void)size;
	if (mv_object_name_parse(name, &parsed) < 0 ||
	    parsed.kind != MV_KIND_VAULT)
		return 0;
	if (l->n == l->cap) {
		grown = reallocarray(l->p, cap, sizeof(*grown));
		if (grown == NULL)
			return MV_ENOMEM;
		l->p = grown;
		l->cap = cap;
	}
	l->p[l->n] = strdup(name);
	if (l->p[l->n] == NULL)
		return MV_ENOMEM;
	l->n++;
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Replicas hold the same objects; sorted, since anybody can plant names. */
static void
names_merge(struct names *l)
{
	size_t i, n = 0;

	if (l->n == 0)
		return;
	qsort(l->p, l->n, sizeof(*l->p), by_name);
	for (i = 1; i < l->n; i++) {
		if (strcmp(l->p[i], l->p[n]) == 0)
			free(l->p[i]);
		else
			l->p[++n] = l->p[i];
	}
	l->n = n + 1;
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
	names_merge(out);
	return 0;
}

int
mv_vault_secret(struct mv_repo *r, struct mv_key *out, struct mv_err *err)
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
	struct mv_name parsed;
	int rc;

	rc = mv_vault_secret(r, &secret, err);
	if (rc < 0)
		return rc;
	grown = realloc(v->list, (v->n + 1) * sizeof(*grown));
	if (grown == NULL)
		return mv_err_set(err, MV_ENOMEM, "list vault versions");
	v->list = grown;
	memset(&v->list[v->n], 0, sizeof(v->list[v->n]));

	rc = mv_repo_get(r, name, VERSION_OBJECT_MAX, &obj, &why);
	/* What is not as its name says was a version; other junk was none. */
	if (rc < 0 && mv_object_name_parse(name, &parsed) == 0) {
		v->lost++;
		v->lost_hash = parsed.hash;
	}
	if (rc == 0)
		rc = mv_vault_version_decode(obj.p, obj.len, mv_repo_id(r),
		    &secret, mv_repo_vault_pub, r, &v->list[v->n], &why);
	if (rc == 0) {
		v->n++;
		return 0;
	}
	(void)mv_err_text(&why, text, sizeof(text));
	/* Of another format, says a header that anybody can write. */
	if (rc != MV_ECORRUPT && rc != MV_EAUTH && rc != MV_EUSAGE &&
	    rc != MV_ENOTFOUND)
		return mv_err_set(err, rc, "read vault version '%s': %s",
		    name, text);
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
mv_vault_newest(const struct mv_vault *v, const struct mv_vault_version **out,
    struct mv_err *err)
{
	if (v->n == 0)
		return mv_err_set(err, MV_ENOTFOUND, "the vault is empty");
	*out = &v->list[v->n - 1];
	return 0;
}

int
mv_vault_number(const struct mv_vault *v, uint64_t number,
    const struct mv_vault_version **out, struct mv_err *err)
{
	size_t i;

	for (i = 0; i < v->n; i++) {
		if (v->list[i].number == number) {
			*out = &v->list[i];
			return 0;
		}
	}
	return mv_err_set(err, MV_ENOTFOUND,
	    "there is no readable vault version %llu",
	    (unsigned long long)number);
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

void
mv_vault_note_clear(struct mv_vault_note *n)
{
	size_t i;

	for (i = 0; i < n->nchanges; i++)
		free(n->changes[i]);
	for (i = 0; i < n->ndone; i++)
		free(n->done[i].what);
	free(n->changes);
	free(n->done);
	free(n->host);
	free(n->operator_name);
	free(n->reason);
	*n = (struct mv_vault_note){ 0 };
}

static int
copy_text(const json_t *doc, const char *key, char **out, struct mv_err *err)
{
	const char *text = json_string_value(json_object_get(doc, key));

	*out = strdup(text != NULL ? text : "");
	if (*out == NULL)
		return mv_err_set(err, MV_ENOMEM, "open vault version");
	return 0;
}

static int
read_done(const json_t *doc, struct mv_vault_note *n, struct mv_err *err)
{
	json_t *done = json_object_get(doc, "done"), *rows;
	const char *what;

	n->done = calloc(json_object_size(done) + 1, sizeof(n->done[0]));
	if (n->done == NULL)
		return mv_err_set(err, MV_ENOMEM, "open vault version");
	json_object_foreach(done, what, rows) {
		if (json_integer_value(rows) < 0)
			continue;
		n->done[n->ndone].rows = (uint64_t)json_integer_value(rows);
		n->done[n->ndone].what = strdup(what);
		if (n->done[n->ndone++].what == NULL)
			return mv_err_set(err, MV_ENOMEM,
			    "open vault version");
	}
	return 0;
}

static int
read_note(const json_t *doc, struct mv_vault_note *n, struct mv_err *err)
{
	const json_t *list = json_object_get(doc, "changes"), *item;
	const char *state;
	size_t i;
	int rc;

	state = json_string_value(json_object_get(doc, "state"));
	n->pending = state != NULL && strcmp(state, "pending") == 0;

	rc = copy_text(doc, "host", &n->host, err);
	if (rc == 0)
		rc = copy_text(doc, "operator", &n->operator_name, err);
	if (rc == 0)
		rc = copy_text(doc, "reason", &n->reason, err);
	if (rc == 0)
		rc = read_done(doc, n, err);
	if (rc < 0)
		return rc;
	n->changes = calloc(json_array_size(list) + 1, sizeof(char *));
	if (n->changes == NULL)
		return mv_err_set(err, MV_ENOMEM, "open vault version");
	json_array_foreach(list, i, item) {
		if (json_string_value(item) == NULL)
			continue;
		n->changes[n->nchanges] = strdup(json_string_value(item));
		if (n->changes[n->nchanges++] == NULL)
			return mv_err_set(err, MV_ENOMEM,
			    "open vault version");
	}
	return 0;
}

static int
read_file(const json_t *doc, struct mv_vault_file *f, struct mv_err *err)
{
	const char *path, *mode;
	char *end;

	path = json_string_value(json_object_get(doc, "file"));
	mode = json_string_value(json_object_get(doc, "mode"));
	if (path == NULL || mode == NULL)
		return mv_err_set(err, MV_ECORRUPT,
		    "a vault version does not name its file");
	f->mode = (unsigned)strtoul(mode, &end, 8);
	if (*end != '\0' || f->mode > 07777)
		return mv_err_set(err, MV_ECORRUPT,
		    "a vault version has the mode '%s'", mode);
	f->path = strdup(path);
	return f->path != NULL ? 0 :
	    mv_err_set(err, MV_ENOMEM, "open vault version");
}

static int
read_meta(const struct mv_buf *meta, struct mv_vault_file *f,
    struct mv_vault_note *note, struct mv_err *err)
{
	json_t *doc;
	int rc;

	rc = mv_json_object(meta->p, meta->len, &doc, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "a vault version's description");
	rc = read_file(doc, f, err);
	if (rc == 0 && note != NULL)
		rc = read_note(doc, note, err);
	json_decref(doc);
	return rc;
}

const struct mv_identity *
mv_vault_recipient(struct mv_repo *r, const struct mv_vault_version *v)
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
	return mv_vault_open_noted(r, v, out, NULL, err);
}

int
mv_vault_open_noted(struct mv_repo *r, const struct mv_vault_version *v,
    struct mv_vault_file *out, struct mv_vault_note *note,
    struct mv_err *err)
{
	mv_auto(mv_vault_note_clear) struct mv_vault_note n = { 0 };
	mv_auto(mv_vault_file_clear) struct mv_vault_file f = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf meta = { 0 };
	const struct mv_identity *me = mv_vault_recipient(r, v);
	int rc;

	if (me == NULL)
		return mv_err_set(err, MV_EAUTH,
		    "vault version %llu is not sealed to any of the keys given",
		    (unsigned long long)v->number);
	rc = mv_vault_version_open(v, mv_repo_id(r), me->number, me->box_pub,
	    &me->box, &meta, &f.bytes, err);
	if (rc == 0)
		rc = read_meta(&meta, &f, note != NULL ? &n : NULL, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "open vault version %llu",
		    (unsigned long long)v->number);
	if (note != NULL)
		*note = n;
	n = (struct mv_vault_note){ 0 };
	*out = f;
	f = (struct mv_vault_file){ 0 };
	return 0;
}
