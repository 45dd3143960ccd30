/* SPDX-License-Identifier: MIT */
#ifndef MV_VAULT_REDIS_CONN_H
#define MV_VAULT_REDIS_CONN_H

#include <stdbool.h>

#include <hiredis.h>

#include "base/err.h"
#include "mastodon/redis_place.h"
#include "mastodon/url.h"
#include "secret/secret.h"

/*
 * redis_conn: one connection to Redis.  Internal to redis_password.
 *
 * Commands are put together in locked memory and written past hiredis, whose
 * buffers nobody wipes; it connects and reads the answers.
 */
struct mv_redis;

/* Connects, and logs in as nobody.  place must outlive it. */
int mv_redis_open(const struct mv_redis_place *place, struct mv_redis **out,
    struct mv_err *err) MV_MUST_CHECK;
void mv_redis_free(struct mv_redis *r);
void mv_redis_freep(struct mv_redis **r);

/* "host:port" or the socket's path, for error texts. */
const char *mv_redis_where(const struct mv_redis *r);

#define MV_WORD(text) \
	{ (const uint8_t *)(text), sizeof(text) - 1 }

/*
 * Have one command answered.  An answer that is Redis' refusal is no error
 * here: its type is REDIS_REPLY_ERROR.
 */
int mv_redis_call(struct mv_redis *r, const struct mv_span *words, size_t n,
    redisReply **out, struct mv_err *err) MV_MUST_CHECK;
void mv_redis_replyp(redisReply **reply);

/* Does a refusal begin with this word? */
bool mv_redis_says(const redisReply *reply, const char *word);
/*
 * A refusal as an error of ours.  Its text quotes the command where Redis did
 * not know it, so what follows such words is left out.
 */
int mv_redis_refusal(struct mv_redis *r, const redisReply *reply,
    const char *what, struct mv_err *err);

#endif
