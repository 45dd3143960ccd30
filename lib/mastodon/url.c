/* SPDX-License-Identifier: MIT */
#include "mastodon/url.h"

#include <string.h>

struct mv_span
mv_span_cut(struct mv_span *s, uint8_t c)
{
	const uint8_t *at = s->len > 0 ? memchr(s->p, c, s->len) : NULL;
	struct mv_span rest = { s->p + s->len, 0 };

	if (at != NULL) {
		rest = (struct mv_span){ at + 1,
		    (size_t)(s->p + s->len - at - 1) };
		s->len = (size_t)(at - s->p);
	}
	return rest;
}

bool
mv_span_is(struct mv_span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.p, text, s.len) == 0;
}

static int
hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
mv_span_unescape(struct mv_span s, struct mv_sbuf *out, struct mv_err *err)
{
	uint8_t c;
	size_t i;
	int rc, hi, lo;

	mv_sbuf_clear(out);
	for (i = 0; i < s.len; i++) {
		c = s.p[i];
		if (c == '%') {
			hi = s.len - i > 2 ? hex_digit(s.p[i + 1]) : -1;
			lo = s.len - i > 2 ? hex_digit(s.p[i + 2]) : -1;
			if (hi < 0 || lo < 0 || (hi == 0 && lo == 0))
				return mv_err_set(err, MV_EUSAGE,
				    "a '%%' is not followed by two digits");
			c = (uint8_t)(hi << 4 | lo);
			i += 2;
		}
		rc = mv_sbuf_put(out, &c, 1, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

void
mv_url_split(struct mv_span s, struct mv_url *out)
{
	struct mv_url u = { 0 };
	const uint8_t *at;

	(void)mv_span_cut(&s, '#');
	u.query = mv_span_cut(&s, '?');
	u.path = mv_span_cut(&s, '/');
	/* A password that was not escaped may hold an '@' itself. */
	at = s.len > 0 ? memrchr(s.p, '@', s.len) : NULL;
	u.user = (struct mv_span){ s.p, 0 };
	u.host = s;
	if (at != NULL) {
		u.user.len = (size_t)(at - s.p);
		u.host = (struct mv_span){ at + 1, s.len - u.user.len - 1 };
	}
	u.password = mv_span_cut(&u.user, ':');
	if (u.host.len > 0 && u.host.p[0] == '[') {
		u.host.p++;
		u.host.len--;
		u.port = mv_span_cut(&u.host, ']');
		if (u.port.len > 0 && u.port.p[0] == ':') {
			u.port.p++;
			u.port.len--;
		}
	} else {
		u.port = mv_span_cut(&u.host, ':');
	}
	*out = u;
}

static bool
is_plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
	    c == '~';
}

static int
escape(struct mv_secret *s, struct mv_sbuf *out, struct mv_err *err)
{
	static const char digits[] = "0123456789ABCDEF";
	const uint8_t *p = mv_secret_bytes(s);
	size_t i;
	int rc = 0;

	for (i = 0; i < mv_secret_len(s) && rc == 0; i++) {
		char hex[3] = { '%', digits[p[i] >> 4], digits[p[i] & 0xf] };

		if (is_plain(p[i]))
			rc = mv_sbuf_put(out, &p[i], 1, err);
		else
			rc = mv_sbuf_put(out, hex, sizeof(hex), err);
	}
	return rc;
}

int
mv_url_with_password(const uint8_t *url, size_t len,
    struct mv_secret *password, struct mv_sbuf *out, struct mv_err *err)
{
	const uint8_t *at = len > 0 ? memmem(url, len, "://", 3) : NULL;
	struct mv_url u;
	size_t before;
	int rc;

	if (at == NULL)
		return mv_err_set(err, MV_EUSAGE, "it is no URL");
	mv_url_split((struct mv_span){ at + 3,
	    (size_t)(url + len - at - 3) }, &u);
	if (u.password.len == 0)
		return mv_err_set(err, MV_EUSAGE, "it has no password");
	before = (size_t)(u.password.p - url);
	rc = mv_sbuf_put(out, url, before, err);
	if (rc == 0)
		rc = escape(password, out, err);
	if (rc == 0)
		rc = mv_sbuf_put(out, u.password.p + u.password.len,
		    len - before - u.password.len, err);
	return rc;
}
