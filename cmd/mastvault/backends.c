/* SPDX-License-Identifier: MIT */
#include "mastvault/backends.h"

#include "local/local.h"

const struct mv_store_ops *const mv_backends[] = {
	&mv_store_local,
	NULL,
};
