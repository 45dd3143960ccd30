/* SPDX-License-Identifier: MIT */
#ifndef MV_DIFF_INTERNAL_H
#define MV_DIFF_INTERNAL_H

#include <jansson.h>

#include "job/diff.h"

/* diff_internal: what the parts of one comparison share. */
struct mv_diff_pair {
	struct mv_repo *repo;
	const struct mv_snapshot *from, *to;
	const json_t *from_detail, *to_detail;
	const struct mv_diff_each *each;
	struct mv_diff_report *report;
};

/* One encoding each: equal roots are equal streams. */
bool mv_diff_same_root(const struct mv_root *a, const struct mv_root *b);

/* Tables and schema. */
int mv_diff_db(const struct mv_diff_pair *p, struct mv_err *err)
    MV_MUST_CHECK;

#endif
