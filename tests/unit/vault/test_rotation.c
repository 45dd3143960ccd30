/* SPDX-License-Identifier: MIT */
#include "support/mini_repo.h"
#include "support/mv_test.h"
#include "support/pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vault/rotation.h"

#define OLD "0123456789abcdefOLD"

/*
 * A rotation of a secret that no row depends on, so that a database of two
 * tables will do.  What rows, passwords and real services need is tried end
 * to end (tests/e2e/9?-rotate*.sh).
 */
struct fx {
	struct mv_test_pg pg;
	struct mini m;
	char *dir, *state, *live, *journal, *conninfo;
	struct mv_rotation_place place;
	struct mv_rotation_hooks hooks;
	struct mv_rotation_opts opts;
	struct mv_rotation_plan *plan;
	struct mv_rotation_report report;
	struct mv_vault_file old, next;
	char steps[512];		/* what the hooks were called for */
	const char *fails;		/* this hook, */
	unsigned times;			/* so often */
	struct mv_err err;
};

static int
note(struct fx *fx, const char *what, struct mv_err *err)
{
	size_t used = strlen(fx->steps);

	(void)snprintf(fx->steps + used, sizeof(fx->steps) - used, "%s ",
	    what);
	if (fx->fails == NULL || strcmp(fx->fails, what) != 0 ||
	    fx->times == 0)
		return 0;
	fx->times--;
	return mv_err_set(err, MV_EIO, "'%s' was told to fail", what);
}

static int
on_stop(unsigned services, void *arg, struct mv_err *err)
{
	assert_int_equal(services, MV_RESTART_WEB | MV_RESTART_SIDEKIQ);
	return note(arg, "stop", err);
}

static int
on_start(unsigned services, void *arg, struct mv_err *err)
{
	(void)services;
	return note(arg, "start", err);
}

static int
on_verify(const struct mv_sbuf *values, bool undo, void *arg,
    struct mv_err *err)
{
	(void)values;
	return note(arg, undo ? "verify-undo" : "verify", err);
}

static int
on_apply(const struct mv_sbuf *values, bool undo, void *arg,
    struct mv_err *err)
{
	static const char name[] = "SECRET_KEY_BASE=";

	assert_true(values->len > sizeof(name));
	assert_memory_equal(values->p, name, sizeof(name) - 1);
	return note(arg, undo ? "apply-undo" : "apply", err);
}

static void
write_live(struct fx *fx, const void *p, size_t len)
{
	mv_test_write(fx->live, p, len);
	assert_int_equal(chmod(fx->live, 0600), 0);
}

static int
setup(void **state)
{
	static const char text[] = "# ours\nSECRET_KEY_BASE=" OLD
	    "\nDB_USER=nobody-here\nLOCAL_DOMAIN=a.example\n";
	struct fx *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	*state = fx;
	(void)mv_test_pg_start(&fx->pg);
	if (fx->pg.pid == 0)
		return 0;
	fx->dir = mv_test_dir();
	fx->state = mv_test_path(fx->dir, "state");
	fx->live = mv_test_path(fx->dir, ".env.production");
	fx->journal = mv_test_path(fx->dir, "state/rotation.journal");
	assert_int_equal(mkdir(fx->state, 0700), 0);
	mini_open(&fx->m, 1, fx->state);
	write_live(fx, text, sizeof(text) - 1);
	mv_test_pg_sql(&fx->pg, "postgres", "CREATE DATABASE m");
	mv_test_pg_sql(&fx->pg, "m", "CREATE TABLE schema_migrations (version "
	    "text); INSERT INTO schema_migrations VALUES ('20260611150940')");
	fx->conninfo = mv_test_pg_db(&fx->pg, "m");
	fx->place = (struct mv_rotation_place){
		.repo = fx->m.kit, .environment = "production",
		.state_dir = fx->state, .host = "host",
		.operator_name = "somebody", .site = { .dir = fx->dir },
		.conninfo = fx->conninfo,
	};
	fx->hooks = (struct mv_rotation_hooks){ .stop = on_stop,
	    .start = on_start, .verify = on_verify, .apply = on_apply,
	    .arg = fx };
	fx->opts.patience = 1;
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_rotation_plan_free(fx->plan);
	mv_rotation_report_clear(&fx->report);
	mv_vault_file_clear(&fx->old);
	mv_vault_file_clear(&fx->next);
	if (fx->dir != NULL) {
		mini_close(&fx->m);
		mv_test_rmdir(fx->dir);
	}
	free(fx->dir);
	free(fx->state);
	free(fx->live);
	free(fx->journal);
	free(fx->conninfo);
	mv_test_pg_stop(&fx->pg);
	free(fx);
	return 0;
}

static int
plan_for(struct fx *fx, const char *name)
{
	const char *names[] = { name, NULL };

	fx->opts.names = names;
	mv_rotation_plan_freep(&fx->plan);
	return mv_rotation_plan_new(&fx->place, &fx->opts, &fx->plan,
	    &fx->err);
}

static bool
live_is(struct fx *fx, const struct mv_sbuf *bytes)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf now = { 0 };

	assert_ok(mv_sbuf_read_file(&now, fx->live, 65536, &fx->err),
	    &fx->err);
	return now.len == bytes->len &&
	    memcmp(now.p, bytes->p, now.len) == 0;
}

/* The vault's newest version is current and holds these bytes. */
static void
assert_settled(struct fx *fx, const struct mv_sbuf *bytes)
{
	mv_auto(mv_vault_clear) struct mv_vault v = { 0 };
	mv_auto(mv_vault_file_clear) struct mv_vault_file f = { 0 };
	mv_auto(mv_vault_note_clear) struct mv_vault_note n = { 0 };

	assert_ok(mv_vault_load(fx->m.kit, &v, &fx->err), &fx->err);
	assert_int_equal(v.nproblems, 0);
	assert_ok(mv_vault_open_noted(fx->m.kit, &v.list[v.n - 1], &f, &n,
	    &fx->err), &fx->err);
	assert_false(n.pending);
	assert_int_equal(f.bytes.len, bytes->len);
	assert_memory_equal(f.bytes.p, bytes->p, bytes->len);
	assert_int_equal(access(fx->journal, F_OK), -1);
}

static void
a_plan_makes_values_and_touches_nothing(void **state)
{
	struct fx *fx = *state;

	if (fx->pg.pid == 0)
		skip();
	assert_ok(plan_for(fx, "SECRET_KEY_BASE"), &fx->err);
	assert_int_equal(fx->plan->n, 1);
	assert_string_equal(fx->plan->version, "4.6");
	assert_int_equal(fx->plan->services,
	    MV_RESTART_WEB | MV_RESTART_SIDEKIQ);
	assert_false(fx->plan->rows);
	assert_int_equal(mv_secret_len(fx->plan->items[0].value), 128);
	assert_true(live_is(fx, &fx->plan->old.bytes));
	assert_false(live_is(fx, &fx->plan->next.bytes));
	assert_int_equal(access(fx->journal, F_OK), -1);
}

static void
what_cannot_be_rotated_is_said(void **state)
{
	static const struct {
		const char *name, *says;
		enum mv_code code;
	} cases[] = {
		{ "LOCAL_DOMAIN", "none of Mastodon's secrets", MV_EUSAGE },
		{ "OTP_SECRET", "no longer reads", MV_EUSAGE },
		{ "VAPID_PRIVATE_KEY", "not set", MV_EUSAGE },
		{ "SMTP_PASSWORD", "standard input", MV_EUSAGE },
		{ "DATABASE_URL", "inside a URL", MV_EREFUSED },
		{ "REPLICA_DB_PASS", "rotate DB_PASS", MV_EREFUSED },
		{ "REDIS_SENTINEL_PASSWORD", "sentinels", MV_EREFUSED },
	};
	struct fx *fx = *state;
	mv_auto(mv_freep) char *local = NULL;
	size_t i;

	if (fx->pg.pid == 0)
		skip();
	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		assert_fails(plan_for(fx, cases[i].name), cases[i].code,
		    &fx->err);
		assert_says(&fx->err, cases[i].says);
	}
	local = mv_test_path(fx->dir, ".env.local");
	mv_test_write(local, "SECRET_KEY_BASE=x\n", 18);
	assert_fails(plan_for(fx, "SECRET_KEY_BASE"), MV_EREFUSED, &fx->err);
	assert_says(&fx->err, ".env.local");
}

static void
a_rotation_goes_in_order(void **state)
{
	struct fx *fx = *state;

	if (fx->pg.pid == 0)
		skip();
	assert_ok(plan_for(fx, "SECRET_KEY_BASE"), &fx->err);
	assert_ok(mv_rotation_run(&fx->place, fx->plan, &fx->opts,
	    &fx->hooks, &fx->report, &fx->err), &fx->err);
	assert_string_equal(fx->steps, "stop apply start verify ");
	assert_int_equal(fx->report.outcome, MV_ROTATION_DONE);
	assert_int_equal(fx->report.vault_version, 3);
	assert_true(live_is(fx, &fx->plan->next.bytes));
	assert_settled(fx, &fx->plan->next.bytes);
}

static void
what_fails_is_undone_as_far_as_it_went(void **state)
{
	static const struct {
		const char *fails, *steps;
	} cases[] = {
		{ "stop", "stop start " },
		{ "apply", "stop apply stop apply-undo start verify-undo " },
		{ "start", "stop apply start stop apply-undo start "
		    "verify-undo " },
		{ "verify", "stop apply start verify stop apply-undo start "
		    "verify-undo " },
	};
	struct fx *fx = *state;
	size_t i;

	if (fx->pg.pid == 0)
		skip();
	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		fx->steps[0] = '\0';
		fx->fails = cases[i].fails;
		fx->times = 1;
		mv_rotation_report_clear(&fx->report);
		assert_ok(plan_for(fx, "SECRET_KEY_BASE"), &fx->err);
		assert_fails(mv_rotation_run(&fx->place, fx->plan, &fx->opts,
		    &fx->hooks, &fx->report, &fx->err), MV_EIO, &fx->err);
		assert_says(&fx->err, "undone");
		assert_string_equal(fx->steps, cases[i].steps);
		assert_int_equal(fx->report.outcome, MV_ROTATION_UNDONE);
		assert_true(live_is(fx, &fx->plan->old.bytes));
		assert_settled(fx, &fx->plan->old.bytes);
	}
}

static void
what_cannot_be_undone_yet_is_recovered_later(void **state)
{
	struct fx *fx = *state;

	if (fx->pg.pid == 0)
		skip();
	assert_ok(plan_for(fx, "SECRET_KEY_BASE"), &fx->err);
	fx->fails = "start";
	fx->times = 2;
	assert_fails(mv_rotation_run(&fx->place, fx->plan, &fx->opts,
	    &fx->hooks, &fx->report, &fx->err), MV_EIO, &fx->err);
	assert_says(&fx->err, "not undone yet");
	assert_int_equal(fx->report.outcome, MV_ROTATION_UNFINISHED);
	assert_int_equal(access(fx->journal, F_OK), 0);
	/* Nobody begins another one. */
	mv_rotation_plan_freep(&fx->plan);
	assert_fails(plan_for(fx, "SECRET_KEY_BASE"), MV_EREFUSED, &fx->err);
	mv_rotation_report_clear(&fx->report);
	assert_ok(mv_rotation_recover(&fx->place, &fx->opts, &fx->hooks,
	    &fx->report, &fx->err), &fx->err);
	assert_int_equal(fx->report.outcome, MV_ROTATION_UNDONE);
	assert_ok(plan_for(fx, "SECRET_KEY_BASE"), &fx->err);
	assert_settled(fx, &fx->plan->old.bytes);
}

static void
an_emergency_never_goes_back(void **state)
{
	struct fx *fx = *state;

	if (fx->pg.pid == 0)
		skip();
	fx->opts.forward_only = true;
	assert_ok(plan_for(fx, "SECRET_KEY_BASE"), &fx->err);
	fx->fails = "verify";
	fx->times = 1;
	assert_fails(mv_rotation_run(&fx->place, fx->plan, &fx->opts,
	    &fx->hooks, &fx->report, &fx->err), MV_EIO, &fx->err);
	assert_int_equal(fx->report.outcome, MV_ROTATION_UNFINISHED);
	assert_true(live_is(fx, &fx->plan->next.bytes));
	mv_rotation_report_clear(&fx->report);
	assert_ok(mv_rotation_recover(&fx->place, &fx->opts, &fx->hooks,
	    &fx->report, &fx->err), &fx->err);
	assert_int_equal(fx->report.outcome, MV_ROTATION_DONE);
	assert_settled(fx, &fx->plan->next.bytes);
}

/* The vault as somebody left it who was killed: current, then pending. */
static void
leave_pending(struct fx *fx)
{
	struct mv_vault_reason why = { .host = "host",
	    .operator_name = "somebody", .reason = "a test" };
	struct mv_vault_ref ref;
	bool added;

	assert_ok(plan_for(fx, "SECRET_KEY_BASE"), &fx->err);
	assert_ok(mv_vault_import(fx->m.kit, &fx->plan->old, &why, &ref,
	    &added, &fx->err), &fx->err);
	why.kind = MV_VAULT_PENDING;
	assert_ok(mv_vault_append(fx->m.kit, &fx->plan->next, &why,
	    &ref.newest_hash, &ref, &fx->err), &fx->err);
}

static void
leave_journal(struct fx *fx, size_t step, bool undo)
{
	mv_auto(mv_journal_file_clear) struct mv_journal_file file =
	    MV_JOURNAL_FILE_INIT;
	mv_auto(mv_vault_clear) struct mv_vault v = { 0 };
	char name[] = "SECRET_KEY_BASE", *names[] = { name };
	struct mv_journal j = {
		.names = names, .nnames = 1,
		.services = MV_RESTART_WEB | MV_RESTART_SIDEKIQ,
		.undo = undo, .step = (enum mv_rotation_step)step,
		.reached = (enum mv_rotation_step)step,
	};

	assert_ok(mv_vault_load(fx->m.kit, &v, &fx->err), &fx->err);
	j.old_version = v.list[v.n - 2].number;
	assert_ok(mv_journal_create(fx->journal, &j, &file, &fx->err),
	    &fx->err);
}

static void
whoever_was_killed_at_any_step_is_followed_by_one_generation(void **state)
{
	struct fx *fx = *state;
	size_t step;
	int k;

	if (fx->pg.pid == 0)
		skip();
	for (step = 0; step < MV_NSTEPS; step++) {
		/* Forward and back, before and after the file was written. */
		for (k = 0; k < 4; k++) {
			bool undo = k & 1, written = k & 2;
			bool back = undo || step < MV_STEP_DATABASE;
			const struct mv_vault_file *want;

			leave_pending(fx);
			if (written)
				write_live(fx, fx->plan->next.bytes.p,
				    fx->plan->next.bytes.len);
			/* Who comes to the file's step has not passed it. */
			if (!written && !back && step > MV_STEP_START)
				write_live(fx, fx->plan->next.bytes.p,
				    fx->plan->next.bytes.len);
			if (back && step < MV_STEP_FILE)
				write_live(fx, fx->plan->old.bytes.p,
				    fx->plan->old.bytes.len);
			leave_journal(fx, step, undo);
			mv_rotation_report_clear(&fx->report);
			assert_ok(mv_rotation_recover(&fx->place, &fx->opts,
			    &fx->hooks, &fx->report, &fx->err), &fx->err);
			assert_int_equal(fx->report.outcome, back ?
			    MV_ROTATION_UNDONE : MV_ROTATION_DONE);
			want = back ? &fx->plan->old : &fx->plan->next;
			assert_true(live_is(fx, &want->bytes));
			assert_settled(fx, &want->bytes);
		}
	}
}

static void
a_journal_that_is_lost_means_forward(void **state)
{
	struct fx *fx = *state;

	if (fx->pg.pid == 0)
		skip();
	leave_pending(fx);
	fx->place.host = "another";
	assert_fails(mv_rotation_recover(&fx->place, &fx->opts, &fx->hooks,
	    &fx->report, &fx->err), MV_EREFUSED, &fx->err);
	assert_says(&fx->err, "on host 'host'");
	fx->place.host = "host";
	assert_ok(mv_rotation_recover(&fx->place, &fx->opts, &fx->hooks,
	    &fx->report, &fx->err), &fx->err);
	assert_string_equal(fx->steps, "stop apply start verify ");
	assert_int_equal(fx->report.outcome, MV_ROTATION_DONE);
	assert_settled(fx, &fx->plan->next.bytes);
	mv_rotation_report_clear(&fx->report);
	assert_ok(mv_rotation_recover(&fx->place, &fx->opts, &fx->hooks,
	    &fx->report, &fx->err), &fx->err);
	assert_int_equal(fx->report.outcome, MV_ROTATION_NOTHING);
}

static void
a_file_that_was_edited_meanwhile_keeps_the_edit(void **state)
{
	static const char edited[] = "LOCAL_DOMAIN=b.example\n"
	    "SECRET_KEY_BASE=" OLD "\n";
	mv_auto(mv_sbuf_clear) struct mv_sbuf now = { 0 };
	struct fx *fx = *state;

	if (fx->pg.pid == 0)
		skip();
	leave_pending(fx);
	write_live(fx, edited, sizeof(edited) - 1);
	leave_journal(fx, MV_STEP_FILE, false);
	assert_ok(mv_rotation_recover(&fx->place, &fx->opts, &fx->hooks,
	    &fx->report, &fx->err), &fx->err);
	assert_ok(mv_sbuf_read_file(&now, fx->live, 65536, &fx->err),
	    &fx->err);
	assert_memory_equal(now.p, edited, 23);
	assert_null(memmem(now.p, now.len, OLD, strlen(OLD)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(a_plan_makes_values_and_touches_nothing),
		T(what_cannot_be_rotated_is_said),
		T(a_rotation_goes_in_order),
		T(what_fails_is_undone_as_far_as_it_went),
		T(what_cannot_be_undone_yet_is_recovered_later),
		T(an_emergency_never_goes_back),
		T(whoever_was_killed_at_any_step_is_followed_by_one_generation),
		T(a_journal_that_is_lost_means_forward),
		T(a_file_that_was_edited_meanwhile_keeps_the_edit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
