/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mastodon/dotenv_edit.h"
#include "mastvault/output.h"
#include "mastvault/rotate.h"

#define VALUE_MAX ((size_t)64 << 10)

/* How many of the names have values that somebody else makes. */
static size_t
count_given(const struct mv_secrets *s, const char **name)
{
	const struct mv_secret_fact *f;
	size_t i, n = 0;

	for (i = 0; i < s->nargs; i++) {
		f = mv_secret_fact_find(s->args[i]);
		if (f == NULL || f->make != MV_MAKE_GIVEN ||
		    f->effect != MV_EFFECT_OUTSIDE)
			continue;
		*name = f->name;
		n++;
	}
	return n;
}

/* One value is the input; of several there is a line NAME=value each. */
static int
read_given(struct mv_secrets *s, struct mv_dotenv **out, struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf in = { 0 }, text = { 0 };
	mv_auto(mv_dotenv_freep) struct mv_dotenv *env = NULL;
	const char *name = NULL;
	size_t n = count_given(s, &name);
	int rc;

	if (n == 0)
		return 0;
	if (isatty(STDIN_FILENO)) {
		mv_hint("'mastvault secrets rotate %s < FILE'", name);
		return mv_err_set(err, MV_EUSAGE, "the new value is read "
		    "from standard input, and not from a terminal, which "
		    "shows it");
	}
	rc = mv_sbuf_read_fd(&in, STDIN_FILENO, VALUE_MAX, "the new value",
	    err);
	if (rc == 0 && n == 1) {
		/* echo(1) adds a line's end. */
		const struct mv_dotenv_change one = {
			.key = name, .value = in.p,
			.len = in.len - (in.len > 0 &&
			    in.p[in.len - 1] == '\n'),
		};

		rc = mv_dotenv_edit("", 0, &one, 1, &text, err);
	}
	if (rc == 0)
		rc = mv_dotenv_new(&env, err);
	if (rc == 0)
		rc = n == 1 ? mv_dotenv_add(env, text.p, text.len, err) :
		    mv_dotenv_add(env, in.p, in.len, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "standard input");
	*out = mv_take(&env);
	return 0;
}

/* What another run left is finished first, with the same consent. */
static int
recover_first(struct mv_secrets *s, const struct mv_journal *j,
    struct mv_err *err)
{
	mv_auto(mv_rotation_report_clear) struct mv_rotation_report report =
	    { 0 };
	mv_auto(mv_rotate_clear) struct mv_rotate r = { 0 };
	int rc;

	if (s->cli->dry_run || !s->cli->yes)
		return mv_secrets_unfinished(err);
	mv_say("A rotation was not finished: that comes first.\n");
	rc = mv_rotate_init(&r, s, j, err);
	return rc < 0 ? rc : mv_rotate_recover(&r, &report, err);
}

int
mv_rotate_settle(struct mv_secrets *s, struct mv_err *err)
{
	mv_auto(mv_journal_clear) struct mv_journal j = { 0 };
	struct mv_err why = { 0 };
	int rc;

	rc = s->c.state_dir != NULL ?
	    mv_rotation_journal(s->c.state_dir, &j, &why) : MV_ENOTFOUND;
	if (rc == 0)
		return recover_first(s, &j, err);
	if (rc == MV_ENOTFOUND)
		return 0;
	if (err != NULL)
		*err = why;
	return rc;
}

static int
prepare(struct mv_secrets *s, struct mv_rotate *r, struct mv_err *err)
{
	int rc;

	if (s->nargs == 0 && !s->cli->all)
		return mv_err_set(err, MV_EUSAGE,
		    "'secrets rotate' wants names, or --all");
	if (s->nargs > 0 && s->cli->all)
		return mv_err_set(err, MV_EUSAGE,
		    "'secrets rotate' wants names or --all, not both");
	rc = mv_rotate_settle(s, err);
	return rc < 0 ? rc : mv_rotate_init(r, s, NULL, err);
}

static int
make_plan(struct mv_rotate *r, struct mv_rotation_plan **plan,
    struct mv_err *err)
{
	int rc = mv_rotation_plan_new(&r->place, &r->opts, plan, err);

	if (rc == MV_EREFUSED && *plan != NULL &&
	    mv_rows_bad(&(*plan)->counts) > 0) {
		mv_rotate_say_plan(r, *plan);
		mv_hint("--skip-undecryptable leaves these rows alone; their "
		    "users cannot log in with two factors now either");
	}
	if (rc == MV_EREFUSED && *plan == NULL)
		mv_hint("if no 'secrets rotate' is running, 'mastvault "
		    "secrets recover' finishes or undoes it");
	return rc;
}

static int
report_it(struct mv_rotate *r, const struct mv_rotation_report *report,
    int rc, struct mv_err *err)
{
	struct mv_err ignored = { 0 };
	size_t i;

	if (rc < 0) {
		/* Nothing was begun where there are no names. */
		if (report->nnames > 0)
			(void)!mv_output_json(mv_rotate_report_json(r,
			    report), &ignored);
		return rc;
	}
	mv_rotate_say_report(report);
	for (i = 0; i < report->rows.n; i++)
		if (report->rows.columns[i].undecryptable > 0)
			*r->s->exit = MV_EXIT_PARTIAL;
	return mv_output_json(mv_rotate_report_json(r, report), err);
}

int
mv_secrets_rotate(struct mv_secrets *s, struct mv_err *err)
{
	mv_auto(mv_rotation_report_clear) struct mv_rotation_report report =
	    { 0 };
	mv_auto(mv_rotation_plan_freep) struct mv_rotation_plan *plan = NULL;
	mv_auto(mv_dotenv_freep) struct mv_dotenv *given = NULL;
	mv_auto(mv_rotate_clear) struct mv_rotate r = { 0 };
	int rc;

	if (s->cli->emergency)
		return mv_secrets_emergency(s, err);
	if (s->cli->revoke_tokens || s->cli->revoke_sessions ||
	    s->cli->reset_2fa || s->cli->no_snapshot || s->cli->aware != NULL)
		return mv_err_set(err, MV_EUSAGE, "--revoke-tokens, "
		    "--revoke-sessions, --reset-2fa, --no-snapshot and "
		    "--aware are for 'secrets rotate --emergency'");
	rc = read_given(s, &given, err);
	if (rc == 0)
		rc = prepare(s, &r, err);
	if (rc < 0)
		return rc;
	r.opts.names = s->nargs > 0 ? (const char *const *)s->args : NULL;
	r.opts.given = given;
	rc = make_plan(&r, &plan, err);
	if (rc == 0)
		rc = mv_rotate_feasible(&r, plan, err);
	if (rc < 0)
		return rc;
	mv_rotate_say_plan(&r, plan);
	if (s->cli->dry_run)
		return mv_output_json(mv_rotate_plan_json(&r, plan), err);
	rc = mv_rotate_confirm(&r, "This changes the secrets", err);
	if (rc < 0)
		return rc;
	rc = mv_rotate_run(&r, plan, &report, err);
	return report_it(&r, &report, rc, err);
}

int
mv_secrets_recover(struct mv_secrets *s, struct mv_err *err)
{
	mv_auto(mv_rotation_report_clear) struct mv_rotation_report report =
	    { 0 };
	mv_auto(mv_journal_clear) struct mv_journal j = { 0 };
	mv_auto(mv_rotate_clear) struct mv_rotate r = { 0 };
	struct mv_err why = { 0 };
	int rc;

	rc = s->c.state_dir != NULL ?
	    mv_rotation_journal(s->c.state_dir, &j, &why) : MV_ENOTFOUND;
	if (rc < 0 && rc != MV_ENOTFOUND) {
		*err = why;
		return rc;
	}
	rc = mv_rotate_init(&r, s, rc == 0 ? &j : NULL, err);
	if (rc == 0)
		rc = mv_rotate_recover(&r, &report, err);
	if (rc < 0)
		return rc;
	return mv_output_json(mv_rotate_report_json(&r, &report), err);
}
