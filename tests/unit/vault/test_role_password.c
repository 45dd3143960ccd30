/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/scram.h"
#include "support/pg.h"
#include "vault/role_password.h"

#define OLD "the-old-password-0815"
#define NEW "the-new-password-4711"
#define HBA "local all postgres trust\n" \
	"local all daemon peer\n" \
	"host all trusted 127.0.0.1/32 trust\n" \
	"host all all 127.0.0.1/32 "

struct fx {
	struct mv_test_pg pg;
	struct mv_pg *place;
	struct mv_pg_session *s;
	struct mv_secret *old, *new, *verifier;
	char *mastodon;		/* a connection string for the role */
	struct mv_err err;
};

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	*state = fx;
	signal(SIGPIPE, SIG_IGN);
	assert_ok(mv_secret_init(&fx->err), &fx->err);
	assert_ok(mv_secret_from(OLD, strlen(OLD), &fx->old, &fx->err),
	    &fx->err);
	assert_ok(mv_secret_from(NEW, strlen(NEW), &fx->new, &fx->err),
	    &fx->err);
	if (!mv_test_pg_start_tcp(&fx->pg))
		return 0;
	mv_test_pg_hba(&fx->pg, HBA "scram-sha-256\n");
	/* Nothing that is said to this server goes unwritten. */
	mv_test_pg_sql(&fx->pg, "postgres",
	    "ALTER SYSTEM SET log_statement = 'all'");
	mv_test_pg_sql(&fx->pg, "postgres",
	    "ALTER SYSTEM SET log_min_duration_statement = 0");
	mv_test_pg_sql(&fx->pg, "postgres", "SELECT pg_reload_conf()");
	mv_test_pg_sql(&fx->pg, "postgres", "CREATE ROLE other LOGIN");
	mv_test_pg_sql(&fx->pg, "postgres", "CREATE ROLE trusted LOGIN");
	mv_test_pg_sql(&fx->pg, "postgres", "CREATE ROLE daemon LOGIN");
	mv_test_pg_sql(&fx->pg, "postgres", "CREATE ROLE \"mas'to\"\"don\" "
	    "LOGIN");
	assert_true(asprintf(&fx->mastodon, "host=127.0.0.1 port=%d "
	    "dbname=postgres user='mas\\'to\"don' connect_timeout=5",
	    fx->pg.port) > 0);
	return 0;
}

#define ROLE "mas'to\"don"

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_test_pg_stop(&fx->pg);
	mv_secret_free(fx->old);
	mv_secret_free(fx->new);
	free(fx->mastodon);
	free(fx);
	return 0;
}

static int
close_all(void **state)
{
	struct fx *fx = *state;

	mv_secret_freep(&fx->verifier);
	mv_pg_session_freep(&fx->s);
	mv_pg_freep(&fx->place);
	return 0;
}

/* A session as role, or as the superuser; Mastodon's role has OLD. */
static void
begin(struct fx *fx, const char *role)
{
	mv_auto(mv_freep) char *conninfo = NULL;
	struct mv_pg_target target;

	if (fx->pg.pid == 0)
		skip();
	/* In clear, but unwritten. */
	assert_int_equal(setenv("PGOPTIONS", "-c log_statement=none "
	    "-c log_min_duration_statement=-1", 1), 0);
	mv_test_pg_sql(&fx->pg, "postgres",
	    "ALTER ROLE \"mas'to\"\"don\" PASSWORD '" OLD "'");
	assert_int_equal(unsetenv("PGOPTIONS"), 0);
	if (role == NULL)
		conninfo = mv_test_pg_db(&fx->pg, "postgres");
	else
		conninfo = strdup(role);
	assert_non_null(conninfo);
	target = mv_test_pg_target(conninfo);
	target.password = fx->old;
	assert_ok(mv_pg_new(&target, &fx->place, &fx->err), &fx->err);
	assert_ok(mv_pg_session_open(fx->place, NULL, &fx->s, &fx->err),
	    &fx->err);
	assert_ok(mv_pg_exec(fx->s, "BEGIN", &fx->err), &fx->err);
}

static void
end(struct fx *fx, const char *how)
{
	assert_ok(mv_pg_exec(fx->s, how, &fx->err), &fx->err);
}

/* Which of both passwords the role has, over TCP. */
static void
role_has(struct fx *fx, struct mv_secret *yes, struct mv_secret *no)
{
	struct mv_pg_target place = mv_test_pg_target(fx->mastodon);
	bool used = false;

	assert_ok(mv_role_password_try(&place, yes, &used, &fx->err),
	    &fx->err);
	assert_true(used);
	assert_fails(mv_role_password_try(&place, no, &used, &fx->err),
	    MV_EAUTH, &fx->err);
}

/* What the server wrote must not have it, and what it did, too. */
static void
server_never_saw(struct fx *fx, const char *text)
{
	mv_auto(mv_buf_clear) struct mv_buf log = { 0 };
	mv_auto(mv_freep) char *path = mv_test_path(fx->pg.dir, "log");
	mv_auto(mv_freep) char *count = NULL, *sql = NULL;

	mv_test_read(path, &log);
	assert_non_null(memmem(log.p, log.len, "CREATE ROLE", 11));
	assert_null(memmem(log.p, log.len, text, strlen(text)));
	assert_true(asprintf(&sql, "SELECT count(*) FROM pg_stat_activity "
	    "WHERE query LIKE '%%' || '%.5s' || '%s' || '%%'", text,
	    text + 5) > 0);
	count = mv_test_pg_value(&fx->pg, "postgres", sql);
	assert_string_equal(count, "0");
}

static char *
verifier_of(struct fx *fx)
{
	return mv_test_pg_value(&fx->pg, "postgres", "SELECT rolpassword "
	    "FROM pg_authid WHERE rolname = 'mas''to\"don'");
}

static void
postgres_computes_the_same_verifier(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *theirs = NULL;
	char ours[MV_SCRAM_TEXT];
	struct mv_scram v;

	begin(fx, NULL);
	theirs = verifier_of(fx);
	assert_non_null(theirs);
	assert_ok(mv_scram_decode(theirs, strlen(theirs), &v, &fx->err),
	    &fx->err);
	memset(v.stored_key, 0, sizeof(v.stored_key));
	memset(v.server_key, 0, sizeof(v.server_key));
	assert_ok(mv_scram_compute(fx->old, &v, &fx->err), &fx->err);
	mv_scram_encode(&v, ours);
	assert_string_equal(ours, theirs);
}

static void
a_superuser_changes_it_and_nothing_is_written_down(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *verifier = NULL;

	begin(fx, NULL);
	assert_ok(mv_role_password_set(fx->s, ROLE, fx->new, &fx->err),
	    &fx->err);
	server_never_saw(fx, NEW);
	/* Logging goes on within the same transaction. */
	assert_ok(mv_pg_exec(fx->s, "SET LOCAL geqo = on", &fx->err),
	    &fx->err);
	end(fx, "COMMIT");
	role_has(fx, fx->new, fx->old);
	server_never_saw(fx, NEW);
	verifier = verifier_of(fx);
	server_never_saw(fx, verifier);
	{
		mv_auto(mv_buf_clear) struct mv_buf log = { 0 };
		mv_auto(mv_freep) char *path = mv_test_path(fx->pg.dir,
		    "log");

		mv_test_read(path, &log);
		assert_non_null(memmem(log.p, log.len,
		    "SET LOCAL geqo = on", 19));
	}
}

static void
a_role_changes_its_own(void **state)
{
	struct fx *fx = *state;

	begin(fx, fx->mastodon != NULL ? fx->mastodon : "");
	assert_ok(mv_role_password_set(fx->s, ROLE, fx->new, &fx->err),
	    &fx->err);
	server_never_saw(fx, NEW);
	/* The session that did it goes on. */
	end(fx, "COMMIT");
	end(fx, "BEGIN");
	role_has(fx, fx->new, fx->old);
	server_never_saw(fx, NEW);
	/* And so does the way back, by the old password. */
	assert_ok(mv_role_password_set(fx->s, ROLE, fx->old, &fx->err),
	    &fx->err);
	end(fx, "COMMIT");
	role_has(fx, fx->old, fx->new);
	server_never_saw(fx, OLD);
}

static void
rolled_back_the_old_password_stays(void **state)
{
	struct fx *fx = *state;

	begin(fx, NULL);
	assert_ok(mv_role_password_set(fx->s, ROLE, fx->new, &fx->err),
	    &fx->err);
	role_has(fx, fx->old, fx->new);
	end(fx, "ROLLBACK");
	role_has(fx, fx->old, fx->new);
}

static void
a_killed_server_keeps_the_old_password(void **state)
{
	struct fx *fx = *state;

	begin(fx, NULL);
	assert_ok(mv_role_password_set(fx->s, ROLE, fx->new, &fx->err),
	    &fx->err);
	mv_test_pg_crash(&fx->pg);
	mv_test_pg_again(&fx->pg);
	role_has(fx, fx->old, fx->new);
}

static void
the_old_verifier_comes_back_as_it_was(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *before = NULL, *after = NULL;

	begin(fx, NULL);
	before = verifier_of(fx);
	assert_ok(mv_role_verifier_get(fx->s, ROLE, &fx->verifier, &fx->err),
	    &fx->err);
	assert_ok(mv_role_password_set(fx->s, ROLE, fx->new, &fx->err),
	    &fx->err);
	end(fx, "COMMIT");
	role_has(fx, fx->new, fx->old);
	end(fx, "BEGIN");
	assert_ok(mv_role_verifier_set(fx->s, ROLE, fx->verifier, &fx->err),
	    &fx->err);
	end(fx, "COMMIT");
	after = verifier_of(fx);
	assert_string_equal(after, before);
	role_has(fx, fx->old, fx->new);
	server_never_saw(fx, before);
	/* What is no verifier would become a password in clear. */
	assert_fails(mv_role_verifier_set(fx->s, ROLE, fx->new, &fx->err),
	    MV_EUSAGE, &fx->err);
}

static void
a_role_without_a_password_has_none_again(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *after = NULL;

	begin(fx, NULL);
	assert_ok(mv_role_verifier_set(fx->s, ROLE, NULL, &fx->err),
	    &fx->err);
	assert_ok(mv_role_verifier_get(fx->s, ROLE, &fx->verifier, &fx->err),
	    &fx->err);
	assert_null(fx->verifier);
	end(fx, "COMMIT");
	after = verifier_of(fx);
	assert_string_equal(after, "");
}

static void
md5_servers_take_verifiers_too(void **state)
{
	struct fx *fx = *state;

	begin(fx, NULL);
	mv_test_pg_hba(&fx->pg, HBA "md5\n");
	/* md5 of password and role, as that server had it. */
	end(fx, "ALTER ROLE \"mas'to\"\"don\" PASSWORD 'md5"
	    "40b99176940402ec716e5852117cc970'");
	assert_ok(mv_role_verifier_get(fx->s, ROLE, &fx->verifier, &fx->err),
	    &fx->err);
	assert_memory_equal(mv_secret_bytes(fx->verifier), "md5", 3);
	end(fx, "COMMIT");
	role_has(fx, fx->old, fx->new);
	end(fx, "BEGIN");
	assert_ok(mv_role_password_set(fx->s, ROLE, fx->new, &fx->err),
	    &fx->err);
	end(fx, "COMMIT");
	role_has(fx, fx->new, fx->old);
	end(fx, "BEGIN");
	assert_ok(mv_role_verifier_set(fx->s, ROLE, fx->verifier, &fx->err),
	    &fx->err);
	end(fx, "COMMIT");
	role_has(fx, fx->old, fx->new);
	mv_test_pg_hba(&fx->pg, HBA "scram-sha-256\n");
}

static void
who_may_not_is_told_so(void **state)
{
	struct fx *fx = *state;

	begin(fx, fx->mastodon != NULL ? fx->mastodon : "");
	assert_fails(mv_role_verifier_get(fx->s, ROLE, &fx->verifier,
	    &fx->err), MV_EAUTH, &fx->err);
	/* The transaction can still be used. */
	end(fx, "SELECT 1");
	assert_fails(mv_role_password_set(fx->s, "other", fx->new, &fx->err),
	    MV_EAUTH, &fx->err);
	assert_says(&fx->err, "change the password of role 'other'");
	end(fx, "ROLLBACK");
	server_never_saw(fx, NEW);
}

static void
roles_and_passwords_that_are_none_are_refused(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_secret_freep) struct mv_secret *umlaut = NULL;

	begin(fx, NULL);
	assert_fails(mv_role_verifier_get(fx->s, "nobody'", &fx->verifier,
	    &fx->err), MV_ENOTFOUND, &fx->err);
	assert_fails(mv_role_password_set(fx->s, "nobody'", fx->new,
	    &fx->err), MV_ENOTFOUND, &fx->err);
	end(fx, "ROLLBACK");
	assert_ok(mv_secret_from("\xc3\xa4", 2, &umlaut, &fx->err), &fx->err);
	assert_fails(mv_role_password_set(fx->s, ROLE, umlaut, &fx->err),
	    MV_EUSAGE, &fx->err);
}

static void
where_nobody_asks_there_is_nothing_to_rotate(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *trusted = NULL, *peer = NULL;
	struct mv_pg_target place = { 0 };
	bool used = true;

	begin(fx, NULL);
	assert_true(asprintf(&trusted, "host=127.0.0.1 port=%d "
	    "dbname=postgres user=trusted", fx->pg.port) > 0);
	place = mv_test_pg_target(trusted);
	assert_ok(mv_role_password_try(&place, fx->new, &used, &fx->err),
	    &fx->err);
	assert_false(used);
	used = true;
	assert_ok(mv_role_password_try(&place, NULL, &used, &fx->err),
	    &fx->err);
	assert_false(used);
	place = mv_test_pg_target(fx->mastodon);
	assert_fails(mv_role_password_try(&place, NULL, &used, &fx->err),
	    MV_EAUTH, &fx->err);
	if (geteuid() != 0 || getpwnam("daemon") == NULL)
		return;
	/* By peer authentication, as that account. */
	assert_true(asprintf(&peer, "host=%s port=%d dbname=postgres "
	    "user=daemon", fx->pg.dir, fx->pg.port) > 0);
	place = mv_test_pg_target(peer);
	used = true;
	assert_ok(mv_role_password_try(&place, fx->new, &used, &fx->err),
	    &fx->err);
	assert_false(used);
}

static void
another_password_on_the_way_is_refused(void **state)
{
	static const char *const prefix[] = { "env", NULL };
	struct fx *fx = *state;
	mv_auto(mv_freep) char *own = NULL;
	struct mv_pg_target place;
	bool used;

	begin(fx, NULL);
	assert_true(asprintf(&own, "%s password=" OLD, fx->mastodon) > 0);
	place = mv_test_pg_target(own);
	assert_fails(mv_role_password_try(&place, fx->new, &used, &fx->err),
	    MV_EUSAGE, &fx->err);
	place = mv_test_pg_target(fx->mastodon);
	assert_int_equal(setenv("PGPASSWORD", OLD, 1), 0);
	assert_fails(mv_role_password_try(&place, fx->new, &used, &fx->err),
	    MV_EUSAGE, &fx->err);
	assert_int_equal(unsetenv("PGPASSWORD"), 0);
	place.exec_prefix = prefix;
	assert_fails(mv_role_password_try(&place, fx->new, &used, &fx->err),
	    MV_EUSAGE, &fx->err);
}

int
main(void)
{
#define T(f) cmocka_unit_test_teardown(f, close_all)
	const struct CMUnitTest tests[] = {
		T(postgres_computes_the_same_verifier),
		T(a_superuser_changes_it_and_nothing_is_written_down),
		T(a_role_changes_its_own),
		T(rolled_back_the_old_password_stays),
		T(the_old_verifier_comes_back_as_it_was),
		T(a_role_without_a_password_has_none_again),
		T(md5_servers_take_verifiers_too),
		T(who_may_not_is_told_so),
		T(roles_and_passwords_that_are_none_are_refused),
		T(where_nobody_asks_there_is_nothing_to_rotate),
		T(another_password_on_the_way_is_refused),
		T(a_killed_server_keeps_the_old_password),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
