/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTODON_DATABASE_URL_H
#define MV_MASTODON_DATABASE_URL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "secret/secret.h"

/*
 * database_url: the parts of DATABASE_URL.  Internal to database.
 *
 * The whole lies in locked memory, since nobody can say beforehand where in
 * it the password is.
 */
enum mv_db_part {
	MV_DB_HOST,
	MV_DB_PORT,
	MV_DB_NAME,
	MV_DB_USER,
	MV_DB_PASS,
	MV_DB_SSLMODE,
	MV_DB_NPARTS,
};

struct mv_db_parts {
	struct mv_sbuf part[MV_DB_NPARTS];	/* empty when absent */
	struct mv_sbuf more;		/* " key='value'" of libpq's others */
	int unprepared;			/* prepared_statements=false */
};

/*
 * Take url apart; parts that it has replace those that are there.  Passing
 * what follows in the URL's query wins over what stands before it, as in
 * Rails.  MV_EUSAGE when it is none of PostgreSQL's URLs.
 */
int mv_database_url(const uint8_t *url, size_t len, struct mv_db_parts *parts,
    struct mv_err *err) MV_MUST_CHECK;

void mv_db_parts_clear(struct mv_db_parts *parts);

/* Append " key='value'", quoted as libpq wants it. */
int mv_conninfo_put(struct mv_sbuf *out, const char *key, const uint8_t *value,
    size_t len, struct mv_err *err) MV_MUST_CHECK;

#endif
