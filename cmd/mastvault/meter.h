/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_METER_H
#define MV_MASTVAULT_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "job/backup.h"

/*
 * meter: one line on a terminal that says how far the work is.
 */
void mv_meter_init(bool on);
/*
 * Answer SIGUSR1 with a line on standard error, at any time and also when on
 * is false.  The signal must be blocked in all threads.
 */
void mv_meter_listen(void);
/* Erase the line: something else is about to be printed. */
void mv_meter_hide(void);

/*
 * The line: "media  1.2 GiB of 4.0 GiB, 30 %, 55.0 MiB/s, 52 s left".
 * total 0: unknown.
 */
void mv_meter_text(const char *phase, uint64_t done, uint64_t total,
    double seconds, char *out, size_t len);

#endif
