/* SPDX-License-Identifier: MIT */
#include "vault/disarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "mastodon/version.h"

#define SEED_BYTES 32

/* A name of "table.column", or of neither. */
#define NAME_MAX_BYTES 160

struct disarm {
	struct mv_pg_session *s;
	json_t *columns;	/* object: "table" and "table.column" */
	struct mv_buf random;	/* what @RANDOM@ stands for */
	uint64_t schema;
	unsigned flags;
};

static void
disarm_clear(struct disarm *d)
{
	json_decref(d->columns);
	mv_buf_clear(&d->random);
}

void
mv_disarm_report_clear(struct mv_disarm_report *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		free(r->list[i].problem);
	free(r->list);
	*r = (struct mv_disarm_report){ 0 };
}

static int
read_schema(struct disarm *d, struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *row = NULL;
	const char *text;
	int rc;

	rc = mv_pg_query_row(d->s, "SELECT max(version::text) AS version "
	    "FROM public.schema_migrations", &row, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "find the version of Mastodon");
	text = json_string_value(json_object_get(row, "version"));
	return mv_schema_parse(text != NULL ? text : "", &d->schema, err);
}

static int
read_columns(struct disarm *d, struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *rows = NULL;
	const json_t *row;
	char name[NAME_MAX_BYTES];
	size_t i;
	int rc;

	rc = mv_pg_query(d->s, "SELECT c.relname::text AS t, "
	    "a.attname::text AS c FROM pg_catalog.pg_attribute a "
	    "JOIN pg_catalog.pg_class c ON c.oid = a.attrelid "
	    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
	    "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') "
	    "AND a.attnum > 0 AND NOT a.attisdropped", &rows, err);
	if (rc < 0)
		return rc;
	d->columns = json_object();
	json_array_foreach(rows, i, row) {
		const char *t = json_string_value(json_object_get(row, "t"));
		const char *c = json_string_value(json_object_get(row, "c"));

		if (t == NULL || c == NULL)
			continue;
		(void)snprintf(name, sizeof(name), "%s.%s", t, c);
		if (json_object_set_new(d->columns, t, json_true()) < 0 ||
		    json_object_set_new(d->columns, name, json_true()) < 0)
			return mv_err_set(err, MV_ENOMEM, "list the columns");
	}
	return 0;
}

/*
 * The server's own randomness, where it has the function (13 and later).
 * Elsewhere a seed of ours: a log of statements would show it.
 */
static int
choose_random(struct disarm *d, struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *row = NULL;
	uint8_t seed[SEED_BYTES];
	size_t i;
	int rc;

	rc = mv_pg_query_row(d->s, "SELECT pg_catalog.to_regprocedure("
	    "'pg_catalog.gen_random_uuid()') IS NOT NULL AS there", &row, err);
	if (rc < 0)
		return rc;
	if (json_is_true(json_object_get(row, "there"))) {
		mv_buf_put_str(&d->random, "replace(gen_random_uuid()::text "
		    "|| gen_random_uuid()::text, '-', '')");
	} else {
		randombytes_buf(seed, sizeof(seed));
		mv_buf_put_str(&d->random, "encode(sha256(('");
		for (i = 0; i < sizeof(seed); i++)
			mv_buf_printf(&d->random, "%02x", seed[i]);
		mv_buf_put_str(&d->random, "' || id)::bytea), 'hex')");
	}
	(void)mv_buf_cstr(&d->random);
	return mv_buf_failed(&d->random, err);
}

/* The first name of words that the database has not, or NULL. */
static const char *
missing_of(const struct disarm *d, const char *table, const char *words,
    char name[NAME_MAX_BYTES])
{
	size_t len;

	for (; words != NULL && *words != '\0'; words += len) {
		words += strspn(words, " ");
		len = strcspn(words, " ");
		if (table != NULL)
			(void)snprintf(name, NAME_MAX_BYTES, "%s.%.*s",
			    table, (int)len, words);
		else
			(void)snprintf(name, NAME_MAX_BYTES, "%.*s",
			    (int)len, words);
		if (len > 0 && json_object_get(d->columns, name) == NULL)
			return name;
	}
	return NULL;
}

static const char *
missing(const struct disarm *d, const struct mv_harm_fact *f,
    char name[NAME_MAX_BYTES])
{
	const char *m = missing_of(d, NULL, f->table, name);

	if (m == NULL)
		m = missing_of(d, f->table, f->columns, name);
	return m != NULL ? m : missing_of(d, NULL, f->uses, name);
}

/* How many rows the fact reaches now. */
static int
count(struct disarm *d, const struct mv_harm_fact *f, uint64_t *out,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf sql = { 0 };
	mv_auto(mv_json_decrefp) json_t *row = NULL;
	const char *select;
	int rc;

	mv_buf_put_str(&sql, "SELECT count(*) AS n FROM ");
	if (f->how == MV_HARM_INSERT) {
		select = strstr(f->set, "SELECT ");
		mv_buf_printf(&sql, "(%s) q", select);
	} else {
		mv_buf_printf(&sql, "public.%s", f->table);
		if (f->where != NULL)
			mv_buf_printf(&sql, " WHERE %s", f->where);
	}
	(void)mv_buf_cstr(&sql);
	rc = mv_buf_failed(&sql, err);
	if (rc == 0)
		rc = mv_pg_query_row(d->s, (char *)sql.p, &row, err);
	if (rc == 0)
		*out = (uint64_t)json_integer_value(json_object_get(row, "n"));
	return rc;
}

static void
put_statement(const struct disarm *d, const struct mv_harm_fact *f,
    struct mv_buf *sql)
{
	static const char mark[] = "@RANDOM@";
	const char *p = f->set, *at;

	if (f->how == MV_HARM_INSERT) {
		mv_buf_printf(sql, "INSERT INTO public.%s %s", f->table,
		    f->set);
		return;
	}
	if (f->how == MV_HARM_DELETE) {
		mv_buf_printf(sql, "DELETE FROM public.%s", f->table);
	} else {
		mv_buf_printf(sql, "UPDATE public.%s SET ", f->table);
		for (; (at = strstr(p, mark)) != NULL;
		    p = at + sizeof(mark) - 1)
			mv_buf_printf(sql, "%.*s%s", (int)(at - p), p,
			    (const char *)d->random.p);
		mv_buf_put_str(sql, p);
	}
	if (f->where != NULL)
		mv_buf_printf(sql, " WHERE %s", f->where);
}

static int
change(struct disarm *d, const struct mv_harm_fact *f, uint64_t *rows,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf sql = { 0 };
	uint64_t left = 0;
	int rc;

	/* Else what is counted need not be what is changed. */
	rc = mv_pg_execf(d->s, err, "LOCK TABLE public.%s IN SHARE ROW "
	    "EXCLUSIVE MODE", f->table);
	if (rc == 0)
		rc = count(d, f, rows, err);
	if (rc < 0 || *rows == 0)
		return rc;
	put_statement(d, f, &sql);
	(void)mv_buf_cstr(&sql);
	rc = mv_buf_failed(&sql, err);
	if (rc == 0)
		rc = mv_pg_exec(d->s, (char *)sql.p, err);
	if (rc == 0 && !f->again)
		rc = count(d, f, &left, err);
	if (rc == 0 && left > 0)
		return mv_err_set(err, MV_EIO, "%llu rows are as they were: "
		    "is a trigger or a rule in the way?",
		    (unsigned long long)left);
	return rc;
}

static int
apply(struct disarm *d, const struct mv_harm_fact *f, const char *lacks,
    uint64_t *rows, struct mv_err *err)
{
	bool dry = (d->flags & MV_DISARM_COUNT) != 0;
	char version[MV_VERSION_TEXT];
	int rc;

	if (lacks != NULL) {
		mv_schema_label(d->schema, version);
		return mv_err_set(err, MV_ECORRUPT, "the database is that of "
		    "Mastodon %s and has no '%s', which that version should "
		    "have", version, lacks);
	}
	rc = dry ? count(d, f, rows, err) : change(d, f, rows, err);
	return mv_err_ctx(err, rc, "%s '%s%s%s'", dry ? "count" : "change",
	    f->table, f->columns != NULL ? "." : "",
	    f->columns != NULL ? f->columns : "");
}

/* An error of one statement must not cost all that went before it. */
static int
apply_or_note(struct disarm *d, const struct mv_harm_fact *f,
    const char *lacks, struct mv_disarmed *out, struct mv_err *err)
{
	char text[MV_ERR_TEXT_MAX];
	struct mv_err why = { 0 };
	int rc;

	rc = mv_pg_exec(d->s, "SAVEPOINT mv_disarm", err);
	if (rc < 0)
		return rc;
	rc = apply(d, f, lacks, &out->rows, &why);
	if (rc == 0)
		return mv_pg_exec(d->s, "RELEASE SAVEPOINT mv_disarm", err);
	/* Where the session is gone, what it died of is the error. */
	if (rc == MV_EINTR || mv_pg_exec(d->s, "ROLLBACK TO SAVEPOINT "
	    "mv_disarm", NULL) < 0) {
		if (err != NULL)
			*err = why;
		return rc;
	}
	(void)mv_err_text(&why, text, sizeof(text));
	out->rows = 0;
	out->problem = strdup(text);
	return out->problem != NULL ? 0 :
	    mv_err_set(err, MV_ENOMEM, "note a problem");
}

static int
apply_one(struct disarm *d, const struct mv_harm_fact *f,
    struct mv_disarm_report *out, struct mv_err *err)
{
	struct mv_disarmed *one = &out->list[out->n];
	char name[NAME_MAX_BYTES];
	const char *lacks = missing(d, f, name);

	if (lacks != NULL && !mv_harm_expected(f, d->schema))
		return 0;
	*one = (struct mv_disarmed){ .fact = f };
	out->n++;
	if (d->flags & MV_DISARM_ON)
		return apply_or_note(d, f, lacks, one, err);
	return apply(d, f, lacks, &one->rows, err);
}

int
mv_disarm(struct mv_pg_session *s, unsigned when, unsigned flags,
    struct mv_disarm_report *out, struct mv_err *err)
{
	mv_auto(mv_disarm_report_clear) struct mv_disarm_report r = { 0 };
	mv_auto(disarm_clear) struct disarm d = { .s = s, .flags = flags };
	const struct mv_harm_fact *f;
	size_t i;
	int rc;

	r.list = calloc(mv_harm_fact_count(), sizeof(*r.list));
	if (r.list == NULL)
		return mv_err_set(err, MV_ENOMEM, "list what was changed");
	rc = read_schema(&d, err);
	if (rc == 0)
		rc = read_columns(&d, err);
	if (rc == 0)
		rc = choose_random(&d, err);
	r.schema = d.schema;
	for (i = 0; rc == 0 && i < mv_harm_fact_count(); i++) {
		f = mv_harm_fact_at(i);
		if ((f->when & when) != 0)
			rc = apply_one(&d, f, &r, err);
	}
	if (rc < 0)
		return rc;
	*out = r;
	r = (struct mv_disarm_report){ 0 };
	return 0;
}

static json_t *
columns_json(const char *words)
{
	json_t *list = json_array();
	size_t len;

	if (words == NULL) {
		json_decref(list);
		return json_null();
	}
	for (; *words != '\0'; words += len + strspn(words + len, " ")) {
		len = strcspn(words, " ");
		json_array_append_new(list, json_stringn(words, len));
	}
	return list;
}

json_t *
mv_disarm_json(const struct mv_disarm_report *r)
{
	static const char *const hows[] = {
		[MV_HARM_UPDATE] = "changed",
		[MV_HARM_DELETE] = "removed",
		[MV_HARM_INSERT] = "added",
	};
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < r->n; i++) {
		const struct mv_harm_fact *f = r->list[i].fact;

		json_array_append_new(list, json_pack(
		    "{ss ss so ss sI ss so}",
		    "kind", mv_harm_kind_name(f->kind), "table", f->table,
		    "columns", columns_json(f->columns), "how", hows[f->how],
		    "rows", (json_int_t)r->list[i].rows, "what", f->what,
		    "problem", r->list[i].problem != NULL ?
		    json_string(r->list[i].problem) : json_null()));
	}
	return list;
}
