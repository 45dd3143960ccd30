/* SPDX-License-Identifier: MIT */
#ifndef MV_BASE_TIME_H
#define MV_BASE_TIME_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* time: seconds UTC since 1970 everywhere, text only at the borders. */

int64_t mv_time_now(void);
/* Monotonic, for durations. */
double mv_time_monotonic(void);

#define MV_TIME_TEXT 32
/* "2026-11-23T13:30:00Z" */
void mv_time_utc(int64_t t, char out[MV_TIME_TEXT]);
/* "2026-11-23 14:30:00" in local time */
void mv_time_local(int64_t t, char out[MV_TIME_TEXT]);
/*
 * Read "2026-11-23", "2026-11-23 14:30", "2026-11-23T14:30:00", with "Z" for
 * UTC, else local time.  A date alone means its last second.  MV_EUSAGE for
 * anything else, and for days that do not exist.
 */
int mv_time_parse(const char *text, int64_t *out, struct mv_err *err)
    MV_MUST_CHECK;

#endif
