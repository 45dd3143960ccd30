/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/cleanup.h"
#include "vault/rows_internal.h"

static int
feed(void *arg, const uint8_t *buf, size_t len, struct mv_err *err)
{
	return mv_rows_pool_feed(arg, 0, buf, len, err);
}

int
mv_rows_look(struct mv_pg_session *s, const struct mv_rows_plan *p,
    uint64_t max, struct mv_rows_pool *pool, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf sql = { 0 };
	const struct mv_sink sink = { feed, pool };
	struct mv_buf *out;
	uint64_t rows;
	int rc;

	mv_buf_put_str(&sql, "COPY (");
	mv_rows_put_select(&sql, p);
	if (max > 0)
		mv_buf_printf(&sql, " ORDER BY random() LIMIT %llu",
		    (unsigned long long)max);
	mv_buf_put_str(&sql, ") TO STDOUT");
	(void)mv_buf_cstr(&sql);
	rc = mv_buf_failed(&sql, err);
	if (rc == 0)
		rc = mv_pg_session_copy_out(s, (char *)sql.p, &sink, &rows,
		    err);
	return rc < 0 ? rc : mv_rows_pool_wait(pool, 0, &out, err);
}

static int
count_rows(struct mv_pg_session *s, const struct mv_rows_plan *p,
    uint64_t *out, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf sql = { 0 };
	mv_auto(mv_json_decrefp) json_t *row = NULL;
	int rc;

	mv_buf_put_str(&sql, "SELECT count(*) AS n FROM (");
	mv_rows_put_select(&sql, p);
	mv_buf_put_str(&sql, ") q");
	(void)mv_buf_cstr(&sql);
	rc = mv_buf_failed(&sql, err);
	if (rc == 0)
		rc = mv_pg_query_row(s, (char *)sql.p, &row, err);
	if (rc == 0)
		*out = (uint64_t)json_integer_value(json_object_get(row, "n"));
	return rc;
}

static int
prove_column(struct mv_pg_session *s, const struct mv_rows_prove_opts *o,
    const struct mv_rows_there *there, struct mv_rows_column *c,
    struct mv_err *err)
{
	struct mv_rows_plan plan = { .fact = there->fact,
	    .match = there->fact->format == MV_COLUMN_AR && there->has_public };
	mv_auto(mv_rows_pool_freep) struct mv_rows_pool *pool = NULL;
	uint64_t max = plan.fact->format == MV_COLUMN_LEGACY ?
	    o->legacy_max : 0;
	size_t i;
	int rc = 0;

	c->fact = there->fact;
	for (i = 0; rc == 0 && i < o->n; i++)
		rc = mv_rows_plan_add(&plan, o->keys[i], o->keys[0], err);
	if (rc == 0)
		rc = mv_rows_pool_new(&plan, o->jobs, c, &pool, err);
	if (rc == 0)
		rc = mv_rows_look(s, &plan, max, pool, err);
	/* Its threads have ended, and the ids are the column's, then. */
	mv_rows_pool_freep(&pool);
	c->total = c->checked;
	if (rc == 0 && max > 0)
		rc = count_rows(s, &plan, &c->total, err);
	return mv_err_ctx(err, rc, "check '%s.%s'", c->fact->table,
	    c->fact->column);
}

int
mv_rows_prove_some(struct mv_pg_session *s,
    const struct mv_rows_prove_opts *o, struct mv_rows_report *out,
    struct mv_err *err)
{
	mv_auto(mv_rows_report_clear) struct mv_rows_report rep = { 0 };
	struct mv_rows_there there[MV_ROWS_COLUMNS_MAX];
	size_t i, n;
	int rc;

	if (o->n == 0)
		return mv_err_set(err, MV_EUSAGE, "no secrets to check with");
	rc = mv_rows_catalogue(s, there, &n, err);
	if (rc < 0)
		return rc;
	rep.columns = calloc(n + 1, sizeof(*rep.columns));
	if (rep.columns == NULL)
		return mv_err_set(err, MV_ENOMEM, "check rows");
	for (i = 0; rc == 0 && i < n; i++) {
		rep.n = i + 1;
		rc = prove_column(s, o, &there[i], &rep.columns[i], err);
	}
	if (rc < 0)
		return rc;
	*out = rep;
	rep = (struct mv_rows_report){ 0 };
	return 0;
}

int
mv_rows_prove(struct mv_pg_session *s, const struct mv_rows_keys *const *keys,
    size_t n, struct mv_rows_report *out, struct mv_err *err)
{
	const struct mv_rows_prove_opts o = { .keys = keys, .n = n };

	return mv_rows_prove_some(s, &o, out, err);
}
