/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/redis.h"
#include "vault/redis_password.h"

#define OLD "the old \"password\" \\x41"
#define OLD_IN_CONF "'the old \"password\" \\x41'"
#define NEW "the-new-password-4711"
#define SECOND "the-second-password"
#define USER "user mastodon on >old >" SECOND " ~* &* +@all\n"

struct fx {
	struct mv_test_redis redis;
	char *dir, *conf_dir, *conf;
	struct mv_redis_place place;
	struct mv_secret *old, *new, *second;
	struct mv_err err;
};

static struct mv_secret *
secret(struct fx *fx, const char *text)
{
	struct mv_secret *s = NULL;

	assert_ok(mv_secret_from(text, strlen(text), &s, &fx->err), &fx->err);
	return s;
}

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	*state = fx;
	signal(SIGPIPE, SIG_IGN);
	assert_ok(mv_secret_init(&fx->err), &fx->err);
	fx->old = secret(fx, OLD);
	fx->new = secret(fx, NEW);
	fx->second = secret(fx, SECOND);
	fx->dir = mv_test_dir();
	fx->conf_dir = mv_test_path(fx->dir, "etc");
	fx->conf = mv_test_path(fx->conf_dir, "redis.conf");
	fx->place.socket = mv_test_path(fx->dir, "sock");
	assert_int_equal(mkdir(fx->conf_dir, 0700), 0);
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_test_redis_stop(&fx->redis);
	mv_test_rmdir(fx->dir);
	mv_redis_place_clear(&fx->place);
	mv_secret_free(fx->old);
	mv_secret_free(fx->new);
	mv_secret_free(fx->second);
	free(fx->conf_dir);
	free(fx->conf);
	free(fx->dir);
	free(fx);
	return 0;
}

static void
start(struct fx *fx, const char *conf)
{
	if (!mv_test_redis_here()) {
		print_message("left out: there is no redis-server here\n");
		skip();
	}
	if (conf != NULL)
		mv_test_redis_conf(fx->dir, fx->conf, conf);
	mv_test_redis_start(&fx->redis, fx->dir,
	    conf != NULL ? fx->conf : NULL, OLD);
}

static void
restart(struct fx *fx)
{
	mv_test_redis_stop(&fx->redis);
	mv_test_redis_start(&fx->redis, fx->dir, fx->conf, NULL);
}

static void
works(struct fx *fx, struct mv_secret *password)
{
	bool used = false;

	assert_ok(mv_redis_password_try(&fx->place, password, &used,
	    &fx->err), &fx->err);
	assert_true(used);
}

static void
is_refused(struct fx *fx, struct mv_secret *password)
{
	bool used;

	assert_fails(mv_redis_password_try(&fx->place, password, &used,
	    &fx->err), MV_EAUTH, &fx->err);
}

/* Change it, and after that and a restart only the new one is good. */
static void
change_lasts(struct fx *fx)
{
	bool used = false;

	works(fx, fx->old);
	is_refused(fx, fx->new);
	is_refused(fx, NULL);
	assert_ok(mv_redis_password_check(&fx->place, fx->old, &used,
	    &fx->err), &fx->err);
	assert_true(used);
	assert_ok(mv_redis_password_set(&fx->place, fx->old, fx->new,
	    &fx->err), &fx->err);
	works(fx, fx->new);
	is_refused(fx, fx->old);
	restart(fx);
	works(fx, fx->new);
	is_refused(fx, fx->old);
}

/* It is refused, and says so; the old one stays. */
static void
change_fails(struct fx *fx, int code, const char *says)
{
	char text[MV_ERR_TEXT_MAX];

	works(fx, fx->old);
	assert_fails(mv_redis_password_set(&fx->place, fx->old, fx->new,
	    &fx->err), code, &fx->err);
	assert_says(&fx->err, says);
	(void)mv_err_text(&fx->err, text, sizeof(text));
	assert_null(strstr(text, OLD));
	assert_null(strstr(text, NEW));
	works(fx, fx->old);
	is_refused(fx, fx->new);
}

static void
requirepass_lasts_over_a_restart(void **state)
{
	struct fx *fx = *state;

	start(fx, "requirepass " OLD_IN_CONF "\n");
	change_lasts(fx);
	/* Once more is no error, and exchanged it is the way back. */
	assert_ok(mv_redis_password_set(&fx->place, fx->old, fx->new,
	    &fx->err), &fx->err);
	works(fx, fx->new);
	assert_ok(mv_redis_password_set(&fx->place, fx->new, fx->old,
	    &fx->err), &fx->err);
	restart(fx);
	works(fx, fx->old);
	is_refused(fx, fx->new);
}

static void
an_interrupted_change_is_finished(void **state)
{
	static const char cmd[] = "*2\r\n$4\r\nAUTH\r\n$3\r\nold\r\n"
	    "*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$11\r\nrequirepass\r\n"
	    "$21\r\n" NEW "\r\n";
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct fx *fx = *state;
	char answer[16];
	int fd;

	mv_secret_freep(&fx->old);
	fx->old = secret(fx, "old");
	start(fx, "requirepass old\n");
	/* Changed, and then killed before it was saved. */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s",
	    fx->place.socket);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(write(fd, cmd, sizeof(cmd) - 1), sizeof(cmd) - 1);
	assert_int_equal(recv(fd, answer, 10, MSG_WAITALL), 10);
	assert_memory_equal(answer, "+OK\r\n+OK\r\n", 10);
	(void)close(fd);
	is_refused(fx, fx->old);
	assert_ok(mv_redis_password_set(&fx->place, fx->old, fx->new,
	    &fx->err), &fx->err);
	restart(fx);
	works(fx, fx->new);
	is_refused(fx, fx->old);
}

static void
without_a_configuration_file_nothing_is_changed(void **state)
{
	struct fx *fx = *state;
	bool used;

	start(fx, NULL);
	assert_fails(mv_redis_password_check(&fx->place, fx->old, &used,
	    &fx->err), MV_EREFUSED, &fx->err);
	assert_says(&fx->err, "without a configuration file");
	change_fails(fx, MV_EREFUSED, "change 'requirepass' where Redis is");
}

static void
a_file_that_cannot_be_written_changes_it_back(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *away = mv_test_path(fx->dir, "away");

	start(fx, "requirepass " OLD_IN_CONF "\n");
	assert_int_equal(rename(fx->conf_dir, away), 0);
	change_fails(fx, MV_EREFUSED, "/etc/redis.conf' by hand");
	assert_int_equal(rename(away, fx->conf_dir), 0);
	restart(fx);
	works(fx, fx->old);
}

static void
a_line_that_is_included_later_is_found(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *more = mv_test_path(fx->conf_dir, "more");
	mv_auto(mv_freep) char *text = NULL;

	mv_test_write(more, "requirepass " OLD_IN_CONF "\n",
	    strlen("requirepass " OLD_IN_CONF "\n"));
	/* What the file had before the password is rewritten in its place. */
	assert_true(asprintf(&text, "requirepass x\nuser default on >x ~* "
	    "&* +@all\ninclude %s\n", more) > 0);
	mv_secret_freep(&fx->old);
	fx->old = secret(fx, "x");
	start(fx, text);
	change_fails(fx, MV_EREFUSED, "by an 'include'");
	restart(fx);
	works(fx, fx->old);
}

static void
an_acl_user_keeps_its_other_password(void **state)
{
	struct fx *fx = *state;

	mv_secret_freep(&fx->old);
	fx->old = secret(fx, "old");
	fx->place.user = strdup("mastodon");
	start(fx, USER "requirepass admin\n");
	works(fx, fx->second);
	change_lasts(fx);
	works(fx, fx->second);
}

static void
several_passwords_of_the_default_user_stay(void **state)
{
	struct fx *fx = *state;

	mv_secret_freep(&fx->old);
	fx->old = secret(fx, "old");
	start(fx, "user default on >old >" SECOND " ~* &* +@all\n");
	change_lasts(fx);
	works(fx, fx->second);
}

static void
an_aclfile_is_saved(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *acl = mv_test_path(fx->conf_dir, "acl");
	mv_auto(mv_freep) char *away = mv_test_path(fx->dir, "away");
	mv_auto(mv_freep) char *text = NULL;
	static const char users[] = "user default on >old ~* &* +@all\n" USER;

	mv_secret_freep(&fx->old);
	fx->old = secret(fx, "old");
	mv_test_write(acl, users, sizeof(users) - 1);
	assert_true(asprintf(&text, "aclfile %s\n", acl) > 0);
	start(fx, text);
	change_lasts(fx);
	fx->place.user = strdup("mastodon");
	change_lasts(fx);
	works(fx, fx->second);
	/* Not writable: both would be gone with the next restart. */
	mv_secret_freep(&fx->new);
	fx->new = secret(fx, "newer");
	mv_secret_freep(&fx->old);
	fx->old = secret(fx, NEW);
	assert_int_equal(rename(fx->conf_dir, away), 0);
	change_fails(fx, MV_EREFUSED, "its aclfile");
	assert_int_equal(rename(away, fx->conf_dir), 0);
}

static void
who_may_not_is_told_so(void **state)
{
	struct fx *fx = *state;
	bool used;

	mv_secret_freep(&fx->old);
	fx->old = secret(fx, "old");
	fx->place.user = strdup("weak");
	start(fx, "user weak on >old ~* &* +@all -@admin -@dangerous\n");
	assert_fails(mv_redis_password_check(&fx->place, fx->old, &used,
	    &fx->err), MV_EAUTH, &fx->err);
	change_fails(fx, MV_EAUTH, "NOPERM");
}

static void
where_everybody_is_let_in_there_is_nothing_to_rotate(void **state)
{
	struct fx *fx = *state;
	bool used = true;

	start(fx, "user open on nopass ~* &* +@all\n");
	assert_ok(mv_redis_password_try(&fx->place, fx->old, &used,
	    &fx->err), &fx->err);
	assert_false(used);
	used = true;
	assert_ok(mv_redis_password_check(&fx->place, fx->old, &used,
	    &fx->err), &fx->err);
	assert_false(used);
	assert_fails(mv_redis_password_set(&fx->place, fx->old, fx->new,
	    &fx->err), MV_EREFUSED, &fx->err);
	fx->place.user = strdup("open");
	used = true;
	assert_ok(mv_redis_password_try(&fx->place, fx->old, &used,
	    &fx->err), &fx->err);
	assert_false(used);
}

static void
a_replica_is_left_alone(void **state)
{
	struct fx *fx = *state;

	start(fx, "requirepass " OLD_IN_CONF "\nreplicaof 127.0.0.1 1\n");
	change_fails(fx, MV_EREFUSED, "is a replica");
}

static void
a_server_that_is_silent_or_gone_is_an_error(void **state)
{
	struct fx *fx = *state;
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool used;

	assert_fails(mv_redis_password_try(&fx->place, fx->old, &used,
	    &fx->err), MV_EIO, &fx->err);
	assert_says(&fx->err, fx->place.socket);
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s",
	    fx->place.socket);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_fails(mv_redis_password_try(&fx->place, fx->old, &used,
	    &fx->err), MV_EIO, &fx->err);
	assert_says(&fx->err, "no answer within");
	(void)close(fd);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(requirepass_lasts_over_a_restart),
		T(an_interrupted_change_is_finished),
		T(without_a_configuration_file_nothing_is_changed),
		T(a_file_that_cannot_be_written_changes_it_back),
		T(a_line_that_is_included_later_is_found),
		T(an_acl_user_keeps_its_other_password),
		T(several_passwords_of_the_default_user_stay),
		T(an_aclfile_is_saved),
		T(who_may_not_is_told_so),
		T(where_everybody_is_let_in_there_is_nothing_to_rotate),
		T(a_replica_is_left_alone),
		T(a_server_that_is_silent_or_gone_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
