/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/mv_test.h"
#include "support/pg.h"
#include "vault/revoke.h"

struct fx {
	struct mv_test_pg pg;
	char *conninfo;
	struct mv_pg *place;
	struct mv_pg_session *s;
	struct mv_disarm_report report;
	struct mv_revoke revoke;
	struct mv_buf dump;
};

/* From the shape of 4.6 to older ones; versions as in version.c. */
static const char to_3_5[] =
    "DROP TABLE keypairs, email_subscriptions, bulk_import_rows, "
    "bulk_imports, fasp_backfill_requests, fasp_debug_callbacks, "
    "fasp_subscriptions, fasp_providers, webhooks;"
    "ALTER TABLE users DROP otp_secret, ADD encrypted_otp_secret varchar, "
    "ADD encrypted_otp_secret_iv varchar, ADD encrypted_otp_secret_salt "
    "varchar;"
    "CREATE TABLE imports (id bigserial, data_file_name varchar);"
    "CREATE TABLE system_keys (id bigserial, key bytea);"
    "INSERT INTO imports (data_file_name) VALUES ('PLANTED.csv');"
    "INSERT INTO system_keys (key) VALUES ('PLANTED');"
    "UPDATE users SET encrypted_otp_secret = 'PLANTED', "
    "encrypted_otp_secret_iv = 'PLANTED', encrypted_otp_secret_salt = "
    "'PLANTED' WHERE id = 9101;"
    "DELETE FROM schema_migrations;"
    "INSERT INTO schema_migrations VALUES ('20220429101850')";
/* Two-factor secrets in both forms, as while 4.3 moved them. */
static const char to_4_3[] =
    "DROP TABLE keypairs, email_subscriptions, fasp_backfill_requests, "
    "fasp_debug_callbacks, fasp_subscriptions, fasp_providers;"
    "ALTER TABLE users ADD encrypted_otp_secret varchar, "
    "ADD encrypted_otp_secret_iv varchar, ADD encrypted_otp_secret_salt "
    "varchar;"
    "CREATE TABLE imports (id bigserial, data_file_name varchar);"
    "UPDATE users SET encrypted_otp_secret = 'PLANTED' WHERE id = 9102;"
    "DELETE FROM schema_migrations;"
    "INSERT INTO schema_migrations VALUES ('20241007071624')";
/* Federation keys have moved, and there is a table nobody knows yet. */
static const char to_main[] =
    "UPDATE accounts SET private_key = NULL, public_key = '';"
    "INSERT INTO schema_migrations VALUES ('20260805130216')";

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));
	struct mv_err err;

	assert_non_null(fx);
	*state = fx;
	assert_ok(mv_secret_init(&err), &err);
	if (!mv_test_pg_start(&fx->pg))
		return 0;
	fx->conninfo = mv_test_pg_db(&fx->pg, "data");
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	free(fx->conninfo);
	mv_test_pg_stop(&fx->pg);
	free(fx);
	return 0;
}

static void
load(struct fx *fx, const char *file)
{
	const char *const argv[] = {
		"psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", "data", NULL,
	};
	mv_auto(mv_buf_clear) struct mv_buf said = { 0 };

	assert_int_equal(mv_test_pg_run(&fx->pg, argv, file, &said), 0);
}

/* A database of 4.6, or what sql makes of it, and a session with it. */
static void
plant(struct fx *fx, const char *sql)
{
	struct mv_pg_target target;
	struct mv_err err;

	if (fx->pg.pid == 0)
		skip();
	mv_test_pg_sql(&fx->pg, "postgres", "CREATE DATABASE data");
	load(fx, "tests/gen/schema.sql");
	mv_test_pg_sql(&fx->pg, "data", "INSERT INTO schema_migrations "
	    "VALUES ('20260611150940')");
	load(fx, "tests/gen/planted.sql");
	load(fx, "tests/gen/planted-4.6.sql");
	if (sql != NULL)
		mv_test_pg_sql(&fx->pg, "data", sql);
	target = mv_test_pg_target(fx->conninfo);
	assert_ok(mv_pg_new(&target, &fx->place, &err), &err);
	assert_ok(mv_pg_session_open(fx->place, NULL, &fx->s, &err), &err);
}

static int
drop(void **state)
{
	struct fx *fx = *state;

	mv_disarm_report_clear(&fx->report);
	mv_revoke_clear(&fx->revoke);
	fx->revoke = (struct mv_revoke){ 0 };
	mv_buf_clear(&fx->dump);
	mv_pg_session_freep(&fx->s);
	mv_pg_freep(&fx->place);
	if (fx->pg.pid != 0)
		mv_test_pg_sql(&fx->pg, "postgres",
		    "DROP DATABASE IF EXISTS data WITH (FORCE)");
	return 0;
}

static void
disarm(struct fx *fx, unsigned when)
{
	struct mv_err err;

	mv_disarm_report_clear(&fx->report);
	assert_ok(mv_pg_exec(fx->s, "BEGIN", &err), &err);
	assert_ok(mv_disarm(fx->s, when, 0, &fx->report, &err), &err);
	assert_ok(mv_pg_exec(fx->s, "COMMIT", &err), &err);
}

static uint64_t
rows_of(const struct mv_disarm_report *r, const char *table,
    const char *columns)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (strcmp(r->list[i].fact->table, table) == 0 &&
		    (columns == NULL) == (r->list[i].fact->columns == NULL) &&
		    (columns == NULL ||
		    strcmp(r->list[i].fact->columns, columns) == 0))
			return r->list[i].rows;
	fail_msg("no '%s.%s' in the report", table,
	    columns != NULL ? columns : "*");
	return 0;
}

static void
assert_planted(struct fx *fx, bool there)
{
	const char *at;

	mv_buf_reset(&fx->dump);
	mv_test_pg_dump(&fx->pg, "data", &fx->dump);
	assert_non_null(mv_buf_cstr(&fx->dump));
	assert_true(fx->dump.len > 10000);
	at = strstr((char *)fx->dump.p, "PLANTED");
	if (at != NULL && !there)
		fail_msg("left: %.120s", at - 40);
	assert_true((at != NULL) == there);
}

static void
assert_value(struct fx *fx, const char *sql, const char *want)
{
	mv_auto(mv_freep) char *got = mv_test_pg_value(&fx->pg, "data", sql);

	assert_string_equal(got, want);
}

static void
assert_harmless(struct fx *fx)
{
	assert_planted(fx, false);
	assert_value(fx, "SELECT count(*) FROM users WHERE email = 'user-' || "
	    "id || '@defused.invalid'", "2");
	assert_value(fx, "SELECT confirmed_at FROM users WHERE id = 9101",
	    "2025-01-02 00:00:00");
	assert_value(fx, "SELECT count(*) FROM users WHERE confirmed_at IS "
	    "NULL", "1");
	assert_value(fx, "SELECT string_agg(domain, ' ' ORDER BY domain) FROM "
	    "unavailable_domains", "defused.invalid far.example "
	    "shared.far.example");
	assert_value(fx, "SELECT count(*) FROM accounts WHERE private_key IS "
	    "NOT NULL OR shared_inbox_url <> ''", "0");
	assert_value(fx, "SELECT state FROM relays", "0");
	assert_value(fx, "SELECT count(*) FROM users WHERE "
	    "encrypted_password ~ '^[$]2a[$]10[$][./A-Za-z0-9]{53}$'", "2");
	assert_value(fx, "SELECT count(*) FROM scheduled_statuses", "0");
	/* People and their posts are what a copy is for. */
	assert_value(fx, "SELECT count(*) FROM statuses", "3");
}

static void
a_copy_of_4_6_holds_nothing_that_was_planted(void **state)
{
	struct fx *fx = *state;

	plant(fx, NULL);
	assert_planted(fx, true);
	disarm(fx, MV_HARM_COPY);
	assert_harmless(fx);
	assert_int_equal(rows_of(&fx->report, "users", "email"), 2);
	assert_int_equal(rows_of(&fx->report, "oauth_access_tokens", NULL), 2);
	assert_int_equal(rows_of(&fx->report, "fasp_providers", NULL), 1);
	assert_int_equal(rows_of(&fx->report, "keypairs", "private_key"), 1);
	assert_int_equal(rows_of(&fx->report, "unavailable_domains", NULL), 3);
}

static void
a_copy_of_3_5_holds_nothing_that_was_planted(void **state)
{
	struct fx *fx = *state;

	plant(fx, to_3_5);
	disarm(fx, MV_HARM_COPY);
	assert_harmless(fx);
	assert_int_equal(rows_of(&fx->report, "users", "encrypted_otp_secret "
	    "encrypted_otp_secret_iv encrypted_otp_secret_salt"), 1);
	assert_int_equal(rows_of(&fx->report, "system_keys", NULL), 1);
}

static void
a_copy_of_4_3_holds_nothing_that_was_planted(void **state)
{
	struct fx *fx = *state;

	plant(fx, to_4_3);
	disarm(fx, MV_HARM_COPY);
	assert_harmless(fx);
	assert_int_equal(rows_of(&fx->report, "users", "otp_secret"), 1);
	assert_int_equal(rows_of(&fx->report, "users", "encrypted_otp_secret "
	    "encrypted_otp_secret_iv encrypted_otp_secret_salt"), 1);
}

static void
a_copy_of_a_newer_version_loses_the_keys_that_moved(void **state)
{
	struct fx *fx = *state;

	plant(fx, to_main);
	disarm(fx, MV_HARM_COPY);
	assert_harmless(fx);
}

static void
doing_it_again_changes_nothing(void **state)
{
	struct fx *fx = *state;
	size_t i;

	plant(fx, NULL);
	disarm(fx, MV_HARM_COPY);
	disarm(fx, MV_HARM_COPY);
	for (i = 0; i < fx->report.n; i++)
		if (!fx->report.list[i].fact->again)
			assert_int_equal(fx->report.list[i].rows, 0);
}

static void
a_dry_run_counts_the_same_and_changes_nothing(void **state)
{
	struct fx *fx = *state;
	struct mv_disarm_report dry = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf before = { 0 };
	struct mv_err err;
	size_t i;

	plant(fx, NULL);
	mv_test_pg_dump(&fx->pg, "data", &before);
	assert_ok(mv_pg_exec(fx->s, "BEGIN READ ONLY", &err), &err);
	assert_ok(mv_disarm(fx->s, MV_HARM_COPY, MV_DISARM_COUNT, &dry, &err),
	    &err);
	assert_ok(mv_pg_exec(fx->s, "COMMIT", &err), &err);
	mv_test_pg_dump(&fx->pg, "data", &fx->dump);
	assert_int_equal(before.len, fx->dump.len);
	assert_memory_equal(before.p, fx->dump.p, before.len);
	disarm(fx, MV_HARM_COPY);
	assert_int_equal(dry.n, fx->report.n);
	for (i = 0; i < dry.n; i++)
		assert_int_equal(dry.list[i].rows, fx->report.list[i].rows);
	mv_disarm_report_clear(&dry);
}

static void
what_its_version_should_have_must_be_there(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	plant(fx, "ALTER TABLE users RENAME sign_in_token TO other");
	assert_ok(mv_pg_exec(fx->s, "BEGIN", &err), &err);
	assert_fails(mv_disarm(fx->s, MV_HARM_COPY, 0, &fx->report, &err),
	    MV_ECORRUPT, &err);
	assert_says(&err, "users.sign_in_token");
	assert_says(&err, "4.6");
}

static void
a_trigger_in_the_way_is_found_out(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	plant(fx, "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS "
	    "'BEGIN RETURN NULL; END'; CREATE TRIGGER keep BEFORE DELETE ON "
	    "scheduled_statuses FOR EACH ROW EXECUTE FUNCTION keep()");
	assert_ok(mv_pg_exec(fx->s, "BEGIN", &err), &err);
	assert_fails(mv_disarm(fx->s, MV_HARM_COPY, 0, &fx->report, &err),
	    MV_EIO, &err);
	assert_says(&err, "scheduled_statuses");
	assert_says(&err, "trigger");
}

static void
nothing_is_left_in_the_tables_files_after_scrubbing(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;
	static const char in_files[] =
	    "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = "
	    "c.relnamespace WHERE n.nspname = 'public' AND c.relkind IN ('r', "
	    "'i') AND position('\\x504c414e544544'::bytea IN "
	    "pg_read_binary_file(pg_relation_filepath(c.oid))) > 0";

	plant(fx, NULL);
	disarm(fx, MV_HARM_COPY);
	mv_test_pg_sql(&fx->pg, "data", "CHECKPOINT");
	mv_auto(mv_freep) char *before = mv_test_pg_value(&fx->pg, "data",
	    in_files);
	assert_true(strtol(before, NULL, 10) > 5);
	assert_ok(mv_disarm_scrub(fx->s, &fx->report, &err), &err);
	mv_test_pg_sql(&fx->pg, "data", "CHECKPOINT");
	assert_value(fx, in_files, "0");
}

static void
after_a_leak_only_what_was_asked_for_is_revoked(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	plant(fx, NULL);
	assert_ok(mv_pg_exec(fx->s, "BEGIN", &err), &err);
	assert_ok(mv_revoke_in_database(fx->s, &fx->revoke, &err), &err);
	assert_ok(mv_pg_exec(fx->s, "COMMIT", &err), &err);
	assert_int_equal(rows_of(&fx->revoke.report, "web_push_subscriptions",
	    NULL), 1);
	assert_value(fx, "SELECT count(*) FROM users WHERE "
	    "coalesce(reset_password_token, confirmation_token, "
	    "sign_in_token) IS NOT NULL", "0");
	assert_value(fx, "SELECT count(*) FROM webhooks WHERE secret ~ "
	    "'^[0-9a-f]{64}$' AND enabled", "1");
	assert_value(fx, "SELECT count(*) FROM oauth_access_tokens WHERE "
	    "revoked_at IS NULL", "2");
	assert_value(fx, "SELECT count(*) FROM session_activations", "1");
	assert_value(fx, "SELECT count(*) FROM session_activations WHERE "
	    "web_push_subscription_id IS NOT NULL", "0");
	assert_value(fx, "SELECT otp_required_for_login FROM users WHERE id = "
	    "9101", "t");
	assert_value(fx, "SELECT email FROM users WHERE id = 9101",
	    "PLANTED.one@people.example");
}

static void
after_a_leak_everything_is_revoked_when_asked_for(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;
	uint64_t tokens;

	plant(fx, NULL);
	fx->revoke.tokens = fx->revoke.sessions = true;
	fx->revoke.two_factor = true;
	assert_ok(mv_revoke_count(fx->s, &fx->revoke, &err), &err);
	tokens = rows_of(&fx->revoke.report, "oauth_access_tokens",
	    "revoked_at");
	assert_int_equal(tokens, 2);
	assert_value(fx, "SELECT count(*) FROM oauth_access_tokens WHERE "
	    "revoked_at IS NULL", "2");
	assert_ok(mv_pg_exec(fx->s, "BEGIN", &err), &err);
	assert_ok(mv_revoke_in_database(fx->s, &fx->revoke, &err), &err);
	assert_ok(mv_pg_exec(fx->s, "COMMIT", &err), &err);
	assert_value(fx, "SELECT count(*) FROM oauth_access_tokens WHERE "
	    "revoked_at IS NULL", "0");
	assert_value(fx, "SELECT count(*) FROM oauth_access_grants WHERE "
	    "revoked_at IS NULL", "0");
	assert_value(fx, "SELECT count(*) FROM session_activations", "0");
	assert_value(fx, "SELECT count(*) FROM invites WHERE expires_at > "
	    "now() OR expires_at IS NULL", "0");
	assert_value(fx, "SELECT count(*) FROM users WHERE otp_secret IS NOT "
	    "NULL OR otp_required_for_login OR otp_backup_codes IS NOT NULL",
	    "0");
	assert_value(fx, "SELECT count(*) FROM webauthn_credentials", "0");
	/* Resumed after a kill, it still says what it did. */
	assert_ok(mv_pg_exec(fx->s, "BEGIN", &err), &err);
	assert_ok(mv_revoke_in_database(fx->s, &fx->revoke, &err), &err);
	assert_ok(mv_pg_exec(fx->s, "COMMIT", &err), &err);
}

/* A column that is not there, and a trigger that refuses. */
static void
after_a_leak_what_fails_is_noted_and_the_rest_is_done(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;
	size_t i, problems = 0;

	plant(fx, "ALTER TABLE users RENAME sign_in_token TO other;"
	    "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS "
	    "'BEGIN RAISE EXCEPTION ''not that one''; END';"
	    "CREATE TRIGGER no BEFORE DELETE ON session_activations FOR EACH "
	    "ROW EXECUTE FUNCTION no()");
	fx->revoke.tokens = fx->revoke.sessions = true;
	assert_ok(mv_pg_exec(fx->s, "BEGIN", &err), &err);
	assert_ok(mv_revoke_in_database(fx->s, &fx->revoke, &err), &err);
	assert_ok(mv_pg_exec(fx->s, "COMMIT", &err), &err);
	for (i = 0; i < fx->revoke.report.n; i++) {
		const struct mv_disarmed *d = &fx->revoke.report.list[i];

		if (d->problem == NULL)
			continue;
		problems++;
		assert_true(strstr(d->problem, "users.sign_in_token") ||
		    strstr(d->problem, "not that one"));
	}
	assert_int_equal(problems, 2);
	assert_value(fx, "SELECT count(*) FROM session_activations", "1");
	assert_value(fx, "SELECT count(*) FROM oauth_access_tokens WHERE "
	    "revoked_at IS NULL", "0");
	assert_value(fx, "SELECT count(*) FROM web_push_subscriptions", "0");
}

static void
what_was_exposed_is_counted(void **state)
{
	struct fx *fx = *state;
	struct mv_exposed e = { 0 };
	struct mv_err err;

	plant(fx, NULL);
	assert_ok(mv_exposed_count(fx->s, &e, &err), &err);
	assert_int_equal(e.users, 2);
	assert_int_equal(e.addresses, 3);
	assert_int_equal(e.messages, 2);
	assert_int_equal(e.followers_only, 1);
	assert_int_equal(e.tokens, 2);
	assert_int_equal(e.sessions, 1);
	assert_int_equal(e.two_factor, 1);
	assert_int_equal(e.keys, 2);
	assert_int_equal(e.fasp_providers, 1);
	assert_int_equal(e.webhooks, 1);
	drop(state);
	plant(fx, to_3_5);
	assert_ok(mv_exposed_count(fx->s, &e, &err), &err);
	assert_int_equal(e.fasp_providers, 0);
	assert_int_equal(e.users, 2);
}

#define TEST(f) cmocka_unit_test_teardown(f, drop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_copy_of_4_6_holds_nothing_that_was_planted),
		TEST(a_copy_of_3_5_holds_nothing_that_was_planted),
		TEST(a_copy_of_4_3_holds_nothing_that_was_planted),
		TEST(a_copy_of_a_newer_version_loses_the_keys_that_moved),
		TEST(doing_it_again_changes_nothing),
		TEST(a_dry_run_counts_the_same_and_changes_nothing),
		TEST(what_its_version_should_have_must_be_there),
		TEST(a_trigger_in_the_way_is_found_out),
		TEST(nothing_is_left_in_the_tables_files_after_scrubbing),
		TEST(after_a_leak_only_what_was_asked_for_is_revoked),
		TEST(after_a_leak_everything_is_revoked_when_asked_for),
		TEST(after_a_leak_what_fails_is_noted_and_the_rest_is_done),
		TEST(what_was_exposed_is_counted),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
