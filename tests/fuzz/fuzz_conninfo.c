/* SPDX-License-Identifier: MIT */
/*
 * A connection string that is understood, printed for a client program and
 * read again, prints the same; the password is not in it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "postgres/postgres_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* 0 and the string, or MV_EUSAGE. */
static int
print(const char *text, const char *dbname, struct mv_buf *out)
{
	const struct mv_pg_target target = { .conninfo = text,
	    .uid = (uid_t)-1, .gid = (gid_t)-1 };
	mv_auto(mv_pg_freep) struct mv_pg *pg = NULL;
	int rc;

	rc = mv_pg_new(&target, &pg, NULL);
	if (rc < 0)
		return rc;
	(void)mv_pg_is_local(pg);
	if (mv_pg_option(pg, "password") != NULL ||
	    mv_pg_conninfo(pg, dbname, out, NULL) < 0)
		abort();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mv_auto(mv_freep) char *text = strndup((const char *)data, len);
	mv_auto(mv_buf_clear) struct mv_buf once = { 0 }, twice = { 0 };
	int rc;

	if (text == NULL || mv_secret_init(NULL) < 0)
		abort();
	rc = print(text, NULL, &once);
	if (rc < 0 && rc != MV_EUSAGE && rc != MV_ENOMEM)
		abort();
	if (rc < 0)
		return 0;
	if (print((const char *)once.p, NULL, &twice) < 0 ||
	    once.len != twice.len || memcmp(once.p, twice.p, once.len) != 0)
		abort();
	mv_buf_reset(&twice);
	/* Another database's name, whatever is in it, stays one value. */
	mv_buf_reset(&once);
	if (print(text, text, &once) < 0 ||
	    print((const char *)once.p, NULL, &twice) < 0)
		abort();
	return 0;
}
