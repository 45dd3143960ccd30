/* SPDX-License-Identifier: MIT */
/*
 * Whatever a file says, a line behind it that gives the user its password
 * decides; and an include behind that one leaves it open.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "vault/redis_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static enum mv_redis_conf
judge(const void *text, size_t len, struct mv_secret *password)
{
	enum mv_redis_conf got;

	if (mv_redis_conf_judge(text, len, "m", password, &got, NULL) < 0)
		abort();
	return got;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mv_auto(mv_secret_freep) struct mv_secret *password = NULL;
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	struct mv_err err = { 0 };

	if (mv_secret_init(&err) < 0 ||
	    mv_secret_from("secret", 6, &password, &err) < 0)
		abort();
	(void)judge(data, len, password);
	mv_buf_put(&text, data, len);
	mv_buf_put_str(&text, "\nuser m on >secret\n");
	if (judge(text.p, text.len, password) != MV_REDIS_CONF_KEEPS)
		abort();
	mv_buf_put_str(&text, "include x\n");
	if (judge(text.p, text.len, password) != MV_REDIS_CONF_INCLUDE)
		abort();
	return 0;
}
