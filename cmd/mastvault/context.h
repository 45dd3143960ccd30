/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_CONTEXT_H
#define MV_MASTVAULT_CONTEXT_H

#include "mastvault/cli.h"
#include "mastvault/config.h"
#include "mastvault/passphrase.h"
#include "repo/repo.h"

/*
 * context: what a command works on: the environment, its stores, the keys
 * and the repository that they open.
 *
 * It comes from the configuration, or from a recovery kit alone.
 */
enum mv_want {
	MV_WANT_LIST,	/* the structure: any key will do */
	MV_WANT_BEST,	/* a reader's keys, if that needs no person who is not there */
	MV_WANT_DATA,	/* a reader's keys, and the vault's for secrets */
	MV_WANT_WRITE,	/* the writer's and the vault's */
	MV_WANT_VAULT,	/* the vault's alone */
	MV_WANT_OWN,	/* the owner's and a reader's, and the vault's if there */
	MV_WANT_STATUS,	/* as LIST, and the vault's if there */
};

struct mv_context {
	struct mv_config config;
	const struct mv_config_env *env;	/* NULL with a kit */
	char *name;		/* of the environment */
	char *state_dir;	/* NULL: none, with a kit */
	struct mv_strv urls;
	struct mv_store **stores;
	size_t nstores;
	struct mv_rate *upload;	/* borrowed, or NULL: no limit */
	struct mv_pass_source pass;
	bool lacks_key;		/* a file that is needed is not there */
	struct mv_keyset *keys;
	struct mv_repo *repo;
};

void mv_context_clear(struct mv_context *c);

/*
 * Read the configuration and choose the environment, unless that was done: of
 * several the one of cli, else the one of keys that were loaded before.
 */
int mv_context_configure(const struct mv_cli *cli, struct mv_context *c,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * All of it.  c is zeroed before; the caller clears it in any case.  Hints
 * for the usual failures are set.
 */
int mv_context_open(const struct mv_cli *cli, enum mv_want want,
    struct mv_context *c, struct mv_err *err) MV_MUST_CHECK;

/* Open urls with the backends there are; min_free 0: no such limit. */
int mv_context_stores(struct mv_context *c, unsigned min_free,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * Keys, unless they were loaded before, stores and name from a recovery kit;
 * the stores are --store, else those that are known already, else the kit's.
 */
int mv_context_kit(const struct mv_cli *cli, struct mv_context *c,
    const char *path, struct mv_err *err) MV_MUST_CHECK;
/* Stores and repository for what was configured and loaded. */
int mv_context_connect(struct mv_context *c, unsigned min_free,
    struct mv_err *err) MV_MUST_CHECK;
/* A path that somebody gave has to lead somewhere: MV_EUSAGE if not. */
int mv_path_named(const char *what, const char *path, struct mv_err *err)
    MV_MUST_CHECK;
/* A key file, which nobody else may be able to read. */
int mv_context_load_key(struct mv_context *c, const char *path,
    struct mv_keyset **out, struct mv_err *err) MV_MUST_CHECK;

/* "DIR/NAME", to be freed. */
int mv_path_in(const char *dir, const char *name, char **out,
    struct mv_err *err) MV_MUST_CHECK;
/* The same path beginning with '/', to be freed. */
int mv_path_absolute(const char *path, char **out, struct mv_err *err)
    MV_MUST_CHECK;

/* The names of key files in the key directory, NULL-terminated. */
extern const char *const mv_key_names[];

#endif
