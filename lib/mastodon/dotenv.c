/* SPDX-License-Identifier: MIT */
#include "mastodon/dotenv.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mastodon/dotenv_value.h"
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

/* One file on its way through the parser. */
struct parse {
	struct mv_dotenv *env;
	const uint8_t *p;
	size_t len, at;
	unsigned line;		/* of at */
};

/* One setting as it stands there. */
struct setting {
	const uint8_t *key;
	size_t key_len;
	unsigned line;
	bool export;
	bool has_value;
	struct mv_dotenv_raw raw;
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

/* Whitespace that does not end the line. */
static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

static bool
is_word(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_' || c == '.';
}

static size_t
skip_blank(const struct parse *ps, size_t i)
{
	while (i < ps->len && is_blank(ps->p[i]))
		i++;
	return i;
}

static bool
at_line_end(const struct parse *ps, size_t i)
{
	return i == ps->len || ps->p[i] == '\n';
}

/* Only blanks and perhaps a comment up to the end of the line. */
static bool
is_tail(const struct parse *ps, size_t i)
{
	i = skip_blank(ps, i);
	return at_line_end(ps, i) || ps->p[i] == '#';
}

/*
 * Where the quoted text that opens at i closes, or 0.  Normally that is the
 * first quote without a backslash before it.  If something else follows
 * there, one with a backslash is taken, the last first: a value may end in a
 * backslash ('C:\'), and this is the order in which dotenv tries.
 */
static size_t
closing_quote(const struct parse *ps, size_t open)
{
	uint8_t quote = ps->p[open];
	size_t i = open + 1;

	while (i < ps->len && ps->p[i] != quote)
		i += ps->p[i] == '\\' && i + 1 < ps->len &&
		    ps->p[i + 1] == quote ? 2 : 1;
	if (i < ps->len && is_tail(ps, i + 1))
		return i;
	while (--i > open)
		if (ps->p[i] == quote && is_tail(ps, i + 1))
			return i;
	return 0;
}

/* A value up to '#' or the end of the line, without the blanks around it. */
static int
unquoted(struct parse *ps, struct setting *s, struct mv_err *err)
{
	size_t start = ps->at, end;
	const uint8_t *p = ps->p;

	while (!at_line_end(ps, ps->at) && p[ps->at] != '#')
		ps->at++;
	end = ps->at;
	s->has_value = end > start;
	start = skip_blank(ps, start);
	while (end > start && is_blank(p[end - 1]))
		end--;
	s->raw.p = p + start;
	s->raw.len = end > start ? end - start : 0;
	if (s->raw.len == 0 || (p[start] != '\'' && p[start] != '"'))
		return 0;

	/* 'it's' is it's to dotenv; 'it is not closed, whatever it thinks. */
	if (s->raw.len < 2 || p[end - 1] != p[start])
		return mv_err_set(err, MV_EUSAGE,
		    "line %u: a quote is not closed, or text follows it",
		    s->line);
	s->raw.quote = (char)p[start];
	s->raw.p++;
	s->raw.len -= 2;
	return 0;
}

static int
parse_value(struct parse *ps, struct setting *s, struct mv_err *err)
{
	size_t open = skip_blank(ps, ps->at), close = 0;

	if (open < ps->len && (ps->p[open] == '\'' || ps->p[open] == '"'))
		close = closing_quote(ps, open);
	if (close == 0)
		return unquoted(ps, s, err);
	s->has_value = true;
	s->raw.quote = (char)ps->p[open];
	s->raw.p = ps->p + open + 1;
	s->raw.len = close - open - 1;
	ps->at = close + 1;
	return 0;
}

/* "export", unless that is the key itself. */
static bool
take_export(struct parse *ps)
{
	static const char word[] = "export";
	size_t i;

	if (ps->len - ps->at < sizeof(word) ||
	    memcmp(ps->p + ps->at, word, sizeof(word) - 1) != 0)
		return false;
	i = skip_blank(ps, ps->at + sizeof(word) - 1);
	if (i == ps->at + sizeof(word) - 1 || i == ps->len ||
	    !is_word(ps->p[i]))
		return false;
	ps->at = i;
	return true;
}

/* '=' with blanks before it, or ':' with one behind. */
static bool
take_separator(struct parse *ps)
{
	size_t i = skip_blank(ps, ps->at);

	if (i < ps->len && ps->p[i] == '=') {
		ps->at = i + 1;
		return true;
	}
	i = ps->at;
	if (ps->len - i >= 2 && ps->p[i] == ':' && is_blank(ps->p[i + 1])) {
		ps->at = i + 2;
		return true;
	}
	return false;
}

static int
parse_setting(struct parse *ps, struct setting *s, struct mv_err *err)
{
	s->line = s->raw.line = ps->line;
	s->export = take_export(ps);
	s->key = ps->p + ps->at;
	while (ps->at < ps->len && is_word(ps->p[ps->at]))
		ps->at++;
	s->key_len = (size_t)(ps->p + ps->at - s->key);
	if (s->key_len == 0)
		return mv_err_set(err, MV_EUSAGE,
		    "line %u: neither a setting nor a comment", s->line);
	if (take_separator(ps))
		return parse_value(ps, s, err);
	if (s->export && is_tail(ps, ps->at))
		return 0;
	return mv_err_set(err, MV_EUSAGE, "line %u: no '=' after the name",
	    s->line);
}

static int
store(struct mv_dotenv *env, struct setting *s, struct mv_err *err)
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

/* From the value's end over a comment and the line break. */
static void
end_line(struct parse *ps, size_t start)
{
	while (!at_line_end(ps, ps->at))
		ps->at++;
	if (ps->at < ps->len)
		ps->at++;
	for (; start < ps->at; start++)
		ps->line += ps->p[start] == '\n';
}

static int
parse_all(struct parse *ps, struct mv_err *err)
{
	size_t start;
	int rc;

	while (ps->at < ps->len) {
		struct setting s = { 0 };

		start = ps->at;
		if (!is_tail(ps, ps->at)) {
			ps->at = skip_blank(ps, ps->at);
			rc = parse_setting(ps, &s, err);
			if (rc == 0)
				rc = store(ps->env, &s, err);
			if (rc < 0)
				return rc;
		}
		end_line(ps, start);
	}
	return 0;
}

/* Line breaks become '\n', a byte order mark goes, NULs are refused. */
static int
normalise(const uint8_t *p, size_t len, struct mv_sbuf *out,
    struct mv_err *err)
{
	unsigned line = 1;
	size_t i = len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	int rc = 0;

	for (; i < len && rc == 0; i++) {
		if (p[i] == '\0')
			return mv_err_set(err, MV_EUSAGE, "line %u: a NUL byte",
			    line);
		if (p[i] != '\r')
			rc = mv_sbuf_put(out, p + i, 1, err);
		else if (i + 1 == len || p[i + 1] != '\n')
			rc = mv_sbuf_put(out, "\n", 1, err);
		line += p[i] == '\n';
	}
	return rc;
}

int
mv_dotenv_add(struct mv_dotenv *env, const void *text, size_t len,
    struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf lines = { 0 };
	struct parse ps = { .env = env, .line = 1 };
	int rc;

	if (len > MV_DOTENV_TEXT_MAX)
		return mv_err_set(err, MV_EUSAGE, "more than %d bytes",
		    MV_DOTENV_TEXT_MAX);
	rc = normalise(text, len, &lines, err);
	if (rc < 0)
		return rc;
	env->nfiles++;
	ps.p = lines.p;
	ps.len = lines.len;
	return parse_all(&ps, err);
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
