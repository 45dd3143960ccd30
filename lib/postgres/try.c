/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/cleanup.h"
#include "postgres/postgres_internal.h"

int
mv_pg_try(struct mv_pg *pg, bool *used, struct mv_err *err)
{
	mv_auto(mv_pg_session_freep) struct mv_pg_session *s = NULL;
	int rc;

	if (pg->prefix != NULL)
		return mv_err_set(err, MV_EUSAGE, "a password cannot be tried "
		    "through a command that runs PostgreSQL's programs");
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return mv_err_set(err, MV_ENOMEM, "connect to PostgreSQL");
	s->pg = pg;
	pg->pooler_ok = true;
	rc = mv_pg_connect(pg, NULL, &s->conn, err);
	/* A pooler lets in by itself, and only then asks the server. */
	if (rc == 0)
		rc = mv_pg_exec(s, "SELECT 1", err);
	if (rc == 0)
		*used = PQconnectionUsedPassword(s->conn) == 1;
	return rc;
}
