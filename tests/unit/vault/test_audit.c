/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "mastodon/vapid.h"
#include "vault/audit.h"

#define GOOD "SECRET_KEY_BASE=" \
	"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" \
	"60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752\n" \
	"ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY=Wq7ZpL0xk3VnTb5RyJ8sHd2MfGc6Ae1u\n" \
	"ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT=b4YtQ9wEz6KmXj1NcR7uLh3SvPa8Do5g\n" \
	"ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY=Zx2CvB8nM4aSdF6gHj0KlQ9wEr7TyU1i\n"

static const struct mv_release_no v44 = { 4, 4 };

struct fx {
	struct mv_audit a;
	struct mv_dotenv *env, *other;
	char dir[32];
	pid_t child;
};

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));
	struct mv_err err;

	assert_non_null(fx);
	assert_ok(mv_secret_init(&err), &err);
	(void)snprintf(fx->dir, sizeof(fx->dir), "/tmp/mv-audit.XXXXXX");
	assert_non_null(mkdtemp(fx->dir));
	*state = fx;
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;
	char path[64];

	if (fx->child > 0) {
		(void)kill(fx->child, SIGKILL);
		(void)waitpid(fx->child, NULL, 0);
	}
	(void)snprintf(path, sizeof(path), "%s/.env", fx->dir);
	(void)unlink(path);
	(void)rmdir(fx->dir);
	mv_audit_clear(&fx->a);
	mv_dotenv_free(fx->env);
	mv_dotenv_free(fx->other);
	free(fx);
	return 0;
}

static void
load(struct mv_dotenv **env, const char *text)
{
	struct mv_err err;

	mv_dotenv_freep(env);
	assert_ok(mv_dotenv_new(env, &err), &err);
	assert_ok(mv_dotenv_add(*env, text, strlen(text), &err), &err);
}

/* Findings with this code and, unless it is NULL, this name. */
static size_t
found(const struct fx *fx, const char *code, const char *name)
{
	size_t i, n = 0;

	for (i = 0; i < fx->a.n; i++)
		n += strcmp(fx->a.findings[i].code, code) == 0 &&
		    (name == NULL || (fx->a.findings[i].name != NULL &&
		    strcmp(fx->a.findings[i].name, name) == 0));
	return n;
}

static void
audit(struct fx *fx, const char *text)
{
	struct mv_err err;

	mv_audit_clear(&fx->a);
	load(&fx->env, text);
	assert_ok(mv_audit_values(&fx->a, "here", fx->env, &v44, &err), &err);
}

static void
good_values_are_no_findings(void **state)
{
	struct fx *fx = *state;

	audit(fx, GOOD "DB_PASS=\nSMTP_PASSWORD=x\n");
	assert_int_equal(fx->a.n, 0);
	assert_int_equal(fx->a.nunchecked, 0);
}

static void
each_fault_has_its_code(void **state)
{
	struct fx *fx = *state;

	audit(fx, GOOD "SECRET_KEY_BASE=\nOTP_SECRET=old\n"
	    "DB_PASS=mastodon\nREDIS_PASSWORD=${ELSEWHERE}\n"
	    "ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY="
	    "fkSxKD2bF396kdQbrP1EJ7WbU7ZgNokR_DO_NOT_USE_IN_PRODUCTION\n");
	assert_int_equal(found(fx, "empty", "SECRET_KEY_BASE"), 1);
	assert_int_equal(found(fx, "dead", "OTP_SECRET"), 1);
	assert_int_equal(found(fx, "short", "DB_PASS"), 1);
	assert_int_equal(found(fx, "sample",
	    "ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY"), 1);
	assert_int_equal(fx->a.nunchecked, 1);
	audit(fx, "A=1\n");
	assert_int_equal(found(fx, "missing", NULL), 4);
}

static void
halves_of_two_pairs_are_found(void **state)
{
	struct fx *fx = *state;
	char pub[MV_VAPID_PUBLIC_TEXT + 1], other[MV_VAPID_PUBLIC_TEXT + 1];
	struct mv_sbuf priv = { 0 }, rest = { 0 };
	char text[1024];
	struct mv_err err;

	assert_ok(mv_vapid_generate(&priv, pub, &err), &err);
	assert_ok(mv_vapid_generate(&rest, other, &err), &err);
	(void)snprintf(text, sizeof(text),
	    GOOD "VAPID_PRIVATE_KEY=%.*s\nVAPID_PUBLIC_KEY=%s\n",
	    (int)priv.len, (char *)priv.p, pub);
	audit(fx, text);
	assert_int_equal(fx->a.n, 0);
	(void)snprintf(text, sizeof(text),
	    GOOD "VAPID_PRIVATE_KEY=%.*s\nVAPID_PUBLIC_KEY=%s\n",
	    (int)priv.len, (char *)priv.p, other);
	audit(fx, text);
	assert_int_equal(found(fx, "vapid", "VAPID_PRIVATE_KEY"), 1);
	assert_int_equal(fx->a.n, 1);
	mv_sbuf_clear(&priv);
	mv_sbuf_clear(&rest);
}

static void
what_two_environments_share_is_found(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	load(&fx->env, GOOD "DB_PASS=one\nREDIS_PASSWORD=\nDB_HOST=db\n");
	load(&fx->other, GOOD "DB_PASS=two\nREDIS_PASSWORD=\nDB_HOST=db\n"
	    "SECRET_KEY_BASE=other\n");
	assert_ok(mv_audit_shared(&fx->a, "here", fx->env, "there", fx->other,
	    &err), &err);
	assert_int_equal(fx->a.n, 3);
	assert_int_equal(found(fx, "shared", NULL), 3);
	assert_int_equal(found(fx, "shared", "SECRET_KEY_BASE"), 0);
}

static void
what_is_too_old_is_found(void **state)
{
	struct fx *fx = *state;
	char pass[] = "DB_PASS", domain[] = "LOCAL_DOMAIN";
	char otp[] = "OTP_SECRET";
	struct mv_vault_age list[] = {
		{ .name = pass, .time = 1000 },
		{ .name = domain, .time = 1000 },
		{ .name = otp, .time = 1001 },
	};
	const struct mv_vault_ages ages = { list, 3 };
	struct mv_err err;

	assert_ok(mv_audit_ages(&fx->a, "here", &ages, 2001, 1000, &err),
	    &err);
	assert_int_equal(fx->a.n, 1);
	assert_int_equal(found(fx, "old", "DB_PASS"), 1);
}

static void
a_file_that_others_read_is_found(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/.env", fx->dir);
	assert_ok(mv_file_create(path, "A=1\n", 4, 0600, &err), &err);
	assert_ok(mv_audit_file(&fx->a, "here", path, &err), &err);
	assert_int_equal(fx->a.n, 0);
	assert_int_equal(chmod(path, 0604), 0);
	assert_ok(mv_audit_file(&fx->a, "here", path, &err), &err);
	assert_int_equal(found(fx, "readable", NULL), 1);
	assert_int_equal(fx->a.n, 1);
}

static void
processes_with_other_values_are_found(void **state)
{
	struct fx *fx = *state;
	char pass[] = "DB_PASS=another", smtp[] = "SMTP_PASSWORD=same";
	char domain[] = "LOCAL_DOMAIN=elsewhere";
	char name[] = "sleep", time[] = "60";
	char *const argv[] = { name, time, NULL };
	char *const env[] = { pass, smtp, domain, NULL };
	struct mv_err err;
	int i;

	load(&fx->env, "DB_PASS=mine\nSMTP_PASSWORD=same\nLOCAL_DOMAIN=here\n");
	fx->child = fork();
	assert_true(fx->child >= 0);
	if (fx->child == 0) {
		if (chdir(fx->dir) == 0)
			(void)execvpe("sleep", argv, env);
		_exit(127);
	}
	/* It takes a moment until it is sleep(1). */
	for (i = 0; i < 100 && fx->a.n == 0; i++) {
		(void)usleep(20000);
		assert_ok(mv_audit_running(&fx->a, "here", fx->dir, geteuid(),
		    fx->env, &err), &err);
	}
	assert_int_equal(found(fx, "running", "DB_PASS"), 1);
	assert_int_equal(fx->a.n, 1);
	assert_null(strstr(fx->a.findings[0].advice, "mine"));
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(good_values_are_no_findings),
		test(each_fault_has_its_code),
		test(halves_of_two_pairs_are_found),
		test(what_two_environments_share_is_found),
		test(what_is_too_old_is_found),
		test(a_file_that_others_read_is_found),
		test(processes_with_other_values_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
