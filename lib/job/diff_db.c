/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "job/detail.h"
#include "job/diff_internal.h"

/*
 * diff_db: tables by name.  Those that were copied have a stream each, whose
 * root tells whether a row changed; the rows of those in the archive are all
 * in one stream, so of these only names and sizes are compared.
 */
struct table {
	const char *schema, *name;
	const json_t *json;
	bool archived;
};

struct tables {
	struct table *v;	/* by schema and name */
	size_t n;
};

static void
tables_clear(struct tables *t)
{
	free(t->v);
	*t = (struct tables){ 0 };
}

static int
cmp_tables(const void *a, const void *b)
{
	const struct table *x = a, *y = b;
	int c = strcmp(x->schema, y->schema);

	return c != 0 ? c : strcmp(x->name, y->name);
}

static int
add_tables(struct tables *t, const json_t *list, bool archived,
    struct mv_err *err)
{
	const json_t *o;
	size_t i;

	json_array_foreach(list, i, o) {
		struct table *x = &t->v[t->n++];

		*x = (struct table){ .json = o, .archived = archived };
		x->schema = json_string_value(json_object_get(o, "schema"));
		x->name = json_string_value(json_object_get(o, "name"));
		if (x->schema == NULL || x->name == NULL)
			return mv_err_set(err, MV_ECORRUPT,
			    "the snapshot's detail has a table without a name");
	}
	return 0;
}

static int
load_tables(const json_t *db, struct tables *out, struct mv_err *err)
{
	const json_t *copied = json_object_get(db, "tables");
	const json_t *archived = json_object_get(json_object_get(db,
	    "archive"), "tables");
	int rc;

	out->v = calloc(json_array_size(copied) + json_array_size(archived) +
	    1, sizeof(out->v[0]));
	if (out->v == NULL)
		return mv_err_set(err, MV_ENOMEM, "compare the databases");
	rc = add_tables(out, copied, false, err);
	if (rc == 0)
		rc = add_tables(out, archived, true, err);
	if (rc == 0 && out->n > 0)
		qsort(out->v, out->n, sizeof(out->v[0]), cmp_tables);
	return rc;
}

static int64_t
number(const struct table *t, const char *member)
{
	const json_t *v = t == NULL ? NULL : json_object_get(t->json, member);

	return json_is_integer(v) ? (int64_t)json_integer_value(v) : -1;
}

static int64_t
bytes_of(const struct table *t)
{
	return t == NULL ? -1 : number(t, t->archived ? "size" : "bytes");
}

static int
compare(const struct mv_diff_pair *p, const struct table *a,
    const struct table *b, struct mv_diff_table *out, bool *same,
    struct mv_err *err)
{
	const struct mv_root *x = NULL, *y = NULL;
	int rc;

	*same = false;
	out->kind = a == NULL ? MV_DIFF_ADDED : b == NULL ? MV_DIFF_REMOVED :
	    MV_DIFF_CHANGED;
	if (a == NULL || b == NULL)
		return 0;
	if (a->archived || b->archived) {
		*same = a->archived && b->archived &&
		    bytes_of(a) == bytes_of(b);
		return 0;
	}
	rc = mv_detail_stream(p->from, a->json, "stream", &x, err);
	if (rc == 0)
		rc = mv_detail_stream(p->to, b->json, "stream", &y, err);
	if (rc < 0)
		return rc;
	out->rows_changed = !mv_diff_same_root(x, y);
	out->columns_changed = !json_equal(json_object_get(a->json,
	    "columns"), json_object_get(b->json, "columns"));
	*same = !out->rows_changed && !out->columns_changed;
	return 0;
}

static int
tell_table(const struct mv_diff_pair *p, const struct table *a,
    const struct table *b, struct mv_err *err)
{
	const struct table *any = a != NULL ? a : b;
	struct mv_diff_table t = {
		.schema = any->schema, .name = any->name,
		.from_rows = number(a, "rows"), .to_rows = number(b, "rows"),
		.from_bytes = bytes_of(a), .to_bytes = bytes_of(b),
	};
	bool same = false;
	int rc;

	rc = compare(p, a, b, &t, &same, err);
	if (rc != 0 || same)
		return rc;
	return p->each->table(&t, p->each->arg, err);
}

static int
diff_tables(const struct mv_diff_pair *p, const json_t *from,
    const json_t *to, struct mv_err *err)
{
	mv_auto(tables_clear) struct tables a = { 0 };
	mv_auto(tables_clear) struct tables b = { 0 };
	size_t i = 0, j = 0;
	int rc, cmp;

	rc = load_tables(from, &a, err);
	if (rc == 0)
		rc = load_tables(to, &b, err);
	while (rc == 0 && (i < a.n || j < b.n)) {
		cmp = i == a.n ? 1 : j == b.n ? -1 :
		    cmp_tables(&a.v[i], &b.v[j]);
		rc = tell_table(p, cmp <= 0 ? &a.v[i] : NULL,
		    cmp >= 0 ? &b.v[j] : NULL, err);
		i += cmp <= 0;
		j += cmp >= 0;
	}
	return rc;
}

static bool
text_is(const json_t *a, const json_t *b, const char *member)
{
	const json_t *x = json_object_get(a, member);
	const json_t *y = json_object_get(b, member);

	return x == NULL ? y == NULL : json_equal(x, y);
}

/* The object of list that is called as o is. */
static const json_t *
find_named(const json_t *list, const json_t *o)
{
	const json_t *other;
	size_t i;

	json_array_foreach(list, i, other)
		if (text_is(o, other, "schema") && text_is(o, other, "table") &&
		    text_is(o, other, "name"))
			return other;
	return NULL;
}

static int
diff_list(const struct mv_diff_pair *p, const char *what, const json_t *from,
    const json_t *to, struct mv_err *err)
{
	struct mv_diff_schema s = { .what = what };
	const json_t *o, *other;
	size_t i;

	if (json_equal(from, to))
		return 0;
	json_array_foreach(from, i, o) {
		other = find_named(to, o);
		s.removed += other == NULL;
		s.changed += other != NULL && !json_equal(o, other);
	}
	json_array_foreach(to, i, o)
		s.added += find_named(from, o) == NULL;
	if (s.added + s.removed + s.changed == 0)
		return 0;
	return p->each->schema(&s, p->each->arg, err);
}

/* A sequence's value is no schema. */
static json_t *
names_only(const json_t *list)
{
	json_t *out = json_array(), *o;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		o = json_copy(json_array_get(list, i));
		(void)json_object_del(o, "value");
		json_array_append_new(out, o);
	}
	return out;
}

static int
diff_schema(const struct mv_diff_pair *p, const json_t *from,
    const json_t *to, struct mv_err *err)
{
	static const char *const lists[] = {
		"extensions", "indexes", "constraints", "matviews",
	};
	mv_auto(mv_detail_decref) json_t *a = names_only(json_object_get(from,
	    "sequences"));
	mv_auto(mv_detail_decref) json_t *b = names_only(json_object_get(to,
	    "sequences"));
	struct mv_diff_schema version = { "schema version", 0, 0, 1 };
	size_t i;
	int rc = 0;

	if (!text_is(from, to, "schema_version"))
		rc = p->each->schema(&version, p->each->arg, err);
	for (i = 0; rc == 0 && i < MV_ARRAY_LEN(lists); i++)
		rc = diff_list(p, lists[i], json_object_get(from, lists[i]),
		    json_object_get(to, lists[i]), err);
	return rc != 0 ? rc : diff_list(p, "sequences", a, b, err);
}

int
mv_diff_db(const struct mv_diff_pair *p, struct mv_err *err)
{
	const json_t *from = NULL, *to = NULL;
	int rc;

	rc = mv_detail_part(p->from, p->from_detail, MV_PART_DB, &from, err);
	if (rc == 0)
		rc = mv_detail_part(p->to, p->to_detail, MV_PART_DB, &to, err);
	if (rc == 0)
		rc = diff_tables(p, from, to, err);
	if (rc == 0)
		rc = diff_schema(p, json_object_get(from, "facts"),
		    json_object_get(to, "facts"), err);
	return rc;
}
