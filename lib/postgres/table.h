/* SPDX-License-Identifier: MIT */
#ifndef MV_POSTGRES_TABLE_H
#define MV_POSTGRES_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * table: one table whose rows can be copied, as it was in a snapshot.
 */
struct mv_pg_table {
	char *schema;
	char *name;
	char **columns;		/* those that hold data: not generated ones */
	size_t ncolumns;	/* 0: only pg_dump can bring its rows over */
	uint32_t oid;
	uint64_t bytes;		/* heap and TOAST */
	uint64_t inserted;	/* by the statistics, so roughly */
	uint64_t updated;
	uint64_t deleted;
	uint64_t live;
	bool unlogged;
	bool partition;
};

struct mv_pg_tables {
	struct mv_pg_table *v;
	size_t n;
};

void mv_pg_table_clear(struct mv_pg_table *t);
void mv_pg_tables_clear(struct mv_pg_tables *tables);

/*
 * For a snapshot's metadata: {"schema":, "name":, "columns": [...]}, which is
 * what copying back needs.  NULL when memory is out.
 */
json_t *mv_pg_table_encode(const struct mv_pg_table *t);
/*
 * The reverse, also of what the server says of a table.  Everything but
 * those three may be missing.  MV_ECORRUPT for anything that is no table.
 */
int mv_pg_table_decode(const json_t *json, struct mv_pg_table *out,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * Append the statement that copies t out or in: "TO STDOUT" or "FROM STDIN"
 * as direction, text format, in encoding.
 */
void mv_pg_put_copy(struct mv_buf *b, const struct mv_pg_table *t,
    const char *direction, const char *encoding);

#endif
