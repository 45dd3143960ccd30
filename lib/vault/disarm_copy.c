/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "vault/disarm.h"

/*
 * disarm_copy: of what was removed from a copy nothing is to be found in the
 * files of its server either.
 */
/* As a list for IN: each table, however often it comes. */
static void
put_tables(struct mv_buf *sql, unsigned when)
{
	const struct mv_harm_fact *f;
	const char *comma = "";
	size_t i;

	for (i = 0; i < mv_harm_fact_count(); i++) {
		f = mv_harm_fact_at(i);
		if ((f->when & when) == 0 || f->how == MV_HARM_INSERT)
			continue;
		mv_buf_printf(sql, "%s'%s'", comma, f->table);
		comma = ", ";
	}
}

int
mv_disarm_hold(struct mv_pg_session *s, unsigned when, bool hold,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf sql = { 0 };
	int rc;

	mv_buf_put_str(&sql, "DO $mv$ DECLARE t regclass; BEGIN FOR t IN "
	    "SELECT c.oid FROM pg_class c JOIN pg_namespace n "
	    "ON n.oid = c.relnamespace WHERE n.nspname = 'public' "
	    "AND c.relkind = 'r' AND c.relname IN (");
	put_tables(&sql, when);
	mv_buf_printf(&sql, ") LOOP EXECUTE format('ALTER TABLE %%s %s', t); "
	    "END LOOP; END $mv$", hold ? "SET (autovacuum_enabled = false)" :
	    "RESET (autovacuum_enabled)");
	(void)mv_buf_cstr(&sql);
	rc = mv_buf_failed(&sql, err);
	if (rc == 0)
		rc = mv_pg_exec(s, (char *)sql.p, err);
	return mv_err_ctx(err, rc, "hold autovacuum");
}

int
mv_disarm_scrub(struct mv_pg_session *s, const struct mv_disarm_report *r,
    struct mv_err *err)
{
	size_t i, k;
	int rc = 0;

	for (i = 0; rc == 0 && i < r->n; i++) {
		const char *table = r->list[i].fact->table;

		if (r->list[i].rows == 0 ||
		    r->list[i].fact->how == MV_HARM_INSERT)
			continue;
		/* Each table once: with the last of its facts. */
		for (k = i + 1; k < r->n; k++)
			if (r->list[k].rows > 0 && r->list[k].fact->how !=
			    MV_HARM_INSERT && strcmp(r->list[k].fact->table,
			    table) == 0)
				break;
		if (k < r->n)
			continue;
		rc = mv_pg_execf(s, err, "VACUUM (FULL) public.%s",
		    table);
	}
	return mv_err_ctx(err, rc, "remove what was changed from the files");
}
