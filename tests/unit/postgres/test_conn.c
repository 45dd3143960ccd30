/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "postgres/source.h"
#include "support/mv_test.h"
#include "support/pg.h"

struct fx {
	struct mv_test_pg pg;
	struct mv_pg *place;
	struct mv_pg_source *src;
	struct mv_pg_worker *worker;
	struct mv_buf got;
};

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));
	struct mv_err err;

	assert_non_null(fx);
	*state = fx;
	signal(SIGPIPE, SIG_IGN);
	assert_ok(mv_secret_init(&err), &err);
	if (!mv_test_pg_start(&fx->pg))
		return 0;
	mv_test_pg_sql(&fx->pg, "postgres", "CREATE DATABASE data");
	mv_test_pg_sql(&fx->pg, "data", "CREATE TABLE t AS SELECT 'x' AS v");
	mv_test_pg_sql(&fx->pg, "data", "CREATE ROLE pw SUPERUSER LOGIN "
	    "PASSWORD 'pa:ss \\ ''w'; CREATE ROLE nobody SUPERUSER LOGIN");
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_test_pg_stop(&fx->pg);
	free(fx);
	return 0;
}

static int
close_all(void **state)
{
	struct fx *fx = *state;

	mv_pg_worker_free(fx->worker);
	mv_pg_source_free(fx->src);
	mv_pg_free(fx->place);
	mv_buf_clear(&fx->got);
	fx->worker = NULL;
	fx->src = NULL;
	fx->place = NULL;
	return 0;
}

static void
need_server(struct fx *fx)
{
	if (fx->pg.pid == 0)
		skip();
}

static int
keep(void *arg, const uint8_t *buf, size_t len, struct mv_err *err)
{
	struct mv_buf *out = arg;

	mv_buf_put(out, buf, len);
	return mv_buf_failed(out, err);
}

/* All ways in: a session, a worker's session and pg_dump. */
static void
read_all(struct fx *fx, const struct mv_pg_target *target)
{
	struct mv_sink sink = { .write = keep, .arg = &fx->got };
	struct mv_err err;
	uint64_t rows;

	assert_ok(mv_pg_new(target, &fx->place, &err), &err);
	assert_ok(mv_pg_source_open(fx->place, NULL, &fx->src, &err), &err);
	assert_ok(mv_pg_worker_open(fx->src, &fx->worker, &err), &err);
	assert_ok(mv_pg_copy_out(fx->worker,
	    &mv_pg_source_tables(fx->src)->v[0], &sink, &rows, &err), &err);
	assert_int_equal(rows, 1);
	assert_ok(mv_pg_dump_archive(fx->src, NULL, 0, &sink, &err), &err);
}

static void
a_password_reaches_libpq_and_pg_dump(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_secret_freep) struct mv_secret *password = NULL;
	mv_auto(mv_freep) char *conninfo = NULL;
	struct mv_pg_target target;
	struct mv_err err;
	char text[MV_ERR_TEXT_MAX];

	need_server(fx);
	mv_test_pg_hba(&fx->pg, "local all pw scram-sha-256\n"
	    "local all all trust\n");
	assert_true(asprintf(&conninfo, "host=%s port=5499 user=pw "
	    "dbname=data", fx->pg.dir) > 0);
	target = mv_test_pg_target(conninfo);
	assert_ok(mv_secret_from("pa:ss \\ 'w", 10, &password, &err), &err);
	target.password = password;
	read_all(fx, &target);
	close_all(state);

	mv_secret_bytes(password)[0] = 'X';
	assert_ok(mv_pg_new(&target, &fx->place, &err), &err);
	assert_fails(mv_pg_source_open(fx->place, NULL, &fx->src, &err),
	    MV_EAUTH, &err);
	(void)mv_err_text(&err, text, sizeof(text));
	assert_null(strstr(text, "Xa:ss"));
	close_all(state);
	target.password = NULL;
	assert_ok(mv_pg_new(&target, &fx->place, &err), &err);
	assert_fails(mv_pg_source_open(fx->place, NULL, &fx->src, &err),
	    MV_EAUTH, &err);
	assert_says(&err, "no password was given");
}

/* As root; elsewhere nobody can become somebody else. */
static void
peer_authentication_takes_the_other_account(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *conninfo = NULL;
	const struct passwd *pw = getpwnam("nobody");
	struct mv_pg_target target;
	struct mv_err err;

	need_server(fx);
	if (geteuid() != 0 || pw == NULL)
		skip();
	mv_test_pg_hba(&fx->pg, "local all nobody peer\n"
	    "local all all trust\n");
	assert_true(asprintf(&conninfo, "host=%s port=5499 user=nobody "
	    "dbname=data", fx->pg.dir) > 0);
	target = mv_test_pg_target(conninfo);
	target.uid = 1;		/* daemon, everywhere */
	target.gid = 1;
	assert_ok(mv_pg_new(&target, &fx->place, &err), &err);
	assert_fails(mv_pg_source_open(fx->place, NULL, &fx->src, &err),
	    MV_EAUTH, &err);
	assert_says(&err, "Peer authentication failed");
	close_all(state);

	/* Where nobody said whom: the account that is named like the role. */
	target.uid = (uid_t)-1;
	read_all(fx, &target);
	close_all(state);

	target.uid = pw->pw_uid;
	target.gid = pw->pw_gid;
	read_all(fx, &target);
	/* Only for the moment of connecting: we are who we were. */
	assert_int_equal(geteuid(), 0);
	assert_int_equal(access("/proc/1/environ", R_OK), 0);
	close_all(state);

	/* A password that happens to be there must not be in the way. */
	{
		mv_auto(mv_secret_freep) struct mv_secret *password = NULL;

		assert_ok(mv_secret_from("idle", 4, &password, &err), &err);
		target.password = password;
		read_all(fx, &target);
	}
}

static void
failures_to_connect_say_what_to_look_at(void **state)
{
	static const struct {
		const char *more;
		int code;
		const char *says;
	} cases[] = {
		{ "dbname=nowhere", MV_ENOTFOUND, "nowhere" },
		{ "user=stranger", MV_EAUTH, "stranger" },
		{ "port=1", MV_EIO, "is PostgreSQL running" },
		{ "port=6432", MV_EREFUSED, "pgbouncer" },
		{ "host=127.0.0.1 port=1", MV_EIO, "is PostgreSQL running" },
	};
	struct fx *fx = *state;
	size_t i;

	need_server(fx);
	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		mv_auto(mv_freep) char *base = mv_test_pg_db(&fx->pg, "data");
		mv_auto(mv_freep) char *conninfo = NULL;
		struct mv_pg_target target;
		struct mv_err err;

		assert_true(asprintf(&conninfo, "%s %s", base,
		    cases[i].more) > 0);
		target = mv_test_pg_target(conninfo);
		assert_ok(mv_pg_new(&target, &fx->place, &err), &err);
		assert_fails(mv_pg_source_open(fx->place, NULL, &fx->src,
		    &err), cases[i].code, &err);
		assert_says(&err, cases[i].says);
		close_all(state);
	}
}

/* No argument and no variable of any of our children may hold the password. */
static bool
children_show(const char *secret)
{
	static const char *const files[] = { "cmdline", "environ" };
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };
	struct dirent *e;
	char path[64];
	DIR *d = opendir("/proc");
	size_t i;

	while (d != NULL && (e = readdir(d)) != NULL)
		for (i = 0; i < MV_ARRAY_LEN(files); i++) {
			FILE *f;
			char buf[4096];
			size_t n;

			(void)snprintf(path, sizeof(path), "/proc/%ld/%s",
			    strtol(e->d_name, NULL, 10), files[i]);
			f = fopen(path, "rb");
			if (f == NULL)
				continue;
			while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
				mv_buf_put(&b, buf, n);
			(void)fclose(f);
		}
	if (d != NULL)
		(void)closedir(d);
	return memmem(b.p, b.len, secret, strlen(secret)) != NULL;
}

struct spy {
	const char *secret;
	bool looked, seen_dump, shown;
};

static int
spy_write(void *arg, const uint8_t *buf, size_t len, struct mv_err *err)
{
	struct spy *spy = arg;

	(void)buf;
	(void)len;
	(void)err;
	if (!spy->looked) {
		spy->shown = children_show(spy->secret);
		spy->seen_dump = children_show("--snapshot=");
	}
	spy->looked = true;
	return 0;
}

static void
the_password_is_in_no_argument_or_environment(void **state)
{
	static const char secret[] = "hunter2andahalf";
	struct fx *fx = *state;
	mv_auto(mv_freep) char *conninfo = NULL;
	struct spy spy = { .secret = secret };
	struct mv_sink sink = { .write = spy_write, .arg = &spy };
	struct mv_pg_target target;
	struct mv_err err;

	need_server(fx);
	mv_test_pg_sql(&fx->pg, "data", "CREATE TABLE IF NOT EXISTS large AS "
	    "SELECT repeat('y', 1000) FROM generate_series(1, 2000)");
	assert_true(asprintf(&conninfo, "host=%s port=5499 user=postgres "
	    "dbname=data password=%s", fx->pg.dir, secret) > 0);
	target = mv_test_pg_target(conninfo);
	assert_ok(mv_pg_new(&target, &fx->place, &err), &err);
	assert_ok(mv_pg_source_open(fx->place, NULL, &fx->src, &err), &err);
	assert_ok(mv_pg_dump_archive(fx->src, NULL, 0, &sink, &err), &err);
	assert_true(spy.looked);
	assert_true(spy.seen_dump);
	assert_false(spy.shown);
	close_all(state);
	mv_test_pg_sql(&fx->pg, "data", "DROP TABLE large");
}

static void
one_database_is_recognised_however_it_is_written(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{ "dbname=m", "host=/run/postgresql dbname=m port=5432", true },
		{ "host=localhost dbname=m", "postgresql:///m", true },
		{ "host=127.0.0.1 dbname=m", "hostaddr=127.0.0.1 dbname=m",
		    true },
		{ "host=DB.example dbname=m", "postgres://u@db.example/m", true },
		{ "user=m", "dbname=m user=other", true },
		{ "dbname=m", "dbname=n", false },
		{ "dbname=m", "dbname=m port=5433", false },
		{ "host=one.example dbname=m", "host=two.example dbname=m",
		    false },
		{ "host=one.example dbname=m", "dbname=m", false },
		{ "no conninfo", "no conninfo", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		if (mv_pg_same_database(cases[i].a, cases[i].b) !=
		    cases[i].same || mv_pg_same_database(cases[i].b,
		    cases[i].a) != cases[i].same)
			fail_msg("'%s' and '%s'", cases[i].a, cases[i].b);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_teardown(f, close_all)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    one_database_is_recognised_however_it_is_written),
		T(a_password_reaches_libpq_and_pg_dump),
		T(peer_authentication_takes_the_other_account),
		T(failures_to_connect_say_what_to_look_at),
		T(the_password_is_in_no_argument_or_environment),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
