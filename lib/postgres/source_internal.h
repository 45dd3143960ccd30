/* SPDX-License-Identifier: MIT */
#ifndef MV_POSTGRES_SOURCE_INTERNAL_H
#define MV_POSTGRES_SOURCE_INTERNAL_H

#include "postgres/postgres_internal.h"
#include "postgres/source.h"

#define MV_PG_LOCK_WAIT "60s"
/* What a sink gets at once: large enough that a call costs nothing. */
#define MV_PG_BATCH (256 * 1024)

struct mv_pg_source {
	struct mv_pg *pg;
	struct mv_pg_session *session;
	char *snapshot;
	json_t *facts;
	struct mv_pg_tables tables;
};

struct mv_pg_worker {
	struct mv_pg_source *src;
	struct mv_pg_session *session;	/* NULL behind a prefix */
	uint8_t *buf;			/* MV_PG_BATCH */
};

/* source_facts.c */
int mv_pg_facts_read(struct mv_pg_session *s, json_t **out,
    struct mv_err *err) MV_MUST_CHECK;
int mv_pg_tables_read(struct mv_pg_session *s, struct mv_pg_tables *out,
    struct mv_err *err) MV_MUST_CHECK;

#endif
