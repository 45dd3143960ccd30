/* SPDX-License-Identifier: MIT */
#ifndef MV_JOB_STATE_H
#define MV_JOB_STATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/*
 * state: what one backup remembers for the next, in the state directory.
 *
 * Chunk classes per table (a changed class deduplicates nothing once, so they
 * stick) and how many media files there were (a tree that lost half of them
 * is probably not mounted).  Only convenience: without it a backup works and
 * costs more.
 */
struct mv_state {
	json_t *doc;
};

/* A missing or damaged file gives an empty state. */
int mv_state_load(const char *dir, struct mv_state *out, struct mv_err *err)
    MV_MUST_CHECK;
int mv_state_save(const char *dir, const struct mv_state *s,
    struct mv_err *err) MV_MUST_CHECK;
void mv_state_clear(struct mv_state *s);

/* The class of a table, or -1. */
int mv_state_class(const struct mv_state *s, const char *schema,
    const char *table);
int mv_state_set_class(struct mv_state *s, const char *schema,
    const char *table, int class, struct mv_err *err) MV_MUST_CHECK;
uint64_t mv_state_media_files(const struct mv_state *s);
int mv_state_set_media_files(struct mv_state *s, uint64_t files,
    struct mv_err *err) MV_MUST_CHECK;

#endif
