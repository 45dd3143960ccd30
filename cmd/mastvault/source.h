/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_SOURCE_H
#define MV_MASTVAULT_SOURCE_H

#include "job/backup.h"
#include "mastodon/site.h"
#include "mastvault/cli.h"
#include "mastvault/config.h"

/*
 * source: what a backup reads, from the configuration and, where that is
 * silent, from Mastodon's own settings.
 */
struct mv_source_of {
	struct mv_site *site;
	struct mv_strv database_exec;
	struct mv_strv excludes;
	char host[256];
	struct mv_backup_source source;	/* points into the others and env */
};

/*
 * Find the parts.  MV_EUSAGE where object storage holds the media and the
 * configuration does not say "media = none".
 */
int mv_source_open(const struct mv_config_env *env, uint32_t parts,
    struct mv_source_of *out, struct mv_err *err) MV_MUST_CHECK;
/*
 * Add what cli and exclude-files leave out.  Of a file each line is a
 * pattern; blanks around it, empty lines and those with '#' first do not
 * count.
 */
int mv_source_exclude(struct mv_source_of *s, const struct mv_config_env *env,
    const struct mv_cli *cli, struct mv_err *err) MV_MUST_CHECK;
void mv_source_clear(struct mv_source_of *s);

#endif
