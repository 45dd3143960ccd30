/* SPDX-License-Identifier: MIT */
/*
 * Settings of a database that are understood make a connection string that
 * libpq understands, and the password is not in it.
 */
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "mastodon/database.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
conninfo_freep(PQconninfoOption **o)
{
	PQconninfoFree(*o);
}

/* The bytes as DATABASE_URL, beside a host and user of their own. */
static struct mv_dotenv *
settings(const uint8_t *url, size_t len)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	struct mv_dotenv *env = NULL;

	mv_buf_put_str(&text, "DB_HOST=h\nDB_USER=u\nDATABASE_URL='");
	mv_buf_put(&text, url, len);
	mv_buf_put_str(&text, "'\n");
	if (mv_buf_failed(&text, NULL) < 0 || mv_dotenv_new(&env, NULL) < 0)
		abort();
	if (mv_dotenv_add(env, text.p, text.len, NULL) == 0)
		return env;
	mv_dotenv_free(env);
	return NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mv_auto(mv_dotenv_freep) struct mv_dotenv *env = NULL;
	mv_auto(mv_database_clear) struct mv_database db = { 0 };
	mv_auto(conninfo_freep) PQconninfoOption *parsed = NULL;
	const PQconninfoOption *o;
	struct mv_err err = { 0 };

	if (mv_secret_init(NULL) < 0)
		abort();
	/* Literal in single quotes. */
	if (len > 0 && (memchr(data, '\'', len) != NULL ||
	    memchr(data, '\0', len) != NULL || data[len - 1] == '\\'))
		return 0;
	env = settings(data, len);
	if (env == NULL)
		return 0;
	if (mv_database_init(&db, env, &err) < 0) {
		if (err.code != MV_EUSAGE && err.code != MV_ENOMEM)
			abort();
		return 0;
	}
	parsed = PQconninfoParse(db.conninfo, NULL);
	if (parsed == NULL)
		abort();
	for (o = parsed; o->keyword != NULL; o++)
		if (strcmp(o->keyword, "password") == 0 && o->val != NULL)
			abort();
	return 0;
}
