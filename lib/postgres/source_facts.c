/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "postgres/source_internal.h"

/*
 * All in the snapshot.  search_path is empty, which leaves pg_catalog: names
 * of the system need no schema, and nobody can slip other ones in.
 */
#define USER_SCHEMA "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"

/* Objects of extensions, and schemas of theirs, are pg_dump's to judge. */
#define NOT_OF_EXTENSION(class, oid)					\
	"NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.deptype = 'e' "	\
	"AND x.classid = '" class "'::regclass AND x.objid = " oid ")"

static const char tables_sql[] =
    "SELECT n.nspname AS schema, c.relname AS name, c.oid::bigint AS oid, "
    "c.relpersistence = 'u' AS unlogged, c.relispartition AS partition, "
    "coalesce(pg_table_size(c.oid), 0) AS bytes, "
    "coalesce(s.n_tup_ins, 0) AS inserted, "
    "coalesce(s.n_tup_upd, 0) AS updated, "
    "coalesce(s.n_tup_del, 0) AS deleted, "
    "greatest(coalesce(s.n_live_tup, 0), c.reltuples::bigint, 0) AS live, "
    "(SELECT coalesce(jsonb_agg(a.attname ORDER BY a.attnum), '[]') "
    " FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 "
    " AND NOT a.attisdropped AND a.attgenerated = '') AS columns "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid "
    "WHERE c.relkind = 'r' AND c.relpersistence IN ('p', 'u') "
    /* A standby cannot read unlogged ones. */
    "AND NOT (c.relpersistence = 'u' AND pg_is_in_recovery()) "
    "AND " USER_SCHEMA " "
    "AND " NOT_OF_EXTENSION("pg_class", "c.oid") " "
    "AND " NOT_OF_EXTENSION("pg_namespace", "n.oid") " "
    "ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"";

static const char database_sql[] =
    "SELECT d.*, pg_encoding_to_char(d.encoding) AS encoding_name, "
    "pg_get_userbyid(d.datdba) AS owner, "
    "pg_database_size(d.oid) AS bytes, "
    "current_setting('server_version') AS server, "
    "to_regnamespace('public') IS NOT NULL AS public, "
    "(SELECT to_jsonb(s.setconfig) FROM pg_db_role_setting s "
    " WHERE s.setdatabase = d.oid AND s.setrole = 0) AS settings "
    "FROM pg_database d WHERE d.datname = current_database()";

/*
 * pg_shdepend leaves out roles that came with the cluster, so owners are
 * looked up beside it.
 */
static const char roles_sql[] =
    "SELECT r.rolname AS name FROM pg_roles r WHERE r.rolname !~ '^pg_' "
    "AND r.oid IN (SELECT s.refobjid FROM pg_shdepend s JOIN pg_database d "
    " ON d.datname = current_database() "
    " WHERE s.refclassid = 'pg_authid'::regclass AND (s.dbid = d.oid "
    "  OR (s.classid = 'pg_database'::regclass AND s.objid = d.oid)) "
    "UNION SELECT datdba FROM pg_database "
    " WHERE datname = current_database() "
    "UNION SELECT relowner FROM pg_class WHERE oid >= 16384 "
    "UNION SELECT nspowner FROM pg_namespace WHERE oid >= 16384 "
    "UNION SELECT proowner FROM pg_proc WHERE oid >= 16384 "
    "UNION SELECT typowner FROM pg_type WHERE oid >= 16384) ORDER BY 1";

static const struct {
	const char *key;
	const char *sql;
} lists[] = {
	{ "roles", roles_sql },
	{ "extensions",
	    "SELECT e.extname AS name, e.extversion AS version, "
	    "n.nspname AS schema FROM pg_extension e "
	    "JOIN pg_namespace n ON n.oid = e.extnamespace ORDER BY 1" },
	{ "tablespaces",
	    "SELECT t.spcname AS name FROM pg_tablespace t WHERE t.oid IN "
	    "(SELECT c.reltablespace FROM pg_class c WHERE c.oid >= 16384) "
	    "ORDER BY 1" },
	{ "indexes",
	    "SELECT n.nspname AS schema, c.relname AS name, "
	    "t.relname AS table, i.indisvalid AS valid, "
	    "i.indisunique AS unique FROM pg_index i "
	    "JOIN pg_class c ON c.oid = i.indexrelid "
	    "JOIN pg_class t ON t.oid = i.indrelid "
	    "JOIN pg_namespace n ON n.oid = c.relnamespace "
	    "WHERE " USER_SCHEMA " ORDER BY 1, 2" },
	{ "constraints",
	    "SELECT n.nspname AS schema, t.relname AS table, "
	    "k.conname AS name, k.contype AS type, "
	    "k.convalidated AS valid FROM pg_constraint k "
	    "JOIN pg_class t ON t.oid = k.conrelid "
	    "JOIN pg_namespace n ON n.oid = t.relnamespace "
	    "WHERE " USER_SCHEMA " ORDER BY 1, 2, 3" },
	{ "matviews",
	    "SELECT n.nspname AS schema, c.relname AS name, "
	    "c.relispopulated AS populated FROM pg_class c "
	    "JOIN pg_namespace n ON n.oid = c.relnamespace "
	    "WHERE c.relkind = 'm' AND " USER_SCHEMA " ORDER BY 1, 2" },
	{ "sequences",
	    "SELECT n.nspname AS schema, c.relname AS name, "
	    "CASE WHEN has_sequence_privilege(c.oid, 'SELECT') "
	    " THEN pg_sequence_last_value(c.oid) END AS value "
	    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	    "WHERE c.relkind = 'S' AND " USER_SCHEMA " ORDER BY 1, 2" },
};

/* Which column of pg_database is which fact; later ones win. */
static const struct {
	const char *column;
	const char *key;
} database_keys[] = {
	{ "datname", "database" },
	{ "owner", "owner" },
	{ "encoding_name", "encoding" },
	{ "datcollate", "collate" },
	{ "datctype", "ctype" },
	{ "datlocprovider", "provider" },	/* from 15 */
	{ "daticulocale", "locale" },		/* 15 and 16 */
	{ "datlocale", "locale" },		/* from 17 */
	{ "daticurules", "icu_rules" },		/* from 16 */
	{ "bytes", "bytes" },
	{ "server", "server" },
	{ "public", "public" },
	{ "settings", "settings" },
};

static int
put_fact(json_t *facts, const char *key, json_t *value, struct mv_err *err)
{
	if (json_object_set(facts, key, value) < 0)
		return mv_err_set(err, MV_ENOMEM, "read the database's facts");
	return 0;
}

static int
put_text(json_t *facts, const char *key, const char *text,
    struct mv_err *err)
{
	if (json_object_set_new(facts, key, json_string(text)) < 0)
		return mv_err_set(err, MV_ENOMEM, "read the database's facts");
	return 0;
}

static int
read_database(struct mv_pg_session *s, json_t *facts, struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *row = NULL;
	const char *encoding;
	json_t *value;
	size_t i;
	int rc;

	rc = mv_pg_query_row(s, database_sql, &row, err);
	for (i = 0; i < MV_ARRAY_LEN(database_keys) && rc == 0; i++) {
		value = json_object_get(row, database_keys[i].column);
		if (value != NULL && !json_is_null(value))
			rc = put_fact(facts, database_keys[i].key, value, err);
	}
	if (rc < 0)
		return rc;
	if (json_object_set_new(facts, "server_version",
	    json_integer(s->pg->version)) < 0)
		return mv_err_set(err, MV_ENOMEM, "read the database's facts");
	/* UTF-8 takes every encoding in but bytes that have none. */
	encoding = json_string_value(json_object_get(facts, "encoding"));
	if (encoding == NULL)
		return mv_err_set(err, MV_EIO, "the database has no encoding");
	return put_text(facts, "dump_encoding",
	    strcmp(encoding, "SQL_ASCII") == 0 ? "SQL_ASCII" : "UTF8", err);
}

/* Rails' version of the schema, where there is Rails. */
static int
read_schema_version(struct mv_pg_session *s, json_t *facts,
    struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *row = NULL;
	json_t *version;
	int rc;

	rc = mv_pg_query_row(s,
	    "SELECT to_regclass('public.schema_migrations') IS NOT NULL AND "
	    "has_table_privilege(to_regclass('public.schema_migrations'), "
	    "'SELECT') AS there", &row, err);
	if (rc < 0)
		return rc;
	if (!json_is_true(json_object_get(row, "there")))
		return put_fact(facts, "schema_version", json_null(), err);
	json_decref(row);
	row = NULL;
	rc = mv_pg_query_row(s, "SELECT max(version::text) AS version "
	    "FROM public.schema_migrations", &row, err);
	if (rc < 0)
		return rc;
	version = json_object_get(row, "version");
	return put_fact(facts, "schema_version",
	    version != NULL ? version : json_null(), err);
}

static int
read_lists(struct mv_pg_session *s, json_t *facts, struct mv_err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < MV_ARRAY_LEN(lists) && rc == 0; i++) {
		mv_auto(mv_json_decrefp) json_t *rows = NULL;

		rc = mv_pg_query(s, lists[i].sql, &rows, err);
		if (rc == 0)
			rc = put_fact(facts, lists[i].key, rows, err);
	}
	return rc;
}

int
mv_pg_facts_read(struct mv_pg_session *s, json_t **out, struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *facts = json_object();
	int rc;

	if (facts == NULL)
		return mv_err_set(err, MV_ENOMEM, "read the database's facts");
	rc = read_database(s, facts, err);
	if (rc == 0)
		rc = read_lists(s, facts, err);
	if (rc == 0)
		rc = read_schema_version(s, facts, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "read the database's facts");
	*out = mv_take(&facts);
	return 0;
}

int
mv_pg_tables_read(struct mv_pg_session *s, struct mv_pg_tables *out,
    struct mv_err *err)
{
	mv_auto(mv_pg_tables_clear) struct mv_pg_tables tables = { 0 };
	mv_auto(mv_json_decrefp) json_t *rows = NULL;
	size_t i, n;
	int rc;

	rc = mv_pg_query(s, tables_sql, &rows, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "list tables");
	n = json_array_size(rows);
	tables.v = calloc(n + 1, sizeof(*tables.v));
	if (tables.v == NULL)
		return mv_err_set(err, MV_ENOMEM, "list tables");
	for (i = 0; i < n; i++) {
		rc = mv_pg_table_decode(json_array_get(rows, i),
		    &tables.v[i], err);
		if (rc < 0)
			return mv_err_ctx(err, rc, "list tables");
		tables.n++;
	}
	*out = tables;
	tables = (struct mv_pg_tables){ 0 };
	return 0;
}
