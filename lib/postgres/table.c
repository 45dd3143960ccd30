/* SPDX-License-Identifier: MIT */
#include "postgres/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "postgres/quote.h"

/* PostgreSQL's own limit. */
#define COLUMNS_MAX 1600

void
mv_pg_table_clear(struct mv_pg_table *t)
{
	size_t i;

	for (i = 0; i < t->ncolumns; i++)
		free(t->columns[i]);
	free(t->columns);
	free(t->schema);
	free(t->name);
	*t = (struct mv_pg_table){ 0 };
}

void
mv_pg_tables_clear(struct mv_pg_tables *tables)
{
	size_t i;

	for (i = 0; i < tables->n; i++)
		mv_pg_table_clear(&tables->v[i]);
	free(tables->v);
	*tables = (struct mv_pg_tables){ 0 };
}

json_t *
mv_pg_table_encode(const struct mv_pg_table *t)
{
	json_t *columns = json_array();
	size_t i;

	for (i = 0; i < t->ncolumns; i++)
		if (json_array_append_new(columns,
		    json_string(t->columns[i])) < 0) {
			json_decref(columns);
			return NULL;
		}
	return json_pack("{s:s, s:s, s:o}", "schema", t->schema, "name",
	    t->name, "columns", columns);
}

/* A name: some text without a NUL. */
static int
decode_name(const json_t *json, char **out, struct mv_err *err)
{
	const char *text = json_string_value(json);

	if (text == NULL || *text == '\0' ||
	    strlen(text) != json_string_length(json))
		return mv_err_set(err, MV_ECORRUPT,
		    "a table's description lacks a name");
	*out = strdup(text);
	if (*out == NULL)
		return mv_err_set(err, MV_ENOMEM, "read a table's description");
	return 0;
}

static int
decode_columns(const json_t *json, struct mv_pg_table *t, struct mv_err *err)
{
	size_t i, n = json_array_size(json);
	int rc;

	if (!json_is_array(json) || n > COLUMNS_MAX)
		return mv_err_set(err, MV_ECORRUPT,
		    "a table's description has no list of columns");
	t->columns = calloc(n + 1, sizeof(*t->columns));
	if (t->columns == NULL)
		return mv_err_set(err, MV_ENOMEM, "read a table's description");
	for (i = 0; i < n; i++) {
		rc = decode_name(json_array_get(json, i), &t->columns[i], err);
		if (rc < 0)
			return rc;
		t->ncolumns++;
	}
	return 0;
}

static uint64_t
decode_count(const json_t *json, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(json, key));

	return v > 0 ? (uint64_t)v : 0;
}

int
mv_pg_table_decode(const json_t *json, struct mv_pg_table *out,
    struct mv_err *err)
{
	mv_auto(mv_pg_table_clear) struct mv_pg_table t = { 0 };
	int rc;

	rc = decode_name(json_object_get(json, "schema"), &t.schema, err);
	if (rc == 0)
		rc = decode_name(json_object_get(json, "name"), &t.name, err);
	if (rc == 0)
		rc = decode_columns(json_object_get(json, "columns"), &t, err);
	if (rc < 0)
		return rc;
	t.oid = (uint32_t)decode_count(json, "oid");
	t.bytes = decode_count(json, "bytes");
	t.inserted = decode_count(json, "inserted");
	t.updated = decode_count(json, "updated");
	t.deleted = decode_count(json, "deleted");
	t.live = decode_count(json, "live");
	t.unlogged = json_is_true(json_object_get(json, "unlogged"));
	t.partition = json_is_true(json_object_get(json, "partition"));
	*out = t;
	t = (struct mv_pg_table){ 0 };
	return 0;
}

void
mv_pg_put_copy(struct mv_buf *b, const struct mv_pg_table *t,
    const char *direction, const char *encoding)
{
	size_t i;

	mv_buf_put_str(b, "COPY ");
	mv_pg_put_qualified(b, t->schema, t->name);
	for (i = 0; i < t->ncolumns; i++) {
		mv_buf_put_str(b, i == 0 ? " (" : ", ");
		mv_pg_put_ident(b, t->columns[i]);
	}
	mv_buf_printf(b, ") %s (FORMAT text, ENCODING ", direction);
	mv_pg_put_literal(b, encoding);
	mv_buf_put_str(b, ")");
}
