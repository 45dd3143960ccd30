/* SPDX-License-Identifier: MIT */
#include "mastodon/dotenv_edit.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mastodon/dotenv.h"
#include "mastodon/dotenv_lex.h"

struct edit {
	const uint8_t *text;
	size_t len;
	struct mv_sbuf lines;
	size_t *map;		/* from lines to text */
	size_t done;		/* of text, copied or replaced */
	const struct mv_dotenv_change *changes;
	size_t n;
	bool *found;		/* n of them */
	struct mv_sbuf *out;
};

static void
edit_clear(struct edit *e)
{
	mv_sbuf_clear(&e->lines);
	free(e->map);
	free(e->found);
}

bool
mv_dotenv_portable(const void *value, size_t len)
{
	static const char extra[] = "_=+/.,:@%-";
	const char *p = value;
	size_t i;

	for (i = 0; i < len; i++)
		if (!((p[i] >= 'a' && p[i] <= 'z') ||
		    (p[i] >= 'A' && p[i] <= 'Z') ||
		    (p[i] >= '0' && p[i] <= '9') ||
		    memchr(extra, p[i], sizeof(extra) - 1) != NULL))
			return false;
	return true;
}

/* A name that every reader takes for one. */
static bool
is_key(const char *key)
{
	static const char start[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz_";

	return key[0] != '\0' && strchr(start, key[0]) != NULL &&
	    key[strspn(key + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz_0123456789") + 1] == '\0';
}

static int
check_changes(const struct mv_dotenv_change *changes, size_t n,
    struct mv_err *err)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!is_key(changes[i].key))
			return mv_err_set(err, MV_EUSAGE,
			    "'%s' is no name of a setting", changes[i].key);
		if (!changes[i].returns &&
		    !mv_dotenv_portable(changes[i].value, changes[i].len))
			return mv_err_set(err, MV_EREFUSED,
			    "the value for '%s' has characters that dotenv, "
			    "node, docker compose and systemd read "
			    "differently", changes[i].key);
	}
	return 0;
}

/* Behind what stands before place i of lines. */
static size_t
text_end(const struct edit *e, size_t i)
{
	return i > 0 ? e->map[i - 1] + 1 : e->map[0];
}

static int
put(struct edit *e, const void *p, size_t len, struct mv_err *err)
{
	return mv_sbuf_put(e->out, p, len, err);
}

static int
copy_to(struct edit *e, size_t end, struct mv_err *err)
{
	int rc = put(e, e->text + e->done, end - e->done, err);

	e->done = end;
	return rc;
}

/* How the text ends its lines, by the first of them. */
static const char *
line_break(const struct edit *e)
{
	const uint8_t *lf = e->len > 0 ? memchr(e->text, '\n', e->len) : NULL;

	return lf != NULL && lf > e->text && lf[-1] == '\r' ? "\r\n" : "\n";
}

static int
put_value(struct edit *e, const struct mv_dotenv_change *c, char quote,
    struct mv_err *err)
{
	int rc = 0;

	if (!mv_dotenv_portable(c->value, c->len))
		quote = '\'';
	if (quote != '\0')
		rc = put(e, &quote, 1, err);
	if (rc == 0)
		rc = put(e, c->value, c->len, err);
	if (rc == 0 && quote != '\0')
		rc = put(e, &quote, 1, err);
	return rc;
}

/* A comment behind the value goes to a line of its own. */
static int
put_comment(struct edit *e, const struct mv_dotenv_setting *s,
    struct mv_err *err)
{
	const char *nl = line_break(e);
	const uint8_t *hash;
	size_t from;
	int rc;

	hash = memchr(e->lines.p + s->tail, '#', s->end - s->tail);
	if (hash == NULL)
		return 0;
	from = e->map[hash - e->lines.p];
	rc = put(e, e->text + from, text_end(e, s->end) - from, err);
	return rc < 0 ? rc : put(e, nl, strlen(nl), err);
}

/* What stands there already is left to the byte, whatever follows it. */
static bool
is_same(const struct mv_dotenv_setting *s, const struct mv_dotenv_change *c)
{
	if (s->raw.len != c->len ||
	    (c->len > 0 && memcmp(s->raw.p, c->value, c->len) != 0))
		return false;
	/* "export KEY=" only points at another setting. */
	return (mv_dotenv_portable(c->value, c->len) || s->raw.quote == '\'') &&
	    (s->has_value || !s->export);
}

static int
change(struct edit *e, const struct mv_dotenv_setting *s,
    const struct mv_dotenv_change *c, struct mv_err *err)
{
	char quote = s->raw.quote;
	int rc;

	if (is_same(s, c))
		return 0;
	if (s->export && c->len == 0 && quote == '\0')
		quote = '\'';
	rc = copy_to(e, text_end(e, s->begin), err);
	if (rc == 0)
		rc = put_comment(e, s, err);
	if (rc == 0)
		rc = copy_to(e, text_end(e, s->value), err);
	if (rc == 0)
		rc = put_value(e, c, quote, err);
	e->done = text_end(e, s->end);
	return rc;
}

static int
change_all(struct edit *e, struct mv_err *err)
{
	struct mv_dotenv_lex lex = mv_dotenv_lex_of(&e->lines);
	struct mv_dotenv_setting s;
	size_t i;
	int rc;

	while ((rc = mv_dotenv_next(&lex, &s, err)) > 0) {
		for (i = 0; i < e->n; i++)
			if (strlen(e->changes[i].key) == s.key_len &&
			    memcmp(e->changes[i].key, s.key, s.key_len) == 0)
				break;
		if (i == e->n || !s.has_separator)
			continue;
		e->found[i] = true;
		rc = change(e, &s, &e->changes[i], err);
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? rc : copy_to(e, e->len, err);
}

static int
append(struct edit *e, const struct mv_dotenv_change *c, struct mv_err *err)
{
	const char *nl = line_break(e);
	const struct mv_sbuf *out = e->out;
	int rc = 0;

	if (out->len > 0 && out->p[out->len - 1] != '\n' &&
	    out->p[out->len - 1] != '\r')
		rc = put(e, nl, strlen(nl), err);
	if (rc == 0)
		rc = put(e, c->key, strlen(c->key), err);
	if (rc == 0)
		rc = put(e, "=", 1, err);
	if (rc == 0)
		rc = put_value(e, c, '\0', err);
	return rc < 0 ? rc : put(e, nl, strlen(nl), err);
}

/* What Mastodon will read is what was wanted, or nothing is written. */
static int
read_back(const struct edit *e, struct mv_err *err)
{
	mv_auto(mv_dotenv_freep) struct mv_dotenv *env = NULL;
	const struct mv_dotenv_change *c;
	const uint8_t *p;
	size_t i, len;
	int rc;

	rc = mv_dotenv_new(&env, err);
	if (rc == 0)
		rc = mv_err_ctx(err, mv_dotenv_add(env, e->out->p, e->out->len,
		    err), "read the changed text back");
	for (i = 0; i < e->n && rc == 0; i++) {
		c = &e->changes[i];
		rc = mv_dotenv_get(env, c->key, &p, &len, err);
		if (rc == 0 && (p == NULL || len != c->len ||
		    sodium_memcmp(p, c->value, len) != 0))
			rc = mv_err_set(err, MV_EREFUSED,
			    "'%s' would not be read back as it was written",
			    c->key);
	}
	return rc;
}

static int
prepare(struct edit *e, struct mv_err *err)
{
	e->map = calloc(e->len + 1, sizeof(*e->map));
	e->found = calloc(e->n + 1, sizeof(*e->found));
	if (e->map == NULL || e->found == NULL)
		return mv_err_set(err, MV_ENOMEM, "change settings");
	return mv_dotenv_lines(e->text, e->len, &e->lines, e->map, err);
}

int
mv_dotenv_edit(const void *text, size_t len,
    const struct mv_dotenv_change *changes, size_t n, struct mv_sbuf *out,
    struct mv_err *err)
{
	mv_auto(edit_clear) struct edit e = { .text = text, .len = len,
	    .changes = changes, .n = n, .out = out };
	mv_auto(mv_dotenv_freep) struct mv_dotenv *before = NULL;
	size_t i;
	int rc;

	rc = check_changes(changes, n, err);
	if (rc == 0)
		rc = mv_dotenv_new(&before, err);
	/* First as it is, so that errors name the lines of the user's file. */
	if (rc == 0)
		rc = mv_dotenv_add(before, text, len, err);
	if (rc == 0)
		rc = prepare(&e, err);
	if (rc == 0)
		rc = change_all(&e, err);
	for (i = 0; i < n && rc == 0; i++)
		if (!e.found[i])
			rc = append(&e, &changes[i], err);
	return rc < 0 ? rc : read_back(&e, err);
}
