/* SPDX-License-Identifier: MIT */
#ifndef MV_VAULT_ROTATION_H
#define MV_VAULT_ROTATION_H

#include <stdbool.h>

#include <jansson.h>

#include "mastodon/secret_facts.h"
#include "mastodon/site.h"
#include "mastodon/version.h"
#include "postgres/conn.h"
#include "vault/journal.h"
#include "vault/rows.h"
#include "vault/vault.h"

/*
 * rotation: new values for Mastodon's secrets, everywhere at once: the vault,
 * the rows that they encrypt, the passwords of database and Redis, the
 * env-file, and every other place that holds them.
 *
 * A rotation is a sequence of steps (journal.h), each of which can be done
 * again.  What is about to be done is in the journal before it is done.
 * Whoever is killed in the middle leaves a journal, and mv_rotation_recover()
 * takes it from there: back, as long as the database was not touched, else
 * forward.  A step that fails before the new values were seen to work is
 * answered by the way back, which is the same steps with old and new
 * exchanged: rows are converted as they are then, old bytes never return.
 *
 * The new generation is in the vault, as pending, before anything else; a
 * current version, with its bytes or the old ones, ends the rotation.
 *
 * One rotation at a time: a lock file keeps out others on this host, an
 * advisory lock of the database those on other hosts.
 */

/* Where a Mastodon is.  All is borrowed. */
struct mv_rotation_place {
	struct mv_repo *repo;
	const char *environment;
	const char *state_dir;		/* holds lock and journal */
	const char *host, *operator_name;
	struct mv_site_opts site;
	const char *conninfo;		/* NULL: as Mastodon connects */
	const char *const *exec_prefix;	/* conn.h */
	const char *pg_bin;
};

/*
 * What the caller does.  All may be called again, when a rotation is resumed
 * or undone: stopping what is stopped is no failure.
 */
struct mv_rotation_hooks {
	/* services are bits of MV_RESTART_*; both must be there. */
	int (*stop)(unsigned services, void *arg, struct mv_err *err);
	int (*start)(unsigned services, void *arg, struct mv_err *err);
	/*
	 * Do the values work?  Hand them to the other places that hold them.
	 * values are the rotated settings as lines NAME=value.  Either may be
	 * NULL.
	 */
	int (*verify)(const struct mv_sbuf *values, bool undo, void *arg,
	    struct mv_err *err);
	int (*apply)(const struct mv_sbuf *values, bool undo, void *arg,
	    struct mv_err *err);
	/* A step in which something happens begins; or NULL. */
	void (*step)(enum mv_rotation_step step, bool undo, void *arg);
	void *arg;
};

struct mv_rotation_opts {
	const char *const *names;	/* NULL-terminated; NULL with all */
	bool all;			/* all that can be made here */
	const struct mv_dotenv *given;	/* values that others made, or NULL */
	const char *reason;
	bool skip_undecryptable;	/* leave rows alone that open with no key */
	bool forward_only;		/* an emergency: never go back */
	unsigned services;		/* to be restarted, besides what the names need */
	unsigned patience;		/* seconds for sessions to end, and for a
					   database to come back; 0: 30 */
	int jobs;			/* 0: all cores */
	/*
	 * Run in the transaction that converts the rows, after them, or NULL.
	 * A rotation that is resumed runs it again: so it does nothing where
	 * all is done.  It does not run on the way back.
	 */
	int (*in_database)(struct mv_pg_session *s, void *arg,
	    struct mv_err *err);
	void *in_database_arg;
	const json_t *extra;		/* kept in the journal: no values */
};

/* One setting that is to change. */
struct mv_rotation_item {
	const struct mv_secret_fact *fact;
	struct mv_secret *value;	/* the new one */
};

/* What would be done, and to how much.  Nothing has been touched. */
struct mv_rotation_plan {
	struct mv_rotation_item *items;	/* owned, in the order of the facts */
	size_t n;
	char **left;			/* of `all`: a sentence each, on what stays */
	size_t nleft;
	uint64_t schema;
	char version[MV_VERSION_TEXT];	/* of Mastodon */
	char *database, *server;	/* owned: names for people */
	unsigned services;
	bool rows;			/* some encrypt rows */
	struct mv_rows_report counts;
	bool push;
	uint64_t subscriptions;		/* that end with the VAPID pair */
	struct mv_vault_file old, next;	/* the env-file, before and after */
};
void mv_rotation_plan_free(struct mv_rotation_plan *p);
void mv_rotation_plan_freep(struct mv_rotation_plan **p);

/*
 * Make the plan, with new values.  Reads the database and changes nothing.
 * MV_EUSAGE for a name that cannot be rotated; MV_EREFUSED when an unfinished
 * rotation is in the way, when another file or setting holds the value, when
 * rows open with no key (plan is given then, too), with what to do.
 */
int mv_rotation_plan_new(const struct mv_rotation_place *place,
    const struct mv_rotation_opts *opts, struct mv_rotation_plan **out,
    struct mv_err *err) MV_MUST_CHECK;

enum mv_rotation_outcome {
	MV_ROTATION_NOTHING,	/* there was nothing to do, or to undo */
	MV_ROTATION_DONE,
	MV_ROTATION_UNDONE,	/* all is as it was before */
	MV_ROTATION_UNFINISHED,	/* recover has to be called */
};

struct mv_rotation_report {
	enum mv_rotation_outcome outcome;
	char **names;			/* owned: what was rotated */
	size_t nnames;
	struct mv_rows_report rows;	/* of the database step */
	uint64_t swept;			/* rows that the sweep found */
	uint64_t subscriptions;		/* that were deleted */
	uint64_t vault_version;		/* in force now */
	enum mv_rotation_step step;	/* the last one tried */
};
void mv_rotation_report_clear(struct mv_rotation_report *r);

/*
 * Do it.  0 when all is done.  After an error out->outcome says whether it
 * was undone or has to be recovered; out is filled in any case.
 * MV_EAGAIN: another rotation runs.
 */
int mv_rotation_run(const struct mv_rotation_place *place,
    const struct mv_rotation_plan *plan, const struct mv_rotation_opts *opts,
    const struct mv_rotation_hooks *hooks, struct mv_rotation_report *out,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * Finish or undo what a journal, or a pending version without one, tells of.
 * Of opts jobs, patience and in_database count.  0 when all is on one
 * generation, whichever: out->outcome.  An error with MV_ROTATION_UNDONE
 * says why going forward failed, and all is on the old one.
 */
int mv_rotation_recover(const struct mv_rotation_place *place,
    const struct mv_rotation_opts *opts,
    const struct mv_rotation_hooks *hooks, struct mv_rotation_report *out,
    struct mv_err *err) MV_MUST_CHECK;

/* The journal of this host: MV_ENOTFOUND when there is none. */
int mv_rotation_journal(const char *state_dir, struct mv_journal *out,
    struct mv_err *err) MV_MUST_CHECK;

#endif
