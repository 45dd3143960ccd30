/* SPDX-License-Identifier: MIT */
#include "mastodon/database_url.h"

#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "mastodon/url.h"

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

/* What is empty changes nothing. */
static int
set_part(struct mv_db_parts *parts, enum mv_db_part part, struct mv_span s,
    struct mv_err *err)
{
	return s.len > 0 ? mv_span_unescape(s, &parts->part[part], err) : 0;
}

static int
query_pair(struct mv_span key, struct mv_span value, struct mv_db_parts *parts,
    struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf plain = { 0 };
	size_t i;
	int rc;

	for (i = 0; i < MV_ARRAY_LEN(part_keys); i++)
		if (mv_span_is(key, part_keys[i].key))
			return set_part(parts, part_keys[i].part, value, err);
	if (mv_span_is(key, "prepared_statements") && mv_span_is(value, "false"))
		parts->unprepared = 1;
	for (i = 0; i < MV_ARRAY_LEN(more_keys); i++) {
		if (!mv_span_is(key, more_keys[i]))
			continue;
		rc = mv_span_unescape(value, &plain, err);
		if (rc < 0)
			return rc;
		return mv_conninfo_put(&parts->more, more_keys[i], plain.p,
		    plain.len, err);
	}
	return 0;
}

int
mv_database_url(const uint8_t *url, size_t len, struct mv_db_parts *parts,
    struct mv_err *err)
{
	struct mv_span s = { 0 }, pair, value;
	struct mv_url u;
	size_t i, n;
	int rc;

	for (i = 0; i < MV_ARRAY_LEN(schemes) && s.p == NULL; i++) {
		n = strlen(schemes[i]);
		if (len >= n && memcmp(url, schemes[i], n) == 0)
			s = (struct mv_span){ url + n, len - n };
	}
	if (s.p == NULL)
		return mv_err_set(err, MV_EUSAGE,
		    "it does not begin with 'postgresql://'");
	mv_url_split(s, &u);
	rc = set_part(parts, MV_DB_USER, u.user, err);
	if (rc == 0)
		rc = set_part(parts, MV_DB_PASS, u.password, err);
	if (rc == 0)
		rc = set_part(parts, MV_DB_HOST, u.host, err);
	if (rc == 0)
		rc = set_part(parts, MV_DB_PORT, u.port, err);
	if (rc == 0)
		rc = set_part(parts, MV_DB_NAME, u.path, err);
	while (rc == 0 && u.query.len > 0) {
		pair = u.query;
		u.query = mv_span_cut(&pair, '&');
		value = mv_span_cut(&pair, '=');
		rc = query_pair(pair, value, parts, err);
	}
	return rc;
}
