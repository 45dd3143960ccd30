/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_CHECK_NAMES_H
#define MV_REPO_CHECK_NAMES_H

#include "repo/check_internal.h"

/*
 * Give each of these losses of one snapshot its label: the number of the
 * stream, or, when our keys open the snapshot's detail, what it holds:
 * "table public.statuses", "media file 'a/b'".  files: look them up in the
 * manifest, which is read for that.
 */
int mv_check_name_losses(struct mv_check *c, struct mv_loss *losses,
    size_t n, bool files, struct mv_err *err) MV_MUST_CHECK;

#endif
