/* SPDX-License-Identifier: MIT */
#include "vault/changes.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/crypto.h"
#include "vault/vault_internal.h"

void
mv_vault_changes_clear(struct mv_vault_changes *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		free(c->list[i].name);
	free(c->list);
	*c = (struct mv_vault_changes){ 0 };
}

void
mv_vault_ages_clear(struct mv_vault_ages *a)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		free(a->list[i].name);
	free(a->list);
	*a = (struct mv_vault_ages){ 0 };
}

int
mv_vault_settings(const struct mv_vault_file *f, struct mv_dotenv **out,
    struct mv_err *err)
{
	mv_auto(mv_dotenv_freep) struct mv_dotenv *env = NULL;
	int rc;

	rc = mv_dotenv_new(&env, err);
	if (rc == 0)
		rc = mv_dotenv_add(env, f->bytes.p, f->bytes.len, err);
	if (rc < 0)
		return rc;
	*out = mv_take(&env);
	return 0;
}

bool
mv_vault_same(const struct mv_dotenv *a, const struct mv_dotenv *b,
    const char *key)
{
	const uint8_t *p = NULL, *q = NULL;
	size_t plen = 0, qlen = 0;
	bool known_p = mv_dotenv_get(a, key, &p, &plen, NULL) == 0;
	bool known_q = mv_dotenv_get(b, key, &q, &qlen, NULL) == 0;

	if (!known_p || !known_q)
		return known_p == known_q;
	if (p == NULL || q == NULL)
		return p == q;
	return plen == qlen && mv_equal(p, q, plen);
}

static bool
has(const struct mv_dotenv *env, const char *key)
{
	const uint8_t *p = NULL;
	size_t len;

	/* What is set to something unknown is set. */
	return mv_dotenv_get(env, key, &p, &len, NULL) < 0 || p != NULL;
}

static int
add_change(struct mv_vault_changes *c, const char *name,
    enum mv_vault_how how, struct mv_err *err)
{
	struct mv_vault_change *grown;

	grown = realloc(c->list, (c->n + 1) * sizeof(*grown));
	if (grown != NULL) {
		c->list = grown;
		grown[c->n].how = how;
		grown[c->n].name = strdup(name);
	}
	if (grown == NULL || grown[c->n].name == NULL)
		return mv_err_set(err, MV_ENOMEM, "compare settings");
	c->n++;
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	const struct mv_vault_change *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int
mv_vault_compare(const struct mv_dotenv *a, const struct mv_dotenv *b,
    struct mv_vault_changes *out, struct mv_err *err)
{
	mv_auto(mv_vault_changes_clear) struct mv_vault_changes c = { 0 };
	const char *key;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < mv_dotenv_count(a); i++) {
		key = mv_dotenv_key(a, i);
		if (!has(b, key))
			rc = add_change(&c, key, MV_VAULT_GONE, err);
		else if (!mv_vault_same(a, b, key))
			rc = add_change(&c, key, MV_VAULT_CHANGED, err);
	}
	for (i = 0; rc == 0 && i < mv_dotenv_count(b); i++)
		if (!has(a, mv_dotenv_key(b, i)))
			rc = add_change(&c, mv_dotenv_key(b, i), MV_VAULT_NEW,
			    err);
	if (rc < 0)
		return rc;
	if (c.n > 1)
		qsort(c.list, c.n, sizeof(c.list[0]), by_name);
	*out = c;
	c = (struct mv_vault_changes){ 0 };
	return 0;
}

static const struct mv_vault_age *
find_age(const struct mv_vault_ages *a, const char *name)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (strcmp(a->list[i].name, name) == 0)
			return &a->list[i];
	return NULL;
}

static int
age_by_name(const void *a, const void *b)
{
	const struct mv_vault_age *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* The ages at version v, from those at the version before it. */
static int
next_ages(const struct mv_vault_version *v, const struct mv_dotenv *before,
    const struct mv_dotenv *env, struct mv_vault_ages *ages,
    struct mv_err *err)
{
	mv_auto(mv_vault_ages_clear) struct mv_vault_ages now = { 0 };
	const struct mv_vault_age *old;
	struct mv_vault_age *age;
	size_t i, n = mv_dotenv_count(env);

	now.list = calloc(n + 1, sizeof(*now.list));
	if (now.list == NULL)
		return mv_err_set(err, MV_ENOMEM, "list settings");
	for (i = 0; i < n; i++) {
		age = &now.list[i];
		age->name = strdup(mv_dotenv_key(env, i));
		if (age->name == NULL)
			return mv_err_set(err, MV_ENOMEM, "list settings");
		now.n++;
		old = find_age(ages, age->name);
		age->version = v->number;
		age->time = v->time;
		age->values = 1 + (old != NULL ? old->values : 0);
		if (old != NULL && mv_vault_same(before, env, age->name)) {
			age->version = old->version;
			age->time = old->time;
			age->values = old->values;
		}
	}
	mv_vault_ages_clear(ages);
	*ages = now;
	now = (struct mv_vault_ages){ 0 };
	return 0;
}

int
mv_vault_ages(struct mv_repo *r, const struct mv_vault *v,
    struct mv_vault_ages *out, struct mv_err *err)
{
	mv_auto(mv_vault_ages_clear) struct mv_vault_ages ages = { 0 };
	mv_auto(mv_dotenv_freep) struct mv_dotenv *before = NULL;
	size_t i;
	int rc;

	for (i = 0; i < v->n; i++) {
		mv_auto(mv_vault_file_clear) struct mv_vault_file f = { 0 };
		mv_auto(mv_vault_note_clear) struct mv_vault_note note = { 0 };
		mv_auto(mv_dotenv_freep) struct mv_dotenv *env = NULL;
		bool last = i + 1 == v->n;

		if (!last && mv_vault_recipient(r, &v->list[i]) == NULL)
			continue;
		rc = mv_vault_open_noted(r, &v->list[i], &f, &note, err);
		if (rc < 0)
			return rc;
		/* Its end says whether its values came to be in force. */
		if (note.pending && !last)
			continue;
		rc = mv_vault_settings(&f, &env, last ? err : NULL);
		if (rc < 0 && !last)
			continue;
		if (rc == 0)
			rc = next_ages(&v->list[i], before, env, &ages, err);
		if (rc < 0)
			return mv_err_ctx(err, rc, "vault version %llu",
			    (unsigned long long)v->list[i].number);
		mv_dotenv_free(before);
		before = mv_take(&env);
	}
	if (ages.n > 1)
		qsort(ages.list, ages.n, sizeof(ages.list[0]), age_by_name);
	*out = ages;
	ages = (struct mv_vault_ages){ 0 };
	return 0;
}
