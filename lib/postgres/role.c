/* SPDX-License-Identifier: MIT */
#include "base/cleanup.h"
#include "postgres/quote.h"
#include "postgres/source.h"

int
mv_pg_backup_role_sql(const char *role, const char *dbname, char **out,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf sql = { 0 };
	int rc;

	/* BYPASSRLS: a dump that a policy shortened would be refused. */
	mv_buf_put_str(&sql, "CREATE ROLE ");
	mv_pg_put_ident(&sql, role);
	mv_buf_put_str(&sql, " LOGIN BYPASSRLS;\nGRANT pg_read_all_data TO ");
	mv_pg_put_ident(&sql, role);
	mv_buf_put_str(&sql, ";\nGRANT CONNECT ON DATABASE ");
	mv_pg_put_ident(&sql, dbname);
	mv_buf_put_str(&sql, " TO ");
	mv_pg_put_ident(&sql, role);
	mv_buf_put_str(&sql, ";\n");
	(void)mv_buf_cstr(&sql);
	rc = mv_buf_failed(&sql, err);
	if (rc < 0)
		return rc;
	*out = (char *)mv_take(&sql.p);
	return 0;
}
