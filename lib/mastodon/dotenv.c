/* SPDX-License-Identifier: MIT */
#include "mastodon/dotenv.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mastodon/dotenv_lex.h"
#include "secret/secret.h"

struct entry {
	char *key;
	size_t off, len;	/* in values */
	unsigned line;
	unsigned file;
	bool unknown;		/* depends on a variable set nowhere */
};

struct mv_dotenv {
	struct entry *v;
	size_t n, cap;
	unsigned nfiles;
	struct mv_sbuf values;
};

int
mv_dotenv_new(struct mv_dotenv **out, struct mv_err *err)
{
	struct mv_dotenv *env = calloc(1, sizeof(*env));

	if (env == NULL)
		return mv_err_set(err, MV_ENOMEM, "read settings");
	*out = env;
	return 0;
}

void
mv_dotenv_free(struct mv_dotenv *env)
{
	size_t i;

	if (env == NULL)
		return;
	for (i = 0; i < env->n; i++)
		free(env->v[i].key);
	free(env->v);
	mv_sbuf_clear(&env->values);
	free(env);
}

void
mv_dotenv_freep(struct mv_dotenv **env)
{
	mv_dotenv_free(*env);
	*env = NULL;
}

static struct entry *
find(const struct mv_dotenv *env, const uint8_t *key, size_t len)
{
	size_t i;

	for (i = 0; i < env->n; i++)
		if (strlen(env->v[i].key) == len &&
		    memcmp(env->v[i].key, key, len) == 0)
			return &env->v[i];
	return NULL;
}

static int
add_entry(struct mv_dotenv *env, const uint8_t *key, size_t len,
    struct entry **out, struct mv_err *err)
{
	size_t cap = env->cap > 0 ? env->cap * 2 : 64;
	struct entry *v;

	if (env->n == MV_DOTENV_KEYS_MAX)
		return mv_err_set(err, MV_EUSAGE, "more than %d settings",
		    MV_DOTENV_KEYS_MAX);
	if (env->n == env->cap) {
		v = reallocarray(env->v, cap, sizeof(*v));
		if (v == NULL)
			return mv_err_set(err, MV_ENOMEM, "read settings");
		env->v = v;
		env->cap = cap;
	}
	v = &env->v[env->n];
	*v = (struct entry){ .key = strndup((const char *)key, len) };
	if (v->key == NULL)
		return mv_err_set(err, MV_ENOMEM, "read settings");
	env->n++;
	*out = v;
	return 0;
}

/* Never NULL for what is set, not even when all values are empty. */
static const uint8_t *
value_of(const struct mv_dotenv *env, const struct entry *e)
{
	return e->len > 0 ? env->values.p + e->off : (const uint8_t *)"";
}

static bool
lookup(void *arg, const uint8_t *name, size_t len, const uint8_t **value,
    size_t *value_len, bool *unknown)
{
	const struct mv_dotenv *env = arg;
	const struct entry *e = find(env, name, len);

	if (e == NULL)
		return false;
	*value = value_of(env, e);
	*value_len = e->len;
	if (e->unknown)
		*unknown = true;
	return true;
}

static int
store(struct mv_dotenv *env, struct mv_dotenv_setting *s, struct mv_err *err)
{
	const struct mv_dotenv_scope scope = { lookup, env };
	/* Of its own: env->values must not move while it is read from. */
	mv_auto(mv_sbuf_clear) struct mv_sbuf value = { 0 };
	struct entry *e = find(env, s->key, s->key_len);
	size_t off = env->values.len;
	bool unknown = false;
	int rc;

	if (e != NULL && e->file != env->nfiles)
		return 0;
	/* "export KEY", and to dotenv "export KEY=", only point at a setting. */
	if (s->export && !s->has_value) {
		if (e != NULL)
			return 0;
		return mv_err_set(err, MV_EUSAGE,
		    "line %u: exports what is not set", s->line);
	}
	s->raw.legacy = mv_dotenv_is(env, "DOTENV_LINEBREAK_MODE", "legacy");
	rc = mv_dotenv_value(&s->raw, &scope, MV_DOTENV_VALUES_MAX - off,
	    &value, &unknown, err);
	if (rc < 0)
		return rc;
	if (value.len > MV_DOTENV_VALUES_MAX - off)
		return mv_err_set(err, MV_EUSAGE,
		    "line %u: all values are more than %d bytes together",
		    s->line, MV_DOTENV_VALUES_MAX);
	rc = mv_sbuf_put(&env->values, value.p, value.len, err);
	if (rc < 0)
		return rc;
	if (e == NULL) {
		rc = add_entry(env, s->key, s->key_len, &e, err);
		if (rc < 0)
			return mv_err_ctx(err, rc, "line %u", s->line);
	}
	e->off = off;
	e->len = value.len;
	e->line = s->line;
	e->file = env->nfiles;
	e->unknown = unknown;
	return 0;
}

int
mv_dotenv_add(struct mv_dotenv *env, const void *text, size_t len,
    struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf lines = { 0 };
	struct mv_dotenv_lex lex;
	struct mv_dotenv_setting s;
	int rc;

	if (len > MV_DOTENV_TEXT_MAX)
		return mv_err_set(err, MV_EUSAGE, "more than %d bytes",
		    MV_DOTENV_TEXT_MAX);
	rc = mv_dotenv_lines(text, len, &lines, NULL, err);
	if (rc < 0)
		return rc;
	env->nfiles++;
	lex = mv_dotenv_lex_of(&lines);
	while ((rc = mv_dotenv_next(&lex, &s, err)) > 0) {
		rc = store(env, &s, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

int
mv_dotenv_get(const struct mv_dotenv *env, const char *key, const uint8_t **p,
    size_t *len, struct mv_err *err)
{
	const struct entry *e = find(env, (const uint8_t *)key, strlen(key));

	*p = NULL;
	*len = 0;
	if (e == NULL)
		return 0;
	/* The variable's name may be a part of a password: it is not told. */
	if (e->unknown)
		return mv_err_set(err, MV_EUSAGE,
		    "line %u: '%s' uses a variable that no file sets", e->line,
		    key);
	*p = value_of(env, e);
	*len = e->len;
	return 0;
}

int
mv_dotenv_is(const struct mv_dotenv *env, const char *key, const char *text)
{
	const struct entry *e = find(env, (const uint8_t *)key, strlen(key));

	return e != NULL && !e->unknown && e->len == strlen(text) &&
	    memcmp(value_of(env, e), text, e->len) == 0;
}

size_t
mv_dotenv_count(const struct mv_dotenv *env)
{
	return env->n;
}

const char *
mv_dotenv_key(const struct mv_dotenv *env, size_t i)
{
	return env->v[i].key;
}
