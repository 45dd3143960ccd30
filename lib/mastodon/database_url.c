/* SPDX-License-Identifier: MIT */
#include "mastodon/database_url.h"

#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"

struct span {
	const uint8_t *p;
	size_t len;
};

static const char *const schemes[] = {
	"postgres://", "postgresql://", "postgis://",
};

/* What Rails calls the parts in the query, and what libpq does. */
static const struct {
	const char *key;
	enum mv_db_part part;
} part_keys[] = {
	{ "host", MV_DB_HOST },
	{ "port", MV_DB_PORT },
	{ "database", MV_DB_NAME },
	{ "dbname", MV_DB_NAME },
	{ "username", MV_DB_USER },
	{ "user", MV_DB_USER },
	{ "password", MV_DB_PASS },
	{ "sslmode", MV_DB_SSLMODE },
};

/* Handed to libpq as they are. */
static const char *const more_keys[] = {
	"channel_binding", "connect_timeout", "gssencmode", "krbsrvname",
	"requirepeer", "ssl_max_protocol_version", "ssl_min_protocol_version",
	"sslcert", "sslcrl", "sslcrldir", "sslkey", "sslrootcert", "sslsni",
	"target_session_attrs",
};

void
mv_db_parts_clear(struct mv_db_parts *parts)
{
	size_t i;

	for (i = 0; i < MV_DB_NPARTS; i++)
		mv_sbuf_clear(&parts->part[i]);
	mv_sbuf_clear(&parts->more);
}

int
mv_conninfo_put(struct mv_sbuf *out, const char *key, const uint8_t *value,
    size_t len, struct mv_err *err)
{
	size_t i;
	int rc;

	rc = mv_sbuf_put(out, " ", out->len > 0, err);
	if (rc == 0)
		rc = mv_sbuf_put(out, key, strlen(key), err);
	if (rc == 0)
		rc = mv_sbuf_put(out, "='", 2, err);
	for (i = 0; i < len && rc == 0; i++) {
		if (value[i] == '\'' || value[i] == '\\')
			rc = mv_sbuf_put(out, "\\", 1, err);
		if (rc == 0)
			rc = mv_sbuf_put(out, value + i, 1, err);
	}
	if (rc == 0)
		rc = mv_sbuf_put(out, "'", 1, err);
	return rc;
}

static int
hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Replace out by s without its percent signs. */
static int
unescape(struct span s, struct mv_sbuf *out, struct mv_err *err)
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

/* The same, but what is empty changes nothing. */
static int
set_part(struct mv_db_parts *parts, enum mv_db_part part, struct span s,
    struct mv_err *err)
{
	return s.len > 0 ? unescape(s, &parts->part[part], err) : 0;
}

/* Cut s at the first c: what is before it stays, what follows is returned. */
static struct span
cut(struct span *s, uint8_t c)
{
	const uint8_t *at = s->len > 0 ? memchr(s->p, c, s->len) : NULL;
	struct span rest = { s->p + s->len, 0 };

	if (at != NULL) {
		rest = (struct span){ at + 1,
		    (size_t)(s->p + s->len - at - 1) };
		s->len = (size_t)(at - s->p);
	}
	return rest;
}

static bool
is(struct span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.p, text, s.len) == 0;
}

static int
query_pair(struct span key, struct span value, struct mv_db_parts *parts,
    struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf plain = { 0 };
	size_t i;
	int rc;

	for (i = 0; i < MV_ARRAY_LEN(part_keys); i++)
		if (is(key, part_keys[i].key))
			return set_part(parts, part_keys[i].part, value, err);
	if (is(key, "prepared_statements") && is(value, "false"))
		parts->unprepared = 1;
	for (i = 0; i < MV_ARRAY_LEN(more_keys); i++) {
		if (!is(key, more_keys[i]))
			continue;
		rc = unescape(value, &plain, err);
		if (rc < 0)
			return rc;
		return mv_conninfo_put(&parts->more, more_keys[i], plain.p,
		    plain.len, err);
	}
	return 0;
}

/* user:password@host:port, all of it optional. */
static int
authority(struct span s, struct mv_db_parts *parts, struct mv_err *err)
{
	const uint8_t *at = s.len > 0 ? memrchr(s.p, '@', s.len) : NULL;
	struct span user = { s.p, 0 }, host = s, password, port;
	int rc;

	if (at != NULL) {
		user.len = (size_t)(at - s.p);
		host = (struct span){ at + 1, s.len - user.len - 1 };
	}
	password = cut(&user, ':');
	if (host.len > 0 && host.p[0] == '[') {
		host.p++;
		host.len--;
		port = cut(&host, ']');
		if (port.len > 0 && port.p[0] == ':') {
			port.p++;
			port.len--;
		}
	} else {
		port = cut(&host, ':');
	}
	rc = set_part(parts, MV_DB_USER, user, err);
	if (rc == 0)
		rc = set_part(parts, MV_DB_PASS, password, err);
	if (rc == 0)
		rc = set_part(parts, MV_DB_HOST, host, err);
	if (rc == 0)
		rc = set_part(parts, MV_DB_PORT, port, err);
	return rc;
}

int
mv_database_url(const uint8_t *url, size_t len, struct mv_db_parts *parts,
    struct mv_err *err)
{
	struct span s = { 0 }, path, query, pair, value;
	size_t i, n;
	int rc;

	for (i = 0; i < MV_ARRAY_LEN(schemes) && s.p == NULL; i++) {
		n = strlen(schemes[i]);
		if (len >= n && memcmp(url, schemes[i], n) == 0)
			s = (struct span){ url + n, len - n };
	}
	if (s.p == NULL)
		return mv_err_set(err, MV_EUSAGE,
		    "it does not begin with 'postgresql://'");
	(void)cut(&s, '#');
	query = cut(&s, '?');
	path = cut(&s, '/');
	rc = authority(s, parts, err);
	if (rc == 0)
		rc = set_part(parts, MV_DB_NAME, path, err);
	while (rc == 0 && query.len > 0) {
		pair = query;
		query = cut(&pair, '&');
		value = cut(&pair, '=');
		rc = query_pair(pair, value, parts, err);
	}
	return rc;
}
