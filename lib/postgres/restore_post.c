/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/tasks.h"
#include "postgres/quote.h"
#include "postgres/restore_internal.h"

/* restore_post: what comes when all rows are in. */

/*
 * Where owners were left out and the database belongs to another role than
 * ours, that role gets everything in it: else Mastodon could not read its
 * own tables.  What extensions made stays with who installed them.
 */
static const char give_sql[] =
    "DO $mv$ DECLARE o name; s text; me name := current_user; "
    "mine oid := (SELECT oid FROM pg_roles WHERE rolname = current_user); "
    "BEGIN SELECT pg_get_userbyid(datdba) INTO o FROM pg_database "
    "WHERE datname = current_database(); "
    "IF o = me OR NOT pg_has_role(o, 'MEMBER') THEN RETURN; END IF; "
    "FOR s IN SELECT format('ALTER SCHEMA %I OWNER TO %I', n.nspname, o) "
    " FROM pg_namespace n WHERE n.nspowner = mine AND n.oid >= 16384 "
    "UNION ALL SELECT format('ALTER TABLE %I.%I OWNER TO %I', n.nspname, "
    "  c.relname, o) FROM pg_class c JOIN pg_namespace n "
    "  ON n.oid = c.relnamespace WHERE c.relowner = mine "
    "  AND c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') "
    "  AND n.nspname !~ '^pg_' "
    "  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid "
    "   AND d.classid = 'pg_class'::regclass "
    "   AND (d.deptype = 'e' OR c.relkind = 'S' "
    "    AND d.deptype IN ('a', 'i'))) "
    "UNION ALL SELECT format('ALTER ROUTINE %s OWNER TO %I', "
    "  p.oid::regprocedure, o) FROM pg_proc p WHERE p.proowner = mine "
    "  AND p.oid >= 16384 AND p.prokind <> 'a' "
    "  AND NOT EXISTS (SELECT 1 FROM pg_depend d "
    "   WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass "
    "   AND d.deptype IN ('e', 'i')) "
    "UNION ALL SELECT format('ALTER TYPE %s OWNER TO %I', "
    "  t.oid::regtype, o) FROM pg_type t LEFT JOIN pg_class c "
    "  ON c.oid = t.typrelid WHERE t.typowner = mine AND t.oid >= 16384 "
    "  AND t.typtype IN ('e', 'd', 'c', 'r') AND (t.typrelid = 0 "
    "   OR c.relkind = 'c') AND NOT EXISTS (SELECT 1 FROM pg_depend d "
    "   WHERE d.objid = t.oid AND d.classid = 'pg_type'::regclass "
    "   AND d.deptype IN ('e', 'i')) "
    "UNION ALL SELECT format('ALTER LARGE OBJECT %s OWNER TO %I', l.oid, o) "
    "  FROM pg_largeobject_metadata l WHERE l.lomowner = mine "
    "LOOP EXECUTE s; END LOOP; END $mv$";

/*
 * What ALTER DATABASE ... SET had given the source.  A list (search_path) is
 * quoted otherwise than a text; FROM CURRENT spares us knowing which is which.
 */
static int
set_one(struct mv_pg_restore *r, struct mv_pg_session *s, const char *name,
    const char *value, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf set = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf alter = { 0 };
	mv_auto(mv_json_decrefp) json_t *ignored = NULL;
	int rc;

	mv_buf_put_str(&set, "SELECT pg_catalog.set_config(");
	mv_pg_put_literal(&set, name);
	mv_buf_put_str(&set, ", ");
	mv_pg_put_literal(&set, value);
	mv_buf_put_str(&set, ", true)");
	(void)mv_buf_cstr(&set);
	mv_buf_put_str(&alter, "ALTER DATABASE ");
	mv_pg_put_ident(&alter, r->beside);
	mv_buf_printf(&alter, " SET %s FROM CURRENT", name);
	(void)mv_buf_cstr(&alter);
	rc = mv_buf_failed(&set, err);
	if (rc == 0)
		rc = mv_buf_failed(&alter, err);
	if (rc == 0)
		rc = mv_pg_exec(s, "BEGIN", err);
	if (rc == 0)
		rc = mv_pg_query(s, (char *)set.p, &ignored, err);
	if (rc == 0)
		rc = mv_pg_exec(s, (char *)alter.p, err);
	return rc < 0 ? rc : mv_pg_exec(s, "COMMIT", err);
}

/* "name=value" with a plain name; others (of extensions too) have dots. */
static bool
split_setting(char *text, char **value)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");

	if (n == 0 || text[n] != '=')
		return false;
	text[n] = '\0';
	*value = text + n + 1;
	return true;
}

static void
apply_settings(struct mv_pg_restore *r)
{
	json_t *settings = json_object_get(r->facts, "settings"), *one;
	size_t i;

	json_array_foreach(settings, i, one) {
		mv_auto(mv_pg_session_freep) struct mv_pg_session *s = NULL;
		mv_auto(mv_freep) char *text = NULL;
		char *value;

		if (json_string_value(one) != NULL)
			text = strdup(json_string_value(one));
		if (text == NULL || !split_setting(text, &value))
			continue;
		/* No setting is worth a restore. */
		if (mv_pg_session_open(r->opts.pg, r->beside, &s, NULL) < 0 ||
		    set_one(r, s, text, value, NULL) < 0)
			mv_warn("the database's setting '%s' could not be "
			    "restored", text);
	}
}

/*
 * What ANALYZE alone would visit, but for the views, which are not filled
 * yet, and what all databases of a server share.  The partitions come with
 * what they are partitions of; the largest goes first.
 */
static const char analyze_sql[] =
    "SELECT c.oid::pg_catalog.regclass::text AS name "
    "FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p') "
    "AND NOT c.relispartition AND NOT c.relisshared "
    "AND c.relpersistence <> 't' ORDER BY c.relpages DESC, c.oid";

static const char views_sql[] =
    "SELECT pg_catalog.string_agg(c.oid::pg_catalog.regclass::text, ', ') "
    "AS names FROM pg_catalog.pg_class c WHERE c.relkind = 'm'";

/*
 * finish: filling materialized views, which pg_restore does one after the
 * other, and gathering the statistics of tables meanwhile.
 */
struct finish {
	struct mv_pg_restore *r;
	struct mv_tasks tasks;
	json_t *tables;
	int views;		/* list, or -1 when there are none */
	size_t first;		/* task that analyzes tables[0] */
};

static int
analyze(struct mv_pg_session *s, const char *names, struct mv_err *err)
{
	return mv_err_ctx(err, mv_pg_execf(s, err, "ANALYZE %s", names),
	    "gather statistics");
}

static int
finish_one(size_t i, void **local, void *arg, struct mv_err *err)
{
	struct finish *f = arg;
	struct mv_pg_session *s = *local;
	int rc = 0;

	if (i < f->first)
		return mv_pg_archive_restore(f->r, "post-data", 1, f->views,
		    err);
	if (s == NULL)
		rc = mv_pg_session_open(f->r->opts.pg, f->r->beside, &s, err);
	*local = s;
	if (rc < 0)
		return rc;
	return analyze(s, json_string_value(json_object_get(json_array_get(
	    f->tables, i - f->first), "name")), err);
}

static void
finish_end(void *local, void *arg)
{
	(void)arg;
	mv_pg_session_free(local);
}

static int
analyze_views(struct mv_pg_session *s, struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *row = NULL;
	const char *names;
	int rc;

	rc = mv_pg_query_row(s, views_sql, &row, err);
	names = json_string_value(json_object_get(row, "names"));
	return rc < 0 || names == NULL ? rc : analyze(s, names, err);
}

static int
finish(struct mv_pg_restore *r, struct mv_pg_session *s, int views,
    struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *tables = NULL;
	struct finish f = { .r = r, .views = views, .first = views >= 0 };
	int rc = 0;

	if (!r->opts.no_statistics)
		rc = mv_pg_query(s, analyze_sql, &tables, err);
	if (rc < 0)
		return rc;
	f.tables = tables;
	f.tasks = (struct mv_tasks){
		.n = f.first + json_array_size(tables),
		.run = finish_one, .end = finish_end, .arg = &f,
	};
	rc = mv_tasks_run(&f.tasks, (unsigned)r->opts.jobs, err);
	if (rc == 0 && !r->opts.no_statistics)
		rc = analyze_views(s, err);
	return rc;
}

int
mv_pg_restore_post(struct mv_pg_restore *r, struct mv_err *err)
{
	mv_auto(mv_pg_session_freep) struct mv_pg_session *s = NULL;
	mv_auto(mv_fd_closep) int views = -1, others = -1;
	int rc;

	rc = mv_pg_archive_split(r, &views, &others, err);
	if (rc == 0)
		rc = mv_pg_archive_restore(r, "post-data", r->opts.jobs,
		    others, err);
	if (rc == 0)
		rc = mv_pg_session_open(r->opts.pg, r->beside, &s, err);
	if (rc == 0)
		rc = finish(r, s, views, err);
	if (rc == 0 && r->skip_owner)
		rc = mv_err_ctx(err, mv_pg_exec(s, give_sql, err),
		    "give all to the database's owner");
	if (rc == 0)
		apply_settings(r);
	return rc;
}
