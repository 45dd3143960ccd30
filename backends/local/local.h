/* SPDX-License-Identifier: MIT */
#ifndef MV_LOCAL_LOCAL_H
#define MV_LOCAL_LOCAL_H

#include "store/backend.h"

/*
 * local: a store in a directory, file:///absolute/path.
 *
 * The path is taken as it stands: '%' has no meaning in it.  Each object is a
 * file of mode 0400 under its own name, in directories of mode 0700.  Objects
 * are written as temporaries in <root>/.tmp, a name that no object can have,
 * synced, and then linked to their names; what killed writers left there is
 * removed by the next create or first put (base/temp.h says how it is told
 * from what a running writer still needs).
 *
 * Symbolic links below the root are never followed: what lies under a name
 * and is no plain file is MV_ECORRUPT to read and not listed.  The root itself
 * may be one.
 */
extern const struct mv_store_ops mv_store_local;

#endif
