/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "job/restore_internal.h"
#include "postgres/quote.h"

/*
 * restore_defuse: production's database for another environment.
 *
 * What is removed is in vault/disarm.c; here is when: in one transaction in
 * the database beside, so that one under the wanted name is harmless or is
 * not there.  A comment on the database says what it is, for later restores.
 */
#define MARK "mastvault: defused copy"

int
mv_restore_refuse_defused(struct mv_pg *pg, struct mv_err *err)
{
	mv_auto(mv_pg_session_freep) struct mv_pg_session *s = NULL;
	mv_auto(mv_json_decrefp) json_t *row = NULL;
	struct mv_err why = { 0 };
	const char *mark, *name;
	int rc;

	rc = mv_pg_session_open(pg, NULL, &s, &why);
	if (rc == MV_ENOTFOUND)
		return 0;
	if (rc < 0) {
		if (err != NULL)
			*err = why;
		return rc;
	}
	rc = mv_pg_query_row(s, "SELECT pg_catalog.shobj_description(d.oid, "
	    "'pg_database') AS mark, d.datname::text AS name FROM "
	    "pg_catalog.pg_database d WHERE d.datname = "
	    "pg_catalog.current_database()", &row, err);
	if (rc < 0)
		return rc;
	mark = json_string_value(json_object_get(row, "mark"));
	name = json_string_value(json_object_get(row, "name"));
	if (mark == NULL || strncmp(mark, MARK, strlen(MARK)) != 0)
		return 0;
	return mv_err_set(err, MV_EREFUSED, "database '%s' is a defused copy: "
	    "what is put in its place has to be one, too (--defused), or "
	    "goes elsewhere", name != NULL ? name : "");
}

/* Without it a later restore by mistake is not found out: no reason to fail. */
static void
mark(struct mv_pg_session *s, const char *name)
{
	mv_auto(mv_buf_clear) struct mv_buf sql = { 0 };

	mv_buf_put_str(&sql, "COMMENT ON DATABASE ");
	mv_pg_put_ident(&sql, name);
	mv_buf_put_str(&sql, " IS ");
	mv_pg_put_literal(&sql, MARK " of another environment's database");
	if (mv_buf_cstr(&sql) == NULL ||
	    mv_pg_exec(s, (char *)sql.p, NULL) < 0)
		mv_warn("the database could not be marked as a defused copy");
}

int
mv_restore_hold(struct mv_pg *pg, const char *name, struct mv_err *err)
{
	mv_auto(mv_pg_session_freep) struct mv_pg_session *s = NULL;
	int rc;

	rc = mv_pg_session_open(pg, name, &s, err);
	return rc < 0 ? rc : mv_disarm_hold(s, MV_HARM_COPY, true, err);
}

int
mv_restore_defuse(struct mv_restore_run *run, struct mv_pg *pg,
    const char *name, struct mv_err *err)
{
	mv_auto(mv_pg_session_freep) struct mv_pg_session *s = NULL;
	const struct mv_progress *p = &run->opts->progress;
	int rc;

	if (p->phase != NULL)
		p->phase("defusing", p->arg);
	rc = mv_pg_session_open(pg, name, &s, err);
	if (rc == 0)
		rc = mv_pg_exec(s, "BEGIN", err);
	if (rc == 0)
		rc = mv_disarm(s, MV_HARM_COPY, 0, &run->report->defused,
		    err);
	if (rc == 0)
		rc = mv_pg_exec(s, "COMMIT", err);
	if (rc == 0)
		rc = mv_disarm_scrub(s, &run->report->defused, err);
	if (rc == 0)
		rc = mv_disarm_hold(s, MV_HARM_COPY, false, err);
	if (rc == 0)
		rc = mv_pg_exec(s, "ANALYZE", err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "make the copy harmless");
	mark(s, name);
	return 0;
}
