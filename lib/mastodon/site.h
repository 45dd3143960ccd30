/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTODON_SITE_H
#define MV_MASTODON_SITE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "mastodon/database.h"
#include "mastodon/dotenv.h"

/*
 * site: one installed Mastodon, found from its directory.
 *
 * Settings are read as Rails reads them: .env.production.local, .env.local,
 * .env.production and .env of the directory, of which all but
 * .env.production may be missing, and the first that sets a name wins.  A
 * file given as env_file stands for .env.production and comes first, since
 * what systemd or a container hands over in the environment does too.
 */
struct mv_site_opts {
	const char *dir;
	const char *env_file;	/* NULL: .env.production in dir */
};

enum mv_site_media {
	MV_SITE_MEDIA_FILES,
	MV_SITE_MEDIA_S3,
	MV_SITE_MEDIA_SWIFT,
	MV_SITE_MEDIA_AZURE,
};

struct mv_site {
	struct mv_dotenv *env;
	char *env_file;			/* where the secrets are */
	uid_t uid;			/* who owns that file */
	gid_t gid;
	struct mv_database database;
	enum mv_site_media media;
	char *media_root;		/* absolute if dir is */
};

/* MV_EUSAGE with file and line for settings that cannot be read. */
int mv_site_open(const struct mv_site_opts *opts, struct mv_site **out,
    struct mv_err *err) MV_MUST_CHECK;
void mv_site_free(struct mv_site *site);
void mv_site_freep(struct mv_site **site);

/*
 * The settings as they would be if the env-file held these bytes.  The caller
 * owns *out.
 */
int mv_site_settings(const struct mv_site_opts *opts, const void *text,
    size_t len, struct mv_dotenv **out, struct mv_err *err) MV_MUST_CHECK;
/*
 * The file whose setting of key counts, to be freed, and whether that is the
 * env-file; *path is NULL when none sets it.
 */
int mv_site_winner(const struct mv_site_opts *opts, const char *key,
    char **path, bool *is_env_file, struct mv_err *err) MV_MUST_CHECK;

/* "S3_ENABLED" and so on; NULL for files. */
const char *mv_site_media_setting(enum mv_site_media media);

#endif
