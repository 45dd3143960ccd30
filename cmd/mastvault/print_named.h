/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_PRINT_NAMED_H
#define MV_MASTVAULT_PRINT_NAMED_H

#include <jansson.h>

#include "job/backup.h"

/* print_named: printing of lists that a job kept. */

/* {"total": 3, "names": [...]}; names made harmless. */
json_t *mv_named_json(const struct mv_named *l);

/* "3 files WHAT: a, b, c", when there are any. */
void mv_named_problem(const struct mv_named *l, const char *what);

#endif
