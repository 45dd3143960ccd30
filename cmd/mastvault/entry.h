/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_ENTRY_H
#define MV_MASTVAULT_ENTRY_H

#include <jansson.h>

#include "format/manifest.h"

/* entry: a media file, as lists show it. */

/* "file", "directory", "symlink", "hardlink" */
const char *mv_entry_type_name(enum mv_entry_type type);

/* A line for people, with its end. */
int mv_entry_print(const struct mv_entry *e, struct mv_err *err)
    MV_MUST_CHECK;
/* docs/cli.md, JSON, ls.  NULL when memory is out. */
json_t *mv_entry_json(const struct mv_entry *e);

/* The path made harmless, the root as ".". */
int mv_entry_path(const struct mv_entry *e, struct mv_buf *out,
    struct mv_err *err) MV_MUST_CHECK;

#endif
