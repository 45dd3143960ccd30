/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "base/log.h"
#include "postgres/quote.h"
#include "postgres/restore_internal.h"

#define NAME_BYTES 63
/* What is appended to the name until all is there; the digits are random. */
#define BESIDE "_mv00000000"

static const char *
fact(const struct mv_pg_restore *r, const char *key)
{
	return json_string_value(json_object_get(r->facts, key));
}

char *
mv_pg_suffixed(const char *name, const char *suffix)
{
	size_t keep = strlen(name), room = NAME_BYTES - strlen(suffix);
	char *out = NULL;

	if (keep > room) {
		keep = room;
		/* Never through the middle of a character. */
		while (keep > 0 && ((unsigned char)name[keep] & 0xc0) == 0x80)
			keep--;
	}
	if (asprintf(&out, "%.*s%s", (int)keep, name, suffix) < 0)
		return NULL;
	return out;
}

/* The text that mv_buf holds, or an error; b must live on. */
static int
finish_sql(struct mv_buf *b, const char **out, struct mv_err *err)
{
	*out = mv_buf_cstr(b);
	return mv_buf_failed(b, err);
}

int
mv_pg_target_admin(struct mv_pg_restore *r, struct mv_err *err)
{
	struct mv_err first = { 0 };
	int rc;

	mv_pg_session_free(r->admin);
	r->admin = NULL;
	rc = mv_pg_session_open(r->opts.pg, "postgres", &r->admin, &first);
	/* Every cluster has this one, but somebody may have taken the other. */
	if (rc == MV_ENOTFOUND)
		return mv_pg_session_open(r->opts.pg, "template1", &r->admin,
		    err);
	if (rc < 0 && err != NULL)
		*err = first;
	return rc;
}

static const char content_sql[] =
    "SELECT (SELECT count(*) FROM pg_class c "
    " JOIN pg_namespace n ON n.oid = c.relnamespace "
    " WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
    " AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') "
    " AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.deptype = 'e' "
    "  AND x.classid = 'pg_class'::regclass AND x.objid = c.oid)) "
    "+ (SELECT count(*) FROM pg_proc p "
    " JOIN pg_namespace n ON n.oid = p.pronamespace "
    " WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
    " AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.deptype = 'e' "
    "  AND x.classid = 'pg_proc'::regclass AND x.objid = p.oid)) "
    "+ (SELECT count(*) FROM pg_largeobject_metadata) AS n";

static int
look_inside(struct mv_pg_restore *r, struct mv_err *err)
{
	mv_auto(mv_pg_session_freep) struct mv_pg_session *s = NULL;
	mv_auto(mv_json_decrefp) json_t *row = NULL;
	int rc;

	rc = mv_pg_session_open(r->opts.pg, r->name, &s, err);
	if (rc == 0)
		rc = mv_pg_query_row(s, content_sql, &row, err);
	if (rc < 0)
		return rc;
	r->was_empty = json_integer_value(json_object_get(row, "n")) == 0;
	if (!r->was_empty && !r->opts.replace)
		return mv_err_set(err, MV_EREFUSED, "database '%s' is not "
		    "empty: leave --database out if an earlier run restored "
		    "it, or --replace it", r->name);
	return 0;
}

static int
ask_about(struct mv_pg_restore *r, json_t **row, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };
	const char *sql;
	int rc;

	mv_buf_put_str(&b, "SELECT pg_get_userbyid(d.datdba) AS owner, "
	    "d.datistemplate AS template, (SELECT count(*) FROM "
	    "pg_stat_activity a WHERE a.datid = d.oid "
	    "AND a.backend_type = 'client backend') AS sessions, "
	    "(SELECT string_agg(DISTINCT coalesce(nullif("
	    "a.application_name, ''), a.usename::text), ', ') "
	    "FROM pg_stat_activity a WHERE a.datid = d.oid "
	    "AND a.backend_type = 'client backend') AS who "
	    "FROM pg_database d WHERE d.datname = ");
	mv_pg_put_literal(&b, r->name);
	rc = finish_sql(&b, &sql, err);
	return rc < 0 ? rc : mv_pg_query_row(r->admin, sql, row, err);
}

int
mv_pg_target_look(struct mv_pg_restore *r, struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *row = NULL;
	struct mv_err why = { 0 };
	const char *who;
	json_int_t n;
	int rc;

	r->exists = false;
	rc = ask_about(r, &row, &why);
	if (rc == MV_ENOTFOUND)
		return 0;
	if (rc < 0) {
		if (err != NULL)
			*err = why;
		return rc;
	}
	r->exists = true;
	if (json_is_true(json_object_get(row, "template")))
		return mv_err_set(err, MV_EREFUSED, "'%s' is a template "
		    "database", r->name);
	free(r->owner);
	r->owner = strdup(json_string_value(json_object_get(row, "owner")));
	if (r->owner == NULL)
		return mv_err_set(err, MV_ENOMEM, "look at database '%s'",
		    r->name);
	n = json_integer_value(json_object_get(row, "sessions"));
	who = json_string_value(json_object_get(row, "who"));
	/* Better said now than after hours, when it is to be renamed. */
	if (n > 0)
		return mv_err_set(err, MV_EREFUSED, "database '%s' is in use "
		    "by %lld sessions (%s): stop what uses it", r->name,
		    (long long)n, who != NULL ? who : "unknown");
	return look_inside(r, err);
}

/*
 * Which of the names in list, [{"name":...}], sql says something about: sql
 * is a query over them as v(name).
 */
static int
ask_names(struct mv_pg_restore *r, const char *list, const char *select,
    const char *rest, json_t **out, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };
	mv_auto(mv_freep) char *names = NULL;
	json_t *have = json_object_get(r->facts, list);
	const char *sql;
	int rc;

	names = json_dumps(have != NULL ? have : json_null(),
	    JSON_COMPACT | JSON_ENCODE_ANY);
	if (names == NULL)
		return mv_err_set(err, MV_ENOMEM, "read the database's facts");
	mv_buf_printf(&b, "SELECT %s FROM (SELECT e ->> 'name' AS name FROM "
	    "jsonb_array_elements(coalesce(nullif(", select);
	mv_pg_put_literal(&b, names);
	mv_buf_printf(&b, "::jsonb, 'null'), '[]')) e) v %s", rest);
	rc = finish_sql(&b, &sql, err);
	return rc < 0 ? rc : mv_pg_query(r->admin, sql, out, err);
}

static int
create_role(struct mv_pg_restore *r, const char *name, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };
	const char *sql;
	int rc;

	mv_buf_put_str(&b, "CREATE ROLE ");
	mv_pg_put_ident(&b, name);
	mv_buf_put_str(&b, " NOLOGIN");
	rc = finish_sql(&b, &sql, err);
	if (rc == 0)
		rc = mv_pg_exec(r->admin, sql, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "create role '%s'", name);
	if (json_array_append_new(r->made, json_string(name)) < 0)
		return mv_err_set(err, MV_ENOMEM, "create role '%s'", name);
	return 0;
}

int
mv_pg_target_roles(struct mv_pg_restore *r, struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *rows = NULL;
	const char *name;
	json_t *row;
	size_t i;
	int rc;

	rc = ask_names(r, "roles", "v.name, r.oid IS NOT NULL AS there, "
	    "coalesce(pg_has_role(r.oid, 'MEMBER'), false) AS ours",
	    "LEFT JOIN pg_roles r ON r.rolname = v.name", &rows, err);
	if (rc < 0)
		return rc;
	json_array_foreach(rows, i, row) {
		name = json_string_value(json_object_get(row, "name"));
		if (name == NULL || json_is_true(json_object_get(row, "ours")))
			continue;
		if (r->opts.create_roles &&
		    !json_is_true(json_object_get(row, "there"))) {
			rc = create_role(r, name, err);
			if (rc < 0)
				return rc;
		} else if (json_array_append_new(r->missing,
		    json_string(name)) < 0) {
			return mv_err_set(err, MV_ENOMEM, "look for roles");
		}
	}
	r->skip_owner = r->opts.no_owner || json_array_size(r->missing) > 0;
	return 0;
}

static int
check_extensions(struct mv_pg_restore *r, struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *rows = NULL;
	int rc;

	rc = ask_names(r, "extensions", "v.name", "WHERE v.name NOT IN "
	    "(SELECT a.name FROM pg_available_extensions a)", &rows, err);
	if (rc < 0 || json_array_size(rows) == 0)
		return rc;
	return mv_err_set(err, MV_EREFUSED, "this server lacks the extension "
	    "'%s', which the database uses: install its package",
	    json_string_value(json_object_get(json_array_get(rows, 0),
	    "name")));
}

static int
check_tablespaces(struct mv_pg_restore *r, struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *rows = NULL;
	int rc;

	rc = ask_names(r, "tablespaces", "v.name", "WHERE v.name NOT IN "
	    "(SELECT t.spcname FROM pg_tablespace t)", &rows, err);
	if (rc == 0 && json_array_size(rows) > 0) {
		r->skip_tablespaces = true;
		mv_warn("this server has not all of the tablespaces: all goes "
		    "into the default one");
	}
	return rc;
}

static void
put_clause(struct mv_buf *b, const char *clause, const char *value)
{
	if (value == NULL)
		return;
	mv_buf_printf(b, " %s ", clause);
	mv_pg_put_literal(b, value);
}

/* Which provider sorts: ICU came with 15, the built-in one with 17. */
static int
put_provider(const struct mv_pg_restore *r, struct mv_buf *b,
    struct mv_err *err)
{
	const char *provider = fact(r, "provider");
	bool icu = provider != NULL && *provider == 'i';
	bool builtin = provider != NULL && *provider == 'b';
	int version = r->opts.pg->version;

	if ((icu && version < 150000) || (builtin && version < 170000))
		return mv_err_set(err, MV_EREFUSED, "the database sorts by "
		    "%s, which PostgreSQL %d cannot: use %d or newer", icu ?
		    "ICU" : "the built-in provider", version / 10000, icu ?
		    15 : 17);
	if (icu) {
		mv_buf_put_str(b, " LOCALE_PROVIDER icu");
		put_clause(b, "ICU_LOCALE", fact(r, "locale"));
		put_clause(b, "ICU_RULES", fact(r, "icu_rules"));
	} else if (builtin) {
		mv_buf_put_str(b, " LOCALE_PROVIDER builtin");
		put_clause(b, "BUILTIN_LOCALE", fact(r, "locale"));
	} else if (version >= 150000) {
		/* template0 may have another one. */
		mv_buf_put_str(b, " LOCALE_PROVIDER libc");
	}
	return 0;
}

/* Whoever had the database keeps it; else the source's owner gets it. */
static int
put_owner(struct mv_pg_restore *r, struct mv_buf *b, struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *row = NULL;
	mv_auto(mv_buf_clear) struct mv_buf q = { 0 };
	const char *owner = r->owner, *sql;
	int rc;

	if (owner == NULL && !r->skip_owner)
		owner = fact(r, "owner");
	if (owner == NULL)
		return 0;
	mv_buf_put_str(&q, "SELECT coalesce((SELECT pg_has_role(r.oid, "
	    "'MEMBER') FROM pg_roles r WHERE r.rolname = ");
	mv_pg_put_literal(&q, owner);
	mv_buf_put_str(&q, "), false) AS ours");
	rc = finish_sql(&q, &sql, err);
	if (rc == 0)
		rc = mv_pg_query_row(r->admin, sql, &row, err);
	if (rc == 0 && json_is_true(json_object_get(row, "ours"))) {
		mv_buf_put_str(b, " OWNER ");
		mv_pg_put_ident(b, owner);
	}
	return rc;
}

static int
choose_name(struct mv_pg_restore *r, struct mv_err *err)
{
	uint8_t random[4];
	char suffix[sizeof(BESIDE)] = BESIDE;

	if (getentropy(random, sizeof(random)) < 0)
		return mv_err_sys(err, "choose a name");
	mv_hex_encode(random, sizeof(random), suffix + sizeof("_mv") - 1);
	r->beside = mv_pg_suffixed(r->name, suffix);
	if (r->beside == NULL)
		return mv_err_set(err, MV_ENOMEM, "choose a name");
	return 0;
}

int
mv_pg_target_left(struct mv_pg_restore *r, struct mv_err *err)
{
	mv_auto(mv_freep) char *like = mv_pg_suffixed(r->name, BESIDE);
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };
	const char *sql;
	int rc;

	if (like == NULL)
		return mv_err_set(err, MV_ENOMEM, "look for databases");
	mv_buf_put_str(&b, "SELECT d.datname AS name FROM pg_database d "
	    "WHERE d.datname ~ '_mv[0-9a-f]{8}$' AND left(d.datname, -8) = "
	    "left(");
	mv_pg_put_literal(&b, like);
	mv_buf_put_str(&b, ", -8) AND NOT EXISTS (SELECT 1 FROM "
	    "pg_stat_activity a WHERE a.datid = d.oid) ORDER BY 1");
	rc = finish_sql(&b, &sql, err);
	return rc < 0 ? rc : mv_pg_query(r->admin, sql, &r->left, err);
}

int
mv_pg_target_create(struct mv_pg_restore *r, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };
	const char *sql;
	int rc;

	rc = check_extensions(r, err);
	if (rc == 0)
		rc = check_tablespaces(r, err);
	if (rc == 0)
		rc = choose_name(r, err);
	if (rc < 0)
		return rc;
	mv_buf_put_str(&b, "CREATE DATABASE ");
	mv_pg_put_ident(&b, r->beside);
	mv_buf_put_str(&b, " TEMPLATE template0");
	put_clause(&b, "ENCODING", fact(r, "encoding"));
	put_clause(&b, "LC_COLLATE", fact(r, "collate"));
	put_clause(&b, "LC_CTYPE", fact(r, "ctype"));
	rc = put_provider(r, &b, err);
	if (rc == 0)
		rc = put_owner(r, &b, err);
	if (rc == 0)
		rc = finish_sql(&b, &sql, err);
	if (rc == 0)
		/*
		 * Another locale in its stead would sort otherwise and make
		 * unique indexes that the data does not fit.
		 */
		rc = mv_err_ctx(err, mv_pg_exec(r->admin, sql, err),
		    "create a database with the backup's locale '%s'",
		    fact(r, "collate") != NULL ? fact(r, "collate") : "");
	/* Who was interrupted, or cut off, cannot know. */
	r->created = rc == 0 || rc == MV_EINTR || rc == MV_EIO;
	return rc;
}

static void
drop_roles(struct mv_pg_restore *r)
{
	json_t *name;
	size_t i;

	json_array_foreach(r->made, i, name) {
		mv_auto(mv_buf_clear) struct mv_buf b = { 0 };

		mv_buf_put_str(&b, "DROP ROLE ");
		mv_pg_put_ident(&b, json_string_value(name));
		if (mv_buf_cstr(&b) == NULL ||
		    mv_pg_exec(r->admin, (char *)b.p, NULL) < 0)
			mv_warn("role '%s', made for this restore, is left",
			    json_string_value(name));
	}
}

static int
drop_beside(struct mv_pg_restore *r)
{
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };

	mv_buf_put_str(&b, "DROP DATABASE IF EXISTS ");
	mv_pg_put_ident(&b, r->beside);
	/* Of a pg_restore that was killed there may be sessions. */
	if (r->opts.pg->version >= 130000)
		mv_buf_put_str(&b, " WITH (FORCE)");
	if (mv_buf_cstr(&b) == NULL)
		return MV_ENOMEM;
	return mv_pg_exec(r->admin, (char *)b.p, NULL);
}

void
mv_pg_target_drop(struct mv_pg_restore *r)
{
	int rc;

	if (!r->created && json_array_size(r->made) == 0)
		return;
	/* A stop is often why we are here: it must not stop this. */
	r->opts.pg->unstoppable = true;
	rc = mv_pg_target_admin(r, NULL);
	if (rc == 0 && r->created)
		rc = drop_beside(r);
	if (rc == 0)
		drop_roles(r);
	else
		mv_warn("the unfinished database '%s' is left: drop it by "
		    "hand", r->beside);
	r->opts.pg->unstoppable = false;
}
