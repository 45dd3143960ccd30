/* SPDX-License-Identifier: MIT */
#ifndef MV_BASE_WHO_H
#define MV_BASE_WHO_H

/* who: whose process this is, for records that people read. */

#define MV_WHO_NAME 64

/*
 * The name of the account that started us, "unknown" where it has none.
 * Returns out.
 */
const char *mv_operator_name(char out[MV_WHO_NAME]);

#endif
