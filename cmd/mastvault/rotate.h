/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_ROTATE_H
#define MV_MASTVAULT_ROTATE_H

#include "base/who.h"
#include "mastvault/secrets.h"
#include "mastvault/services.h"
#include "vault/revoke.h"
#include "vault/rotation.h"

/*
 * rotate: what the commands that rotate secrets share: the place, the hooks
 * that run the configured commands, questions and answers.
 */
struct mv_rotate {
	struct mv_secrets *s;
	struct mv_services services;
	struct mv_strv database_exec;
	char host[256], who[MV_WHO_NAME];
	unsigned bits;			/* of services that are restarted */
	json_t *extra;			/* for the journal: "services", and in
					   an emergency "emergency" */
	struct mv_revoke revoke;	/* in an emergency */
	struct mv_rotation_place place;
	struct mv_rotation_hooks hooks;
	struct mv_rotation_opts opts;
};
void mv_rotate_clear(struct mv_rotate *r);

/*
 * Place, hooks and what the command line says.  From the journal of an
 * unfinished rotation when j is not NULL: its services.  MV_EUSAGE with a
 * kit, and where the configuration has no Mastodon.
 */
int mv_rotate_init(struct mv_rotate *r, struct mv_secrets *s,
    const struct mv_journal *j, struct mv_err *err) MV_MUST_CHECK;

/* What another run left is finished first, with --yes; else MV_EREFUSED. */
int mv_rotate_settle(struct mv_secrets *s, struct mv_err *err) MV_MUST_CHECK;

/* Refuse what nobody could carry out on this host, with what to do. */
int mv_rotate_feasible(struct mv_rotate *r,
    const struct mv_rotation_plan *plan, struct mv_err *err) MV_MUST_CHECK;

/* Finish what was not finished, and say so. */
int mv_rotate_recover(struct mv_rotate *r, struct mv_rotation_report *out,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * Execute, whatever signals come: the first SIGINT or SIGTERM undoes it, a
 * terminal that goes away is nothing.
 */
int mv_rotate_run(struct mv_rotate *r, const struct mv_rotation_plan *plan,
    struct mv_rotation_report *out, struct mv_err *err) MV_MUST_CHECK;
void mv_rotate_signals(void);

/*
 * Ask on the terminal for the environment's name.  MV_EUSAGE without a
 * terminal, MV_EREFUSED when something else was answered.
 */
int mv_rotate_confirm(struct mv_rotate *r, const char *what,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * secrets_incident.c.  A rotation that is resumed revokes what the one that
 * was interrupted had to, and its record is ended when it has.
 */
void mv_emergency_resume(struct mv_rotate *r, const json_t *extra);
int mv_emergency_end(struct mv_rotate *r,
    const struct mv_rotation_report *report, int rc, struct mv_err *err)
    MV_MUST_CHECK;

/*
 * emergency_list.c: what is left to do by hand, a sentence each; env is the
 * env-file as it was.
 */
int mv_emergency_list(const struct mv_rotate *r,
    const struct mv_rotation_plan *plan, const struct mv_exposed *exposed,
    const struct mv_dotenv *env, struct mv_strv *out, struct mv_err *err)
    MV_MUST_CHECK;

/* rotate_text.c: for people and programs. */
void mv_rotate_say_plan(const struct mv_rotate *r,
    const struct mv_rotation_plan *plan);
void mv_rotate_say_report(const struct mv_rotation_report *report);
json_t *mv_rotate_plan_json(const struct mv_rotate *r,
    const struct mv_rotation_plan *plan);
json_t *mv_rotate_report_json(const struct mv_rotate *r,
    const struct mv_rotation_report *report);

#endif
