/* SPDX-License-Identifier: MIT */
#ifndef MV_POSTGRES_QUOTE_H
#define MV_POSTGRES_QUOTE_H

#include "base/buf.h"

/*
 * quote: names and values as PostgreSQL's many small languages want them.
 *
 * Names come from a catalogue and may hold anything but NUL.  All functions
 * append to b, whose failure is asked for once at the end (base/buf.h).
 */

/* "name", for SQL. */
void mv_pg_put_ident(struct mv_buf *b, const char *name);
/* "schema"."name", for SQL. */
void mv_pg_put_qualified(struct mv_buf *b, const char *schema,
    const char *name);
/* 'text' or E'text', for SQL; right whatever standard_conforming_strings. */
void mv_pg_put_literal(struct mv_buf *b, const char *text);
/*
 * "schema"."name" as pg_dump's patterns want it: matches exactly this one
 * relation, whatever wildcards and dots are in its name.
 */
void mv_pg_put_pattern(struct mv_buf *b, const char *schema,
    const char *name);
/* key='value' and a blank, for a libpq connection string. */
void mv_pg_put_option(struct mv_buf *b, const char *key, const char *value);

#endif
