/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTODON_REDIS_PLACE_H
#define MV_MASTODON_REDIS_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "mastodon/dotenv.h"
#include "secret/secret.h"

/*
 * redis_place: how Mastodon reaches its Redis servers, from its settings.
 *
 * There are up to three: REDIS_*, CACHE_REDIS_* and SIDEKIQ_REDIS_*; the
 * latter two are those of the first unless they have a URL or host of their
 * own.  *_URL wins over all others of its prefix, which then do not count.
 */
enum mv_redis_use {
	MV_REDIS_BASE,
	MV_REDIS_CACHE,
	MV_REDIS_SIDEKIQ,
};

struct mv_redis_place {
	char *host;			/* NULL with a socket */
	uint16_t port;
	char *socket;			/* path of a Unix socket, or NULL */
	char *user;			/* of the ACL; NULL: `default` */
	struct mv_secret *password;	/* NULL when there is none */
	/* Which variable holds the password, as "CACHE_REDIS_URL". */
	const char *variable;
	bool in_url;			/* ... as a part of a URL */
};

/*
 * MV_ENOTFOUND: use has no settings of its own, and goes to MV_REDIS_BASE's
 * (which always has some).  MV_EREFUSED: it is found through sentinels or
 * spoken to by TLS, which nothing here does.  MV_EUSAGE names the setting
 * that is wrong, never its value.
 */
int mv_redis_place_init(struct mv_redis_place *place,
    const struct mv_dotenv *env, enum mv_redis_use use, struct mv_err *err)
    MV_MUST_CHECK;
void mv_redis_place_clear(struct mv_redis_place *place);

/* The same user of the same server: a change of one changes both. */
bool mv_redis_place_same(const struct mv_redis_place *a,
    const struct mv_redis_place *b);

#endif
