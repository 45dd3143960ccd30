/* SPDX-License-Identifier: MIT */
#ifndef MV_VAULT_ROTATION_INTERNAL_H
#define MV_VAULT_ROTATION_INTERNAL_H

#include "vault/rotation.h"

/* rotation_internal: what planning, executing and recovering share. */

/*
 * generation: the secrets as one version of the vault has them, and what
 * follows from them together with the site's other files.
 */
struct mv_generation {
	struct mv_vault_file file;
	struct mv_dotenv *env;
	struct mv_database database;
	struct mv_rows_keys *keys;	/* only where rows depend on them */
};
void mv_generation_clear(struct mv_generation *g);
/* From file.bytes; keys only when rows is set. */
int mv_generation_open(struct mv_generation *g,
    const struct mv_site_opts *site, bool rows, struct mv_err *err)
    MV_MUST_CHECK;

/* link: the session with the database, of which there is only one. */
struct mv_link {
	const struct mv_rotation_place *place;
	uid_t uid;
	gid_t gid;
	const struct mv_database *as[2];	/* whose settings to try, or NULL */
	unsigned patience;
	struct mv_pg *pg;
	struct mv_pg_session *s;
	bool locked;		/* holds the advisory lock */
};
void mv_link_clear(struct mv_link *l);
/*
 * A session, with each of the passwords tried, once more until patience ends
 * where the server is away.  An old one is used as long as it answers.
 */
int mv_link_open(struct mv_link *l, struct mv_err *err) MV_MUST_CHECK;
/* A session that failed is of no further use. */
void mv_link_drop(struct mv_link *l);
/* The same with the advisory lock: MV_EAGAIN when another host has it. */
int mv_link_lock(struct mv_link *l, struct mv_err *err) MV_MUST_CHECK;
/*
 * Run fn in a transaction of its own; what fails is rolled back and the
 * session dropped.
 */
int mv_link_transaction(struct mv_link *l,
    int (*fn)(struct mv_pg_session *s, void *arg, struct mv_err *err),
    void *arg, struct mv_err *err) MV_MUST_CHECK;
/*
 * Wait until no session of role is left but ours and backups': MV_EREFUSED
 * lists those that stay.
 */
int mv_link_alone(struct mv_link *l, const char *role, struct mv_err *err)
    MV_MUST_CHECK;
/* A number from the first row of a query that has it as "n". */
int mv_link_number(struct mv_pg_session *s, const char *sql, uint64_t *out,
    struct mv_err *err) MV_MUST_CHECK;

/* What of the rotated names has which effect. */
bool mv_rotation_has_effect(char *const *names, size_t n,
    enum mv_secret_effect effect);

#define MV_ROTATION_JOURNAL "rotation.journal"

/* rotating: a rotation while it is being executed. */
struct mv_rotating {
	const struct mv_rotation_place *place;
	const struct mv_rotation_opts *opts;
	const struct mv_rotation_hooks *hooks;
	struct mv_rotation_report *report;
	struct mv_journal j;
	struct mv_journal_file file;
	int lock;
	struct mv_link link;
	struct mv_generation old, next;
	bool rows, role, redis, push;
};

void mv_rotating_clear(struct mv_rotating *r);
/* Nobody else rotates on this host: MV_EAGAIN. */
int mv_rotating_lock(struct mv_rotating *r, struct mv_err *err)
    MV_MUST_CHECK;
/* What follows from the journal's names and the files of both generations. */
int mv_rotating_prepare(struct mv_rotating *r, struct mv_err *err)
    MV_MUST_CHECK;
/*
 * All steps from one on, and back when one fails that may be undone.  An
 * error says how it ended, and so does the report.
 */
int mv_rotating_go(struct mv_rotating *r, enum mv_rotation_step from,
    struct mv_err *err) MV_MUST_CHECK;
/* The way back. */
int mv_rotating_back(struct mv_rotating *r, struct mv_err *err)
    MV_MUST_CHECK;
/* All is on one generation: remove the journal. */
int mv_rotating_conclude(struct mv_rotating *r, struct mv_err *err)
    MV_MUST_CHECK;
/* A copy of a list; *nout counts up. */
int mv_rotating_names(char *const *names, size_t n, char ***out,
    size_t *nout, struct mv_err *err) MV_MUST_CHECK;

/* Do one step in the journal's direction; what is not needed is no failure. */
int mv_rotation_step(struct mv_rotating *r, enum mv_rotation_step step,
    struct mv_err *err) MV_MUST_CHECK;

/* rotation_vault.c: the steps that write to the vault. */
int mv_rotation_put_pending(struct mv_rotating *r, struct mv_err *err)
    MV_MUST_CHECK;
int mv_rotation_settle(struct mv_rotating *r, struct mv_err *err)
    MV_MUST_CHECK;

/* "DIR/rotation.journal" and "DIR/rotation.lock", to be freed. */
int mv_rotation_path(const char *dir, const char *name, char **out,
    struct mv_err *err) MV_MUST_CHECK;

#endif
