/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "postgres/quote.h"
#include "vault/rows_internal.h"

/* Two of these are in memory at a time, as they were and as they become. */
#define BATCH_ROWS 4096
#define LOCK_WAIT "60s"

struct column {
	struct mv_rows_plan plan;
	struct mv_rows_column *counts;
	char temp[40];		/* what the new texts lie in until the end */
	uint64_t stored;
};

struct job {
	struct mv_pg_session *s;
	const struct mv_rows_opts *o;
	struct column columns[MV_ROWS_COLUMNS_MAX];
	size_t n;
	struct mv_rows_report report;
};

/* One statement, put together. */
static int
run(struct mv_pg_session *s, struct mv_buf *sql, struct mv_err *err)
{
	int rc;

	(void)mv_buf_cstr(sql);
	rc = mv_buf_failed(sql, err);
	return rc < 0 ? rc : mv_pg_exec(s, (char *)sql->p, err);
}

/* A column that from and to open alike has nothing to be converted. */
static bool
is_concerned(const struct mv_rows_plan *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (!p->current[i])
			return true;
	return p->n == 0;
}

static int
plan_column(struct job *j, const struct mv_rows_there *there,
    struct mv_err *err)
{
	const struct mv_rows_opts *o = j->o;
	struct column *c = &j->columns[j->n];
	struct mv_rows_plan *p = &c->plan;
	size_t i;
	int rc = 0;

	*p = (struct mv_rows_plan){ .fact = there->fact, .convert = true,
	    .seal = !o->dry_run };
	if (mv_rows_keys_have(o->to, p->fact))
		p->target = o->to;
	/* The usual case first, which saves a key that takes long. */
	for (i = 0; rc == 0 && i < o->nfrom; i++)
		rc = mv_rows_plan_add(p, o->from[i], o->to, err);
	if (rc == 0)
		rc = mv_rows_plan_add(p, o->to, o->to, err);
	if (rc < 0 || !is_concerned(p))
		return rc;
	c->counts = &j->report.columns[j->n];
	c->counts->fact = p->fact;
	(void)snprintf(c->temp, sizeof(c->temp), "pg_temp.mv_rows_%zu", j->n);
	j->report.n = ++j->n;
	return 0;
}

static int
plan(struct job *j, struct mv_err *err)
{
	struct mv_rows_there there[MV_ROWS_COLUMNS_MAX];
	size_t i, n;
	int rc;

	rc = mv_rows_catalogue(j->s, there, &n, err);
	if (rc < 0)
		return rc;
	j->report.columns = calloc(n + 1, sizeof(*j->report.columns));
	if (j->report.columns == NULL)
		return mv_err_set(err, MV_ENOMEM, "convert rows");
	for (i = 0; rc == 0 && i < n; i++)
		rc = plan_column(j, &there[i], err);
	return rc;
}

/*
 * A transaction that has its snapshot already would not see what was written
 * before the lock was had.
 */
static int
refuse_snapshot(struct mv_pg_session *s, struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *row = NULL;
	const char *level;
	int rc;

	rc = mv_pg_query_row(s, "SELECT current_setting("
	    "'transaction_isolation') AS level", &row, err);
	if (rc < 0)
		return rc;
	level = json_string_value(json_object_get(row, "level"));
	if (level != NULL && strcmp(level, "read committed") == 0)
		return 0;
	return mv_err_set(err, MV_EUSAGE, "rows are converted in a "
	    "transaction that is READ COMMITTED, not '%s'",
	    level != NULL ? level : "");
}

static int
lock_table(struct job *j, const struct mv_rows_plan *p, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf sql = { 0 };
	int rc;

	mv_buf_put_str(&sql, "LOCK TABLE ");
	mv_rows_put_table(&sql, p);
	mv_buf_put_str(&sql, " IN SHARE ROW EXCLUSIVE MODE");
	rc = run(j->s, &sql, err);
	if (rc == MV_EAGAIN) {
		mv_err_clear(err);
		return mv_err_set(err, MV_EAGAIN, "table '%s' is in use: "
		    "somebody has not finished writing to it within "
		    LOCK_WAIT, p->fact->table);
	}
	return mv_err_ctx(err, rc, "lock '%s'", p->fact->table);
}

/* Always in the same order, so that two of us never wait for each other. */
static int
lock_tables(struct job *j, struct mv_err *err)
{
	size_t i;
	int rc;

	rc = refuse_snapshot(j->s, err);
	if (rc == 0)
		rc = mv_pg_exec(j->s, "SET LOCAL lock_timeout = '" LOCK_WAIT
		    "'", err);
	for (i = 0; rc == 0 && i < j->n; i++)
		rc = lock_table(j, &j->columns[i].plan, err);
	if (rc == 0)
		rc = mv_pg_exec(j->s, "SET LOCAL lock_timeout = 0", err);
	return rc;
}

/* The encrypted columns, each followed by what. */
static void
put_columns(struct mv_buf *sql, const struct mv_column_fact *f,
    void (*put)(struct mv_buf *sql, const char *name, bool first))
{
	put(sql, f->column, true);
	if (f->iv != NULL)
		put(sql, f->iv, false);
	if (f->salt != NULL)
		put(sql, f->salt, false);
}

static void
put_definition(struct mv_buf *sql, const char *name, bool first)
{
	(void)first;
	mv_buf_put_str(sql, ", ");
	mv_pg_put_ident(sql, name);
	mv_buf_put_str(sql, " text NOT NULL");
}

static void
put_assignment(struct mv_buf *sql, const char *name, bool first)
{
	mv_buf_put_str(sql, first ? "" : ", ");
	mv_pg_put_ident(sql, name);
	mv_buf_put_str(sql, " = m.");
	mv_pg_put_ident(sql, name);
}

static void
put_equation(struct mv_buf *sql, const char *name, bool first)
{
	(void)first;
	mv_buf_put_str(sql, " AND u.");
	mv_pg_put_ident(sql, name);
	mv_buf_put_str(sql, " = m.");
	mv_pg_put_ident(sql, name);
}

static int
make_temp(struct job *j, const struct column *c, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf sql = { 0 };

	mv_buf_printf(&sql, "CREATE TABLE %s (id bigint PRIMARY KEY", c->temp);
	put_columns(&sql, c->plan.fact, put_definition);
	mv_buf_put_str(&sql, ") ON COMMIT DROP");
	return run(j->s, &sql, err);
}

/* What is left of a batch's lines, for COPY. */
static int
read_lines(void *arg, uint8_t *buf, size_t len, size_t *got,
    struct mv_err *err)
{
	struct mv_cur *c = arg;

	(void)err;
	*got = c->left < len ? c->left : len;
	mv_cur_copy(c, buf, *got);
	return 0;
}

/* What the threads made of a batch, into the temporary table. */
static int
store(struct job *j, struct column *c, struct mv_rows_pool *pool,
    unsigned batch, struct mv_err *err)
{
	struct mv_buf *lines;
	struct mv_cur left;
	const struct mv_source source = { read_lines, &left };
	char sql[80];
	uint64_t n;
	int rc;

	rc = mv_rows_pool_wait(pool, batch, &lines, err);
	if (rc < 0 || lines->len == 0)
		return rc;
	left = mv_cur_of(lines->p, lines->len);
	(void)snprintf(sql, sizeof(sql), "COPY %s FROM STDIN", c->temp);
	rc = mv_pg_session_copy_in(j->s, sql, &source, &n, err);
	mv_buf_reset(lines);
	if (rc == 0)
		c->stored += n;
	return rc;
}

/* feeder: rows on their way to the threads, and where they end. */
struct feeder {
	struct mv_rows_pool *pool;
	unsigned batch;
	char last[24];		/* the id of the last row, "" before */
};

static int
note_last(struct feeder *f, const uint8_t *buf, size_t len,
    struct mv_err *err)
{
	const uint8_t *start = memrchr(buf, '\n', len - 1);
	const char *line = (const char *)(start != NULL ? start + 1 : buf);
	size_t n = strspn(line, "-0123456789");

	if (n == 0 || n >= sizeof(f->last) || line[n] != '\t')
		return mv_err_set(err, MV_ECORRUPT,
		    "a row's id is not a number");
	memcpy(f->last, line, n);
	f->last[n] = '\0';
	return 0;
}

static int
feed(void *arg, const uint8_t *buf, size_t len, struct mv_err *err)
{
	struct feeder *f = arg;
	int rc;

	rc = note_last(f, buf, len, err);
	return rc < 0 ? rc : mv_rows_pool_feed(f->pool, f->batch, buf, len,
	    err);
}

static int
batch_sql(const struct column *c, const char *after, struct mv_buf *sql,
    struct mv_err *err)
{
	mv_buf_put_str(sql, "COPY (");
	mv_rows_put_select(sql, &c->plan);
	if (*after != '\0')
		mv_buf_printf(sql, " AND id > '%s'", after);
	mv_buf_printf(sql, " ORDER BY id LIMIT %d) TO STDOUT", BATCH_ROWS);
	(void)mv_buf_cstr(sql);
	return mv_buf_failed(sql, err);
}

/*
 * In the order of ids, since one session cannot read and write at once.  A
 * batch is written while the threads have the next one.
 */
static int
convert_batches(struct job *j, struct column *c, struct mv_rows_pool *pool,
    struct mv_err *err)
{
	struct feeder f = { .pool = pool };
	const struct mv_sink sink = { feed, &f };
	uint64_t rows = BATCH_ROWS;
	unsigned k;
	int rc;

	rc = make_temp(j, c, err);
	for (k = 0; rc == 0 && rows == BATCH_ROWS; k++) {
		mv_auto(mv_buf_clear) struct mv_buf sql = { 0 };

		f.batch = k % 2;
		rc = batch_sql(c, f.last, &sql, err);
		if (rc == 0)
			rc = mv_pg_session_copy_out(j->s, (char *)sql.p, &sink,
			    &rows, err);
		if (rc == 0 && k > 0)
			rc = store(j, c, pool, (k - 1) % 2, err);
	}
	return rc < 0 ? rc : store(j, c, pool, (k - 1) % 2, err);
}

static int
read_column(struct job *j, struct column *c, struct mv_err *err)
{
	mv_auto(mv_rows_pool_freep) struct mv_rows_pool *pool = NULL;
	int rc;

	rc = mv_rows_pool_new(&c->plan, j->o->jobs, c->counts, &pool, err);
	if (rc == 0 && j->o->dry_run)
		rc = mv_rows_look(j->s, &c->plan, 0, pool, err);
	else if (rc == 0)
		rc = convert_batches(j, c, pool, err);
	/* Its threads have ended, and the ids are the column's, then. */
	mv_rows_pool_freep(&pool);
	c->counts->total = c->counts->checked;
	return mv_err_ctx(err, rc, "convert '%s.%s'", c->plan.fact->table,
	    c->plan.fact->column);
}

/* Are they in the table as they were sealed? */
static int
compare(struct job *j, const struct column *c, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf sql = { 0 };
	mv_auto(mv_json_decrefp) json_t *row = NULL;
	uint64_t n;
	int rc;

	mv_buf_put_str(&sql, "SELECT count(*) AS n FROM ");
	mv_rows_put_table(&sql, &c->plan);
	mv_buf_printf(&sql, " u JOIN %s m ON m.id = u.id", c->temp);
	put_columns(&sql, c->plan.fact, put_equation);
	(void)mv_buf_cstr(&sql);
	rc = mv_buf_failed(&sql, err);
	if (rc == 0)
		rc = mv_pg_query_row(j->s, (char *)sql.p, &row, err);
	if (rc < 0)
		return rc;
	n = (uint64_t)json_integer_value(json_object_get(row, "n"));
	if (n == c->counts->converted && n == c->stored)
		return 0;
	return mv_err_set(err, MV_EIO, "%llu rows were encrypted anew and "
	    "%llu of them are in the table: does a trigger change them?",
	    (unsigned long long)c->counts->converted, (unsigned long long)n);
}

static int
write_back(struct job *j, const struct column *c, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf sql = { 0 };
	int rc = 0;

	if (c->counts->converted > 0) {
		mv_buf_put_str(&sql, "UPDATE ");
		mv_rows_put_table(&sql, &c->plan);
		mv_buf_put_str(&sql, " AS u SET ");
		put_columns(&sql, c->plan.fact, put_assignment);
		mv_buf_printf(&sql, " FROM %s AS m WHERE m.id = u.id",
		    c->temp);
		rc = run(j->s, &sql, err);
		if (rc == 0)
			rc = compare(j, c, err);
	}
	if (rc == 0)
		rc = mv_pg_execf(j->s, err, "DROP TABLE %s", c->temp);
	return mv_err_ctx(err, rc, "write '%s.%s'", c->plan.fact->table,
	    c->plan.fact->column);
}

static int
refuse_bad(const struct job *j, struct mv_err *err)
{
	uint64_t bad = mv_rows_bad(&j->report);

	if (bad == 0 || j->o->skip_undecryptable)
		return 0;
	return mv_err_set(err, MV_EREFUSED, "%llu row%s of the database %s "
	    "with none of these secrets", (unsigned long long)bad,
	    bad == 1 ? "" : "s", bad == 1 ? "decrypts" : "decrypt");
}

static void
job_clear(struct job *j)
{
	mv_rows_report_clear(&j->report);
}

int
mv_rows_convert(struct mv_pg_session *s, const struct mv_rows_opts *o,
    struct mv_rows_report *out, struct mv_err *err)
{
	mv_auto(job_clear) struct job j = { .s = s, .o = o };
	size_t i;
	int rc;

	rc = plan(&j, err);
	if (rc == 0 && !o->dry_run && j.n > 0)
		rc = lock_tables(&j, err);
	for (i = 0; rc == 0 && i < j.n; i++)
		rc = read_column(&j, &j.columns[i], err);
	if (rc < 0)
		return rc;
	/* All of them are known before one is written. */
	rc = refuse_bad(&j, err);
	for (i = 0; rc == 0 && !o->dry_run && i < j.n; i++)
		rc = write_back(&j, &j.columns[i], err);
	if (rc == 0 || rc == MV_EREFUSED) {
		*out = j.report;
		j.report = (struct mv_rows_report){ 0 };
	}
	return rc;
}
