/* SPDX-License-Identifier: MIT */
#ifndef MV_TESTS_SUPPORT_REDIS_H
#define MV_TESTS_SUPPORT_REDIS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * redis: a throw-away Redis for one test program.
 *
 * Listens on a Unix socket in the directory given and nowhere else, saves
 * nothing, and dies with the program.
 */
struct mv_test_redis {
	pid_t pid;
	char *socket;
};

/* False when there is no redis-server here: skip. */
bool mv_test_redis_here(void);
/*
 * Start it in dir: with the configuration file conf, to which what is always
 * needed must have been written by mv_test_redis_conf(), or with conf NULL on
 * arguments alone, of which password is one.
 */
void mv_test_redis_start(struct mv_test_redis *r, const char *dir,
    const char *conf, const char *password);
/* Write the configuration file: text, and where to listen. */
void mv_test_redis_conf(const char *dir, const char *conf, const char *text);
/* kill -9. */
void mv_test_redis_stop(struct mv_test_redis *r);

#endif
