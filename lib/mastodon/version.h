/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTODON_VERSION_H
#define MV_MASTODON_VERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * version: which Mastodon a database belongs to, from the newest row of its
 * schema_migrations (`SELECT max(version)`), 14 digits: the schema changes
 * with minor versions, not with patches.
 */

/* Read the 14 digits; MV_EUSAGE when they are something else. */
int mv_schema_parse(const char *text, uint64_t *out, struct mv_err *err)
    MV_MUST_CHECK;

#define MV_VERSION_TEXT 32
/*
 * "4.3" for a schema of that version; "after 4.3" where the schema is newer
 * than that version's and older than the next's (a development version, or
 * an upgrade on its way); "before 3.5".
 */
void mv_schema_label(uint64_t schema, char out[MV_VERSION_TEXT]);

/* Whether the schema has all that major.minor brought. */
bool mv_schema_at_least(uint64_t schema, unsigned major, unsigned minor);

#endif
