/* SPDX-License-Identifier: MIT */
#ifndef MV_JOB_DETAIL_H
#define MV_JOB_DETAIL_H

#include <jansson.h>

#include "repo/snapshots.h"

/*
 * detail: the JSON part of a snapshot (docs/format.md, 7.1), which only
 * readers see.
 */
void mv_detail_decref(json_t **doc);

/* Open and parse; MV_EAUTH without a reader's key. */
int mv_detail_open(struct mv_repo *r, const struct mv_snapshot *snap,
    json_t **out, struct mv_err *err) MV_MUST_CHECK;

/* The root of the stream that object[member] names; MV_ECORRUPT. */
int mv_detail_stream(const struct mv_snapshot *snap, const json_t *object,
    const char *member, const struct mv_root **out, struct mv_err *err)
    MV_MUST_CHECK;

/* A part of the detail, MV_ENOTFOUND when the snapshot does not hold it. */
int mv_detail_part(const struct mv_snapshot *snap, const json_t *doc,
    enum mv_part part, const json_t **out, struct mv_err *err) MV_MUST_CHECK;

const char *mv_part_name(enum mv_part part);

#endif
