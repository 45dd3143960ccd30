/* SPDX-License-Identifier: MIT */
#include "mastodon/database.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mastodon/database_url.h"

/* config/database.yml, production. */
static const struct {
	enum mv_db_part part;
	const char *setting;
	const char *absent;	/* "": libpq's own default */
	const char *conninfo;	/* NULL: kept out of it */
} settings[] = {
	{ MV_DB_HOST, "DB_HOST", "localhost", "host" },
	{ MV_DB_PORT, "DB_PORT", "5432", "port" },
	{ MV_DB_NAME, "DB_NAME", "mastodon_production", "dbname" },
	{ MV_DB_USER, "DB_USER", "mastodon", "user" },
	{ MV_DB_PASS, "DB_PASS", "", NULL },
	{ MV_DB_SSLMODE, "DB_SSLMODE", "prefer", "sslmode" },
};

void
mv_database_clear(struct mv_database *db)
{
	free(db->conninfo);
	free(db->user);
	mv_secret_freep(&db->password);
	*db = (struct mv_database){ 0 };
}

static int
read_parts(const struct mv_dotenv *env, struct mv_db_parts *parts,
    struct mv_err *err)
{
	const uint8_t *p;
	size_t i, len;
	int rc;

	for (i = 0; i < MV_ARRAY_LEN(settings); i++) {
		rc = mv_dotenv_get(env, settings[i].setting, &p, &len, err);
		if (rc < 0)
			return rc;
		if (p == NULL) {
			p = (const uint8_t *)settings[i].absent;
			len = strlen(settings[i].absent);
		}
		rc = mv_sbuf_put(&parts->part[settings[i].part], p, len, err);
		if (rc < 0)
			return rc;
	}
	rc = mv_dotenv_get(env, "DATABASE_URL", &p, &len, err);
	if (rc < 0 || len == 0)
		return rc;
	return mv_err_ctx(err, mv_database_url(p, len, parts, err),
	    "DATABASE_URL");
}

static int
build(const struct mv_db_parts *parts, char **out, struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf text = { 0 };
	const struct mv_sbuf *part;
	size_t i;
	int rc;

	for (i = 0; i < MV_ARRAY_LEN(settings); i++) {
		part = &parts->part[settings[i].part];
		if (settings[i].conninfo == NULL || part->len == 0)
			continue;
		rc = mv_conninfo_put(&text, settings[i].conninfo, part->p,
		    part->len, err);
		if (rc < 0)
			return rc;
	}
	rc = mv_sbuf_put(&text, " ", text.len > 0 && parts->more.len > 0, err);
	if (rc == 0)
		rc = mv_sbuf_put(&text, parts->more.p, parts->more.len, err);
	if (rc == 0)
		rc = mv_sbuf_put(&text, "", 1, err);
	if (rc < 0)
		return rc;
	*out = strdup((const char *)text.p);
	if (*out == NULL)
		return mv_err_set(err, MV_ENOMEM, "connection string");
	return 0;
}

static bool
part_is(const struct mv_sbuf *part, const char *text)
{
	return part->len == strlen(text) && part->len > 0 &&
	    memcmp(part->p, text, part->len) == 0;
}

/* YAML's words for false, which is what PREPARED_STATEMENTS becomes. */
static bool
is_false(const struct mv_dotenv *env, const char *key)
{
	static const char *const words[] = { "false", "no", "off" };
	const uint8_t *p;
	size_t i, len;

	if (mv_dotenv_get(env, key, &p, &len, NULL) < 0 || p == NULL)
		return false;
	for (i = 0; i < MV_ARRAY_LEN(words); i++)
		if (len == strlen(words[i]) &&
		    strncasecmp((const char *)p, words[i], len) == 0)
			return true;
	return false;
}

int
mv_database_init(struct mv_database *db, const struct mv_dotenv *env,
    struct mv_err *err)
{
	mv_auto(mv_db_parts_clear) struct mv_db_parts parts = { 0 };
	mv_auto(mv_database_clear) struct mv_database made = { 0 };
	const struct mv_sbuf *user;
	int rc;

	rc = read_parts(env, &parts, err);
	if (rc == 0)
		rc = build(&parts, &made.conninfo, err);
	if (rc == 0) {
		user = &parts.part[MV_DB_USER];
		made.user = strndup(user->len > 0 ? (const char *)user->p : "",
		    user->len);
		if (made.user == NULL)
			rc = mv_err_set(err, MV_ENOMEM, "name of a role");
	}
	if (rc == 0 && parts.part[MV_DB_PASS].len > 0)
		rc = mv_secret_from(parts.part[MV_DB_PASS].p,
		    parts.part[MV_DB_PASS].len, &made.password, err);
	if (rc < 0)
		return rc;
	if (part_is(&parts.part[MV_DB_PORT], "6432"))
		made.pooled = "DB_PORT=6432";
	else if (parts.unprepared || is_false(env, "PREPARED_STATEMENTS"))
		made.pooled = "PREPARED_STATEMENTS=false";
	*db = made;
	made = (struct mv_database){ 0 };
	return 0;
}
