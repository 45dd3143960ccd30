/* SPDX-License-Identifier: MIT */
/* keyfile_text: what key files and enrolments look like to people. */
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/base64.h"
#include "format/keyfile_internal.h"

#define TEXT_MAX (1u << 20)
/* 57 bytes make a line of 76 digits. */
#define LINE_BYTES 57
#define LINE_DIGITS 76

static int
put_comment(const char *comment, struct mv_sbuf *out, struct mv_err *err)
{
	const char *end;
	int rc = 0;

	while (rc == 0 && *comment != '\0') {
		end = strchrnul(comment, '\n');
		rc = mv_sbuf_put(out, "# ", end > comment ? 2 : 1, err);
		if (rc == 0)
			rc = mv_sbuf_put(out, comment,
			    (size_t)(end - comment), err);
		if (rc == 0)
			rc = mv_sbuf_put(out, "\n", 1, err);
		comment = *end != '\0' ? end + 1 : end;
	}
	return rc;
}

static int
put_base64(const struct mv_sbuf *raw, struct mv_sbuf *out, struct mv_err *err)
{
	char line[LINE_DIGITS + 1];
	size_t i, n;
	int rc = 0;

	for (i = 0; rc == 0 && i < raw->len; i += n) {
		n = raw->len - i < LINE_BYTES ? raw->len - i : LINE_BYTES;
		(void)sodium_bin2base64(line, sizeof(line), raw->p + i, n,
		    sodium_base64_VARIANT_ORIGINAL);
		rc = mv_sbuf_put(out, line, strlen(line), err);
		if (rc == 0)
			rc = mv_sbuf_put(out, "\n", 1, err);
	}
	sodium_memzero(line, sizeof(line));
	return rc;
}

int
mv_key_text_put(const char *title, const char *comment,
    const struct mv_sbuf *raw, struct mv_sbuf *out, struct mv_err *err)
{
	int rc;

	rc = put_comment(comment != NULL ? comment : "", out, err);
	if (rc == 0)
		rc = mv_sbuf_put(out, title, strlen(title), err);
	if (rc == 0)
		rc = mv_sbuf_put(out, "\n", 1, err);
	if (rc == 0)
		rc = put_base64(raw, out, err);
	return rc;
}

int
mv_key_text_bad(const char *what, struct mv_err *err)
{
	return mv_err_set(err, MV_EUSAGE,
	    "it is no %s of mastvault, or was cut off or altered", what);
}

/* The next line without its end and without blanks around it. */
static bool
next_line(struct mv_cur *c, const char **line, size_t *len)
{
	const uint8_t *end;
	const char *p;
	size_t n;

	if (c->left == 0)
		return false;
	end = memchr(c->p, '\n', c->left);
	n = end != NULL ? (size_t)(end - c->p) : c->left;
	p = (const char *)mv_cur_take(c, n);
	(void)mv_cur_take(c, end != NULL ? 1 : 0);
	while (n > 0 && strchr(" \t\r", p[n - 1]) != NULL)
		n--;
	while (n > 0 && (*p == ' ' || *p == '\t')) {
		p++;
		n--;
	}
	*line = p;
	*len = n;
	return true;
}

/* Gathers the digits of all lines below the title, without comments. */
static int
gather(const char *title, const char *what, const void *text, size_t len,
    struct mv_sbuf *out, struct mv_err *err)
{
	struct mv_cur c = mv_cur_of(text, len);
	bool titled = false;
	const char *line;
	size_t n;
	int rc = 0;

	while (rc == 0 && next_line(&c, &line, &n)) {
		if (n == 0 || *line == '#')
			continue;
		if (titled)
			rc = mv_sbuf_put(out, line, n, err);
		else if (n != strlen(title) ||
		    memcmp(line, title, n) != 0)
			return mv_key_text_bad(what, err);
		titled = true;
	}
	return rc;
}

int
mv_key_text_get(const char *title, const char *what, const void *text,
    size_t len, struct mv_sbuf *out, struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf digits = { 0 };
	mv_auto(mv_secret_freep) struct mv_secret *raw = NULL;
	size_t n = 0;
	int rc;

	if (len > TEXT_MAX)
		return mv_key_text_bad(what, err);
	rc = gather(title, what, text, len, &digits, err);
	if (rc == 0)
		rc = mv_secret_new(digits.len + 1, &raw, err);
	if (rc < 0)
		return rc;
	if (digits.len == 0 || mv_base64_decode((const char *)digits.p,
	    digits.len, sodium_base64_VARIANT_ORIGINAL, mv_secret_bytes(raw),
	    digits.len, &n) < 0)
		return mv_key_text_bad(what, err);
	return mv_sbuf_put(out, mv_secret_bytes(raw), n, err);
}
