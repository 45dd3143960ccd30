/* SPDX-License-Identifier: MIT */
#ifndef MV_JOB_SETUP_H
#define MV_JOB_SETUP_H

#include "repo/repo.h"

/*
 * setup: a new environment: repository, key files and recovery kit.
 */
struct mv_setup_opts {
	const char *environment;
	const char *host;
	const char *program;
	const char *mastodon;		/* directory, for the kit */
	const char *const *urls;	/* of the stores, in their order */
	const char *key_dir;		/* made if absent, 0700 */
	const char *kit;		/* path of the kit; must not exist */
	struct mv_passphrase pass;	/* p NULL: none */
};

/* Paths of what was written; owned. */
struct mv_setup_report {
	char *owner, *writer, *reader, *vault, *kit;
	char repo_hex[33];
};
void mv_setup_report_clear(struct mv_setup_report *r);

/*
 * Nothing is written when any of the files exists (MV_EEXIST) or a store
 * holds a repository.  Key files are written and synced before the first
 * object of the repository: a crash leaves keys without a repository, never
 * a repository without keys.
 */
int mv_job_setup(struct mv_store *const stores[], size_t nstores,
    const struct mv_setup_opts *opts, struct mv_setup_report *out,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * Write another recovery kit, to opts->kit, with a note and what a person
 * needs to read.  MV_EEXIST when that file is there.
 */
int mv_job_write_kit(struct mv_keyset *keys, const struct mv_setup_opts *opts,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * Load and merge key files; a file that is not there is left out when
 * optional.  pass_of is asked for a passphrase only for files that need one.
 */
int mv_job_load_key(const char *path, int (*pass_of)(const char *path,
	struct mv_sbuf *out, void *arg, struct mv_err *err),
    void *arg, struct mv_keyset **out, struct mv_err *err) MV_MUST_CHECK;

#endif
