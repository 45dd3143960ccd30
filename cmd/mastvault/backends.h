/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_BACKENDS_H
#define MV_MASTVAULT_BACKENDS_H

#include "store/backend.h"

/* The only list of the kinds of storage that there are; NULL-terminated. */
extern const struct mv_store_ops *const mv_backends[];

#endif
