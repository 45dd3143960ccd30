/* SPDX-License-Identifier: MIT */
#include "mastodon/dotenv_value.h"

#include <string.h>

#include "base/cleanup.h"

/*
 * dotenv rewrites a value in passes: line breaks, escapes, commands,
 * variables.  What one pass writes the next one reads, which shows in the
 * results, so the passes are kept.
 */

/* "\n" and "\r" in double quotes: kept as they are, or made control characters. */
static int
pass_newlines(const struct mv_dotenv_raw *raw, struct mv_sbuf *out,
    struct mv_err *err)
{
	const uint8_t *p = raw->p;
	size_t i, left;
	int rc = 0;

	for (i = 0; i < raw->len && rc == 0; i++) {
		left = raw->len - i;
		if (left < 2 || p[i] != '\\' ||
		    (p[i + 1] != 'n' && p[i + 1] != 'r')) {
			rc = mv_sbuf_put(out, p + i, 1, err);
			continue;
		}
		/* Three backslashes: the next pass makes one of them. */
		if (raw->legacy)
			rc = mv_sbuf_put(out, p[i + 1] == 'n' ? "\n" : "\r", 1,
			    err);
		else
			rc = mv_sbuf_put(out,
			    p[i + 1] == 'n' ? "\\\\\\n" : "\\\\\\r", 4, err);
		i++;
	}
	return rc;
}

/* A backslash goes, what it stood before stays; "\$" waits for the next passes. */
static int
pass_escapes(const uint8_t *p, size_t len, struct mv_sbuf *out,
    struct mv_err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < len && rc == 0; i++) {
		if (p[i] == '\\' && i + 1 < len && p[i + 1] != '$')
			i++;
		rc = mv_sbuf_put(out, p + i, 1, err);
	}
	return rc;
}

/*
 * The length of the balanced parentheses that p begins with, or 0.  As for
 * dotenv an empty pair anywhere inside spoils the whole.
 */
static size_t
command_len(const uint8_t *p, size_t len)
{
	size_t i, depth = 0;

	for (i = 0; i < len; i++) {
		if (p[i] == '(') {
			depth++;
		} else if (p[i] == ')') {
			if (p[i - 1] == '(')
				return 0;
			if (--depth == 0)
				return i + 1;
		}
	}
	return 0;
}

static int
pass_commands(const uint8_t *p, size_t len, unsigned line,
    struct mv_sbuf *out, struct mv_err *err)
{
	size_t i = 0, n, skip;
	int rc = 0;

	while (i < len && rc == 0) {
		skip = p[i] == '\\';
		n = 0;
		if (len - i > skip + 1 && p[i + skip] == '$' &&
		    p[i + skip + 1] == '(')
			n = command_len(p + i + skip + 1, len - i - skip - 1);
		if (n > 0 && !skip)
			return mv_err_set(err, MV_EUSAGE,
			    "line %u: '$(...)' runs a command whenever "
			    "Mastodon starts; write its result instead", line);
		if (n > 0) {
			rc = mv_sbuf_put(out, p + i + 1, n + 1, err);
			i += n + 2;
		} else {
			rc = mv_sbuf_put(out, p + i, 1, err);
			i++;
		}
	}
	return rc;
}

static bool
is_name(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_';
}

/* What "\{?[A-Z0-9_]*\}?" takes of p, and where in it the name is. */
static size_t
variable_len(const uint8_t *p, size_t len, const uint8_t **name,
    size_t *name_len)
{
	size_t i = 0, start;

	if (i < len && p[i] == '{')
		i++;
	start = i;
	while (i < len && is_name(p[i]))
		i++;
	*name = p + start;
	*name_len = i - start;
	if (i < len && p[i] == '}')
		i++;
	return i;
}

static int
put_variable(const struct mv_dotenv_scope *scope, const uint8_t *name,
    size_t name_len, struct mv_sbuf *out, bool *unknown, struct mv_err *err)
{
	const uint8_t *value;
	size_t value_len;

	if (scope->lookup(scope->arg, name, name_len, &value, &value_len,
	    unknown))
		return mv_sbuf_put(out, value, value_len, err);
	*unknown = true;
	return 0;
}

static int
pass_variables(const uint8_t *p, size_t len,
    const struct mv_dotenv_scope *scope, size_t max, struct mv_sbuf *out,
    bool *unknown, struct mv_err *err)
{
	const uint8_t *name;
	size_t i = 0, skip, n, name_len;
	int rc = 0;

	while (i < len && rc == 0) {
		skip = p[i] == '\\' && i + 1 < len && p[i + 1] == '$';
		if (p[i + skip] != '$' ||
		    (i + skip + 1 < len && p[i + skip + 1] == '(')) {
			rc = mv_sbuf_put(out, p + i, 1 + skip, err);
			i += 1 + skip;
			continue;
		}
		i += skip;
		n = 1 + variable_len(p + i + 1, len - i - 1, &name, &name_len);
		if (skip || name_len == 0)
			rc = mv_sbuf_put(out, p + i, n, err);
		else
			rc = put_variable(scope, name, name_len, out, unknown,
			    err);
		i += n;
		/* Variables of variables double with every line: enough. */
		if (out->len > max)
			return rc;
	}
	return rc;
}

int
mv_dotenv_value(const struct mv_dotenv_raw *raw,
    const struct mv_dotenv_scope *scope, size_t max, struct mv_sbuf *out,
    bool *unknown, struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf a = { 0 };
	mv_auto(mv_sbuf_clear) struct mv_sbuf b = { 0 };
	mv_auto(mv_sbuf_clear) struct mv_sbuf c = { 0 };
	const uint8_t *p = raw->p;
	size_t len = raw->len;
	int rc = 0;

	if (raw->quote == '\'')
		return mv_sbuf_put(out, p, len, err);
	if (raw->quote == '"') {
		rc = pass_newlines(raw, &a, err);
		p = a.p;
		len = a.len;
	}
	if (rc == 0)
		rc = pass_escapes(p, len, &b, err);
	if (rc == 0)
		rc = pass_commands(b.p, b.len, raw->line, &c, err);
	if (rc == 0)
		rc = pass_variables(c.p, c.len, scope, max, out, unknown, err);
	return rc;
}
