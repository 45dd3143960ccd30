/* SPDX-License-Identifier: MIT */
#ifndef MV_VAULT_REDIS_CONF_H
#define MV_VAULT_REDIS_CONF_H

#include <stddef.h>

#include "base/err.h"
#include "secret/secret.h"

/*
 * redis_conf: which password a configuration file of Redis leads to.
 *
 * Lines are read as Redis reads them: words, of which some are quoted.  Where
 * a user has a line of its own, `requirepass` does not count; later lines win
 * over earlier ones, and an included file over what stands before it.
 */
enum mv_redis_conf {
	MV_REDIS_CONF_KEEPS,	/* a restart brings this password */
	MV_REDIS_CONF_LOSES,	/* it brings another one, or none */
	MV_REDIS_CONF_INCLUDE,	/* a file that is included may say otherwise */
};

/* For user (NULL: `default`) and its password; len bytes of text. */
int mv_redis_conf_judge(const void *text, size_t len, const char *user,
    struct mv_secret *password, enum mv_redis_conf *out, struct mv_err *err)
    MV_MUST_CHECK;

#endif
