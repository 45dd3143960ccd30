/* SPDX-License-Identifier: MIT */
#include "mastodon/dotenv_lex.h"

#include <string.h>

int
mv_dotenv_lines(const uint8_t *p, size_t len, struct mv_sbuf *out,
    size_t *map, struct mv_err *err)
{
	unsigned line = 1;
	size_t i = len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	int rc = 0;

	for (; i < len && rc == 0; i++) {
		if (p[i] == '\0')
			return mv_err_set(err, MV_EUSAGE, "line %u: a NUL byte",
			    line);
		line += p[i] == '\n';
		if (p[i] == '\r' && i + 1 < len && p[i + 1] == '\n')
			continue;
		if (map != NULL)
			map[out->len] = i;
		rc = mv_sbuf_put(out, p[i] == '\r' ? "\n" : (const char *)p + i,
		    1, err);
	}
	if (map != NULL)
		map[out->len] = len;
	return rc;
}

struct mv_dotenv_lex
mv_dotenv_lex_of(const struct mv_sbuf *lines)
{
	return (struct mv_dotenv_lex){ .p = lines->p, .len = lines->len,
	    .line = 1 };
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
skip_blank(const struct mv_dotenv_lex *lex, size_t i)
{
	while (i < lex->len && is_blank(lex->p[i]))
		i++;
	return i;
}

static bool
at_line_end(const struct mv_dotenv_lex *lex, size_t i)
{
	return i == lex->len || lex->p[i] == '\n';
}

/* Only blanks and perhaps a comment up to the end of the line. */
static bool
is_tail(const struct mv_dotenv_lex *lex, size_t i)
{
	i = skip_blank(lex, i);
	return at_line_end(lex, i) || lex->p[i] == '#';
}

/*
 * Where the quoted text that opens at i closes, or 0.  Normally that is the
 * first quote without a backslash before it.  If something else follows
 * there, one with a backslash is taken, the last first: a value may end in a
 * backslash ('C:\'), and this is the order in which dotenv tries.
 */
static size_t
closing_quote(const struct mv_dotenv_lex *lex, size_t open)
{
	uint8_t quote = lex->p[open];
	size_t i = open + 1;

	while (i < lex->len && lex->p[i] != quote)
		i += lex->p[i] == '\\' && i + 1 < lex->len &&
		    lex->p[i + 1] == quote ? 2 : 1;
	if (i < lex->len && is_tail(lex, i + 1))
		return i;
	while (--i > open)
		if (lex->p[i] == quote && is_tail(lex, i + 1))
			return i;
	return 0;
}

/* A value up to '#' or the end of the line, without the blanks around it. */
static int
unquoted(struct mv_dotenv_lex *lex, struct mv_dotenv_setting *s,
    struct mv_err *err)
{
	size_t start = lex->at, end;
	const uint8_t *p = lex->p;

	while (!at_line_end(lex, lex->at) && p[lex->at] != '#')
		lex->at++;
	end = lex->at;
	s->has_value = end > start;
	start = skip_blank(lex, start);
	while (end > start && is_blank(p[end - 1]))
		end--;
	s->raw.p = p + start;
	s->raw.len = end > start ? end - start : 0;
	s->tail = end;
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
parse_value(struct mv_dotenv_lex *lex, struct mv_dotenv_setting *s,
    struct mv_err *err)
{
	size_t open = skip_blank(lex, lex->at), close = 0;

	if (open < lex->len && (lex->p[open] == '\'' || lex->p[open] == '"'))
		close = closing_quote(lex, open);
	if (close == 0)
		return unquoted(lex, s, err);
	s->has_value = true;
	s->raw.quote = (char)lex->p[open];
	s->raw.p = lex->p + open + 1;
	s->raw.len = close - open - 1;
	lex->at = s->tail = close + 1;
	return 0;
}

/* "export", unless that is the key itself. */
static bool
take_export(struct mv_dotenv_lex *lex)
{
	static const char word[] = "export";
	size_t i;

	if (lex->len - lex->at < sizeof(word) ||
	    memcmp(lex->p + lex->at, word, sizeof(word) - 1) != 0)
		return false;
	i = skip_blank(lex, lex->at + sizeof(word) - 1);
	if (i == lex->at + sizeof(word) - 1 || i == lex->len ||
	    !is_word(lex->p[i]))
		return false;
	lex->at = i;
	return true;
}

/* '=' with blanks before it, or ':' with one behind. */
static bool
take_separator(struct mv_dotenv_lex *lex)
{
	size_t i = skip_blank(lex, lex->at);

	if (i < lex->len && lex->p[i] == '=') {
		lex->at = i + 1;
		return true;
	}
	i = lex->at;
	if (lex->len - i >= 2 && lex->p[i] == ':' && is_blank(lex->p[i + 1])) {
		lex->at = i + 2;
		return true;
	}
	return false;
}

static int
parse_setting(struct mv_dotenv_lex *lex, struct mv_dotenv_setting *s,
    struct mv_err *err)
{
	s->line = s->raw.line = lex->line;
	s->export = take_export(lex);
	s->key = lex->p + lex->at;
	while (lex->at < lex->len && is_word(lex->p[lex->at]))
		lex->at++;
	s->key_len = (size_t)(lex->p + lex->at - s->key);
	if (s->key_len == 0)
		return mv_err_set(err, MV_EUSAGE,
		    "line %u: neither a setting nor a comment", s->line);
	s->has_separator = take_separator(lex);
	s->value = lex->at;
	if (s->has_separator)
		return parse_value(lex, s, err);
	if (s->export && is_tail(lex, lex->at))
		return 0;
	return mv_err_set(err, MV_EUSAGE, "line %u: no '=' after the name",
	    s->line);
}

/* From the value's end over a comment and the line break. */
static void
end_line(struct mv_dotenv_lex *lex, size_t start)
{
	while (!at_line_end(lex, lex->at))
		lex->at++;
	if (lex->at < lex->len)
		lex->at++;
	for (; start < lex->at; start++)
		lex->line += lex->p[start] == '\n';
}

int
mv_dotenv_next(struct mv_dotenv_lex *lex, struct mv_dotenv_setting *out,
    struct mv_err *err)
{
	size_t start;
	int rc;

	while (lex->at < lex->len) {
		start = lex->at;
		if (is_tail(lex, lex->at)) {
			end_line(lex, start);
			continue;
		}
		*out = (struct mv_dotenv_setting){ .begin = start };
		lex->at = skip_blank(lex, lex->at);
		rc = parse_setting(lex, out, err);
		if (rc < 0)
			return rc;
		while (!at_line_end(lex, lex->at))
			lex->at++;
		out->end = lex->at;
		end_line(lex, start);
		return 1;
	}
	return 0;
}
