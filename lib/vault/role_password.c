/* SPDX-License-Identifier: MIT */
#include "vault/role_password.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "crypto/scram.h"
#include "postgres/quote.h"

/*
 * Names and values of what makes a server write statements down.  The last
 * is an extension's, which is set only where it is loaded.  Sampling of whole
 * transactions is decided when they begin, and cannot be helped here.
 */
#define LOGGING "(VALUES ('log_statement', 'none'), " \
	"('log_duration', 'off'), " \
	"('log_min_duration_statement', '-1'), " \
	"('log_min_duration_sample', '-1'), " \
	"('log_min_error_statement', 'panic'), " \
	"('pg_stat_statements.track_utility', 'off')) AS w (name, quiet) " \
	"JOIN pg_catalog.pg_settings AS s USING (name)"

#define QUIET "SELECT pg_catalog.set_config(name, quiet, true) FROM " LOGGING
#define LOUD "SELECT pg_catalog.set_config(name, reset_val, true) FROM " LOGGING

static int
ask(struct mv_pg_session *s, const char *sql, struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *rows = NULL;

	return mv_pg_query(s, sql, &rows, err);
}

static int
ask_bool(struct mv_pg_session *s, const char *expression, bool *out,
    struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *row = NULL;
	mv_auto(mv_freep) char *sql = NULL;
	int rc;

	if (asprintf(&sql, "SELECT %s AS yes", expression) < 0) {
		sql = NULL;
		return mv_err_set(err, MV_ENOMEM, "ask the database");
	}
	rc = mv_pg_query_row(s, sql, &row, err);
	if (rc == 0)
		*out = json_is_true(json_object_get(row, "yes"));
	return rc;
}

static int
verifier_of(const json_t *row, struct mv_secret **out, struct mv_err *err)
{
	const json_t *text = json_object_get(row, "verifier");

	if (json_is_string(text))
		return mv_secret_from(json_string_value(text),
		    json_string_length(text), out, err);
	*out = NULL;
	return 0;
}

int
mv_role_verifier_get(struct mv_pg_session *s, const char *role,
    struct mv_secret **out, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf sql = { 0 };
	mv_auto(mv_json_decrefp) json_t *row = NULL;
	bool may = false;
	int rc;

	rc = ask_bool(s, "pg_catalog.has_table_privilege("
	    "'pg_catalog.pg_authid', 'SELECT')", &may, err);
	if (rc == 0 && !may)
		return mv_err_set(err, MV_EAUTH, "read the verifier of role "
		    "'%s': this session may not", role);
	if (rc < 0)
		return rc;
	mv_buf_put_str(&sql, "SELECT rolpassword AS verifier "
	    "FROM pg_catalog.pg_authid WHERE rolname = ");
	mv_pg_put_literal(&sql, role);
	(void)mv_buf_cstr(&sql);
	rc = mv_buf_failed(&sql, err);
	if (rc == 0)
		rc = mv_pg_query_row(s, (char *)sql.p, &row, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "role '%s'", role);
	return verifier_of(row, out, err);
}

/* verifier NULL: none. */
static int
alter(struct mv_pg_session *s, const char *role, const char *verifier,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf sql = { 0 };
	bool super = false;
	int rc;

	mv_buf_put_str(&sql, "ALTER ROLE ");
	mv_pg_put_ident(&sql, role);
	mv_buf_put_str(&sql, " PASSWORD ");
	if (verifier != NULL)
		mv_pg_put_literal(&sql, verifier);
	else
		mv_buf_put_str(&sql, "NULL");
	(void)mv_buf_cstr(&sql);
	rc = mv_buf_failed(&sql, err);
	if (rc == 0)
		rc = ask_bool(s, "pg_catalog.current_setting("
		    "'is_superuser') = 'on'", &super, err);
	if (rc == 0 && super)
		rc = ask(s, QUIET, err);
	if (rc == 0)
		rc = mv_err_ctx(err, mv_pg_exec(s, (char *)sql.p, err),
		    "change the password of role '%s'", role);
	if (rc == 0 && super)
		rc = ask(s, LOUD, err);
	return rc;
}

static bool
begins(const uint8_t *p, size_t len, const char *word)
{
	return len >= strlen(word) && memcmp(p, word, strlen(word)) == 0;
}

int
mv_role_verifier_set(struct mv_pg_session *s, const char *role,
    struct mv_secret *verifier, struct mv_err *err)
{
	mv_auto(mv_freep) char *text = NULL;
	const uint8_t *p;
	size_t len;

	if (verifier == NULL)
		return alter(s, role, NULL, err);
	p = mv_secret_bytes(verifier);
	len = mv_secret_len(verifier);
	/* The server would take anything else for a password. */
	if ((!begins(p, len, "SCRAM-SHA-256$") && !begins(p, len, "md5")) ||
	    memchr(p, '\0', len) != NULL)
		return mv_err_set(err, MV_EUSAGE, "change the password of "
		    "role '%s': that is no verifier", role);
	text = strndup((const char *)p, len);
	if (text == NULL)
		return mv_err_set(err, MV_ENOMEM, "change a password");
	return alter(s, role, text, err);
}

int
mv_role_password_set(struct mv_pg_session *s, const char *role,
    struct mv_secret *password, struct mv_err *err)
{
	char verifier[MV_SCRAM_TEXT];
	int rc;

	rc = mv_scram_verifier(password, verifier, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "change the password of role '%s'",
		    role);
	return alter(s, role, verifier, err);
}

int
mv_role_password_try(const struct mv_pg_target *place,
    struct mv_secret *password, bool *used, struct mv_err *err)
{
	mv_auto(mv_secret_freep) struct mv_secret *none = NULL;
	mv_auto(mv_pg_freep) struct mv_pg *pg = NULL;
	struct mv_pg_target target = *place;
	int rc = 0;

	if (getenv("PGPASSWORD") != NULL || (place->conninfo != NULL &&
	    mv_pg_has_password(place->conninfo)))
		return mv_err_set(err, MV_EUSAGE, "the connection string or "
		    "PGPASSWORD brings a password of its own, so that no "
		    "other can be tried");
	/* An empty one, or libpq would look for one in ~/.pgpass. */
	if (password == NULL)
		rc = mv_secret_new(0, &none, err);
	target.password = password != NULL ? password : none;
	if (rc == 0)
		rc = mv_pg_new(&target, &pg, err);
	if (rc == 0)
		rc = mv_pg_try(pg, used, err);
	return rc;
}
