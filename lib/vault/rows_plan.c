/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/cleanup.h"
#include "mastodon/version.h"
#include "postgres/quote.h"
#include "vault/rows_internal.h"

/*
 * rows_plan: which columns a database has, which keys may open them, and how
 * SQL names their rows.
 */

static int
read_schema(struct mv_pg_session *s, uint64_t *out, struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *there = NULL;
	mv_auto(mv_json_decrefp) json_t *row = NULL;
	const char *text;
	int rc;

	rc = mv_pg_query_row(s,
	    "SELECT to_regclass('public.schema_migrations') IS NOT NULL "
	    "AS there", &there, err);
	if (rc < 0)
		return rc;
	if (json_is_true(json_object_get(there, "there")))
		rc = mv_pg_query_row(s, "SELECT max(version::text) AS version "
		    "FROM public.schema_migrations", &row, err);
	if (rc < 0)
		return rc;
	text = json_string_value(json_object_get(row, "version"));
	if (text == NULL)
		return mv_err_set(err, MV_ENOTFOUND, "the database has no "
		    "'schema_migrations': it is no Mastodon's");
	return mv_schema_parse(text, out, err);
}

static int
read_names(struct mv_pg_session *s, json_t **out, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf sql = { 0 };
	size_t i;
	int rc;

	mv_buf_put_str(&sql, "SELECT c.relname || '.' || a.attname AS name "
	    "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
	    "JOIN pg_namespace n ON n.oid = c.relnamespace "
	    "WHERE n.nspname = 'public' AND c.relkind = 'r' "
	    "AND a.attnum > 0 AND NOT a.attisdropped AND c.relname IN (");
	for (i = 0; i < mv_column_fact_count(); i++) {
		mv_buf_put_str(&sql, i > 0 ? ", " : "");
		mv_pg_put_literal(&sql, mv_column_fact_at(i)->table);
	}
	mv_buf_put_str(&sql, ")");
	(void)mv_buf_cstr(&sql);
	rc = mv_buf_failed(&sql, err);
	return rc < 0 ? rc : mv_pg_query(s, (char *)sql.p, out, err);
}

static bool
is_there(const json_t *names, const char *table, const char *column)
{
	size_t i, n = strlen(table);
	const char *name;
	const json_t *row;

	if (column == NULL)
		return true;
	json_array_foreach(names, i, row) {
		name = json_string_value(json_object_get(row, "name"));
		if (name != NULL && strncmp(name, table, n) == 0 &&
		    name[n] == '.' && strcmp(name + n + 1, column) == 0)
			return true;
	}
	return false;
}

int
mv_rows_catalogue(struct mv_pg_session *s,
    struct mv_rows_there out[MV_ROWS_COLUMNS_MAX], size_t *n,
    struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *names = NULL;
	const struct mv_column_fact *f;
	uint64_t schema;
	size_t i;
	int rc;

	*n = 0;
	rc = read_schema(s, &schema, err);
	if (rc == 0)
		rc = read_names(s, &names, err);
	for (i = 0; rc == 0 && i < mv_column_fact_count(); i++) {
		f = mv_column_fact_at(i);
		if (is_there(names, f->table, f->column) &&
		    is_there(names, f->table, f->iv) &&
		    is_there(names, f->table, f->salt) &&
		    *n < MV_ROWS_COLUMNS_MAX)
			out[(*n)++] = (struct mv_rows_there){ f,
			    is_there(names, f->table, "public_key") };
		else if (mv_column_expected(f, schema))
			rc = mv_err_set(err, MV_ENOTFOUND, "the database has "
			    "no column '%s.%s', which its version of "
			    "Mastodon has", f->table, f->column);
	}
	return rc;
}

int
mv_rows_plan_add(struct mv_rows_plan *p, const struct mv_rows_keys *k,
    const struct mv_rows_keys *target, struct mv_err *err)
{
	size_t i;

	if (!mv_rows_keys_have(k, p->fact))
		return 0;
	for (i = 0; i < p->n; i++)
		if (mv_rows_keys_same(p->openers[i], k, p->fact))
			return 0;
	if (p->n == MV_ROWS_KEYS_MAX)
		return mv_err_set(err, MV_EUSAGE, "more than %d generations "
		    "of secrets cannot be tried at once", MV_ROWS_KEYS_MAX);
	p->current[p->n] = mv_rows_keys_same(k, target, p->fact);
	p->openers[p->n++] = k;
	return 0;
}

size_t
mv_rows_fields(const struct mv_rows_plan *p)
{
	return 2 + (p->fact->iv != NULL) + (p->fact->salt != NULL) + p->match;
}

void
mv_rows_put_table(struct mv_buf *sql, const struct mv_rows_plan *p)
{
	mv_buf_put_str(sql, "ONLY ");
	mv_pg_put_qualified(sql, "public", p->fact->table);
}

void
mv_rows_put_select(struct mv_buf *sql, const struct mv_rows_plan *p)
{
	const char *const names[] = { "id", p->fact->column, p->fact->iv,
	    p->fact->salt, p->match ? "public_key" : NULL };
	size_t i;

	mv_buf_put_str(sql, "SELECT ");
	for (i = 0; i < MV_ARRAY_LEN(names); i++) {
		if (names[i] == NULL)
			continue;
		mv_buf_put_str(sql, i > 0 ? ", " : "");
		mv_pg_put_ident(sql, names[i]);
	}
	mv_buf_put_str(sql, " FROM ");
	mv_rows_put_table(sql, p);
	mv_buf_put_str(sql, " WHERE ");
	mv_pg_put_ident(sql, p->fact->column);
	/* attr_encrypted stores no value as nothing; Rails would fail. */
	mv_buf_put_str(sql, p->fact->format == MV_COLUMN_LEGACY ? " <> ''" :
	    " IS NOT NULL");
}
