/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTODON_DATABASE_H
#define MV_MASTODON_DATABASE_H

#include "base/err.h"
#include "mastodon/dotenv.h"
#include "secret/secret.h"

/*
 * database: how Mastodon reaches its database, from its settings.
 *
 * As config/database.yml has it: DB_HOST (localhost when absent, libpq's
 * default when empty), DB_PORT, DB_NAME, DB_USER, DB_PASS and DB_SSLMODE,
 * each overruled by the part of DATABASE_URL that is there.  Settings of
 * Rails' connection pool in the URL are left out.
 */
struct mv_database {
	char *conninfo;			/* for libpq, without the password */
	char *user;			/* the role's name; "": libpq's default */
	struct mv_secret *password;	/* NULL when there is none */
	/*
	 * Which setting says that the connection goes through pgbouncer, as
	 * "DB_PORT=6432"; NULL when none does.  Constant text.
	 */
	const char *pooled;
};

/* MV_EUSAGE names the setting that is wrong, never its value. */
int mv_database_init(struct mv_database *db, const struct mv_dotenv *env,
    struct mv_err *err) MV_MUST_CHECK;
void mv_database_clear(struct mv_database *db);

#endif
