/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_CONFIG_INTERNAL_H
#define MV_MASTVAULT_CONFIG_INTERNAL_H

#include "mastvault/config.h"

/* The one table of keys, for reading and writing alike. */
enum mv_config_kind {
	MV_CONFIG_TEXT,
	MV_CONFIG_PATH,		/* absolute */
	MV_CONFIG_MEDIA,	/* absolute, or "none" */
	MV_CONFIG_LIST,		/* may stand there several times */
	MV_CONFIG_PERCENT,	/* "10%" */
	MV_CONFIG_NUMBER,
	MV_CONFIG_RATE,		/* "20M" */
	MV_CONFIG_AGE,		/* "90m", "26h", "2d"; min and max in seconds */
};

struct mv_config_key {
	const char *name;
	enum mv_config_kind kind;
	size_t offset;		/* in struct mv_config_env */
	unsigned min, max;
};

extern const struct mv_config_key mv_config_keys[];
extern const size_t mv_config_nkeys;

#endif
