/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <string.h>

#include "mastodon/redis_place.h"
#include "mastodon/url.h"

struct fx {
	struct mv_dotenv *env;
	struct mv_redis_place place, other;
	struct mv_sbuf text;
	struct mv_secret *secret;
	struct mv_err err;
};

static int
setup(void **state)
{
	static struct fx fx;

	fx = (struct fx){ 0 };
	*state = &fx;
	return mv_secret_init(&fx.err) < 0 ||
	    mv_dotenv_new(&fx.env, &fx.err) < 0 ? -1 : 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_redis_place_clear(&fx->place);
	mv_redis_place_clear(&fx->other);
	mv_sbuf_clear(&fx->text);
	mv_secret_freep(&fx->secret);
	mv_dotenv_freep(&fx->env);
	return 0;
}

static void
again(void **state, const char *text)
{
	struct fx *fx = *state;

	(void)teardown(state);
	assert_int_equal(setup(state), 0);
	assert_ok(mv_dotenv_add(fx->env, text, strlen(text), &fx->err),
	    &fx->err);
}

static void
text_is(const char *got, const char *want)
{
	if (want == NULL)
		assert_null(got);
	else
		assert_string_equal(got, want);
}

static const struct {
	enum mv_redis_use use;
	const char *env, *host;
	int port;
	const char *socket, *user, *password, *variable;
} cases[] = {
	{ MV_REDIS_BASE, "", "localhost", 6379, NULL, NULL, NULL,
	    "REDIS_PASSWORD" },
	{ MV_REDIS_BASE, "REDIS_URL=\nREDIS_HOST=r\nREDIS_PORT=7\n"
	    "REDIS_USER=u\nREDIS_PASSWORD='p w'\n", "r", 7, NULL, "u", "p w",
	    "REDIS_PASSWORD" },
	{ MV_REDIS_CACHE, "REDIS_HOST=r\nCACHE_REDIS_HOST=c\n"
	    "CACHE_REDIS_PASSWORD=x\n", "c", 6379, NULL, NULL, "x",
	    "CACHE_REDIS_PASSWORD" },
	{ MV_REDIS_SIDEKIQ, "SIDEKIQ_REDIS_URL=redis://s:65535/1\n"
	    "SIDEKIQ_REDIS_PASSWORD=idle\n", "s", 65535, NULL, NULL, NULL,
	    "SIDEKIQ_REDIS_URL" },
	{ MV_REDIS_BASE, "REDIS_URL=redis://u%40x:p%3Aw%2F@[::1]:6380/0\n",
	    "::1", 6380, NULL, "u@x", "p:w/", "REDIS_URL" },
	{ MV_REDIS_BASE, "REDIS_URL=redis://:pw@\n", "localhost", 6379, NULL,
	    NULL, "pw", "REDIS_URL" },
	{ MV_REDIS_BASE, "REDIS_URL=unix://:pw@/run/r%20s/redis.sock?db=1\n",
	    NULL, 0, "/run/r s/redis.sock", NULL, "pw", "REDIS_URL" },
	{ MV_REDIS_BASE, "REDIS_SENTINELS=a,b\n", "localhost", 6379, NULL,
	    NULL, NULL, "REDIS_PASSWORD" },
};

static void
settings_become_what_rails_connects_with(void **state)
{
	struct fx *fx = *state;
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		again(state, cases[i].env);
		assert_ok(mv_redis_place_init(&fx->place, fx->env,
		    cases[i].use, &fx->err), &fx->err);
		text_is(fx->place.host, cases[i].host);
		text_is(fx->place.socket, cases[i].socket);
		text_is(fx->place.user, cases[i].user);
		text_is(fx->place.variable, cases[i].variable);
		assert_int_equal(fx->place.port, cases[i].port);
		assert_int_equal(fx->place.in_url,
		    strstr(cases[i].variable, "URL") != NULL);
		if (cases[i].password == NULL) {
			assert_null(fx->place.password);
			continue;
		}
		assert_int_equal(mv_secret_len(fx->place.password),
		    strlen(cases[i].password));
		assert_memory_equal(mv_secret_bytes(fx->place.password),
		    cases[i].password, strlen(cases[i].password));
	}
}

static const struct {
	enum mv_redis_use use;
	const char *env;
	int code;
	const char *says;
} refusals[] = {
	{ MV_REDIS_CACHE, "REDIS_HOST=r\nCACHE_REDIS_PASSWORD=hunter2\n",
	    MV_ENOTFOUND, "CACHE_REDIS_HOST is not set" },
	{ MV_REDIS_BASE, "REDIS_URL=rediss://:hunter2@h\n", MV_EREFUSED,
	    "REDIS_URL: Redis is spoken to by TLS" },
	{ MV_REDIS_BASE, "REDIS_URL=http://:hunter2@h\n", MV_EUSAGE,
	    "REDIS_URL: it does not begin" },
	{ MV_REDIS_BASE, "REDIS_URL=redis://:hunter2%@h\n", MV_EUSAGE,
	    "REDIS_URL: a '%'" },
	{ MV_REDIS_BASE, "REDIS_URL=redis://h:hunter2\n", MV_EUSAGE,
	    "REDIS_URL: that is no port" },
	{ MV_REDIS_BASE, "REDIS_URL=unix://hunter2\n", MV_EUSAGE,
	    "REDIS_URL: it has no path" },
	{ MV_REDIS_BASE, "REDIS_PORT=65536\n", MV_EUSAGE,
	    "REDIS_PORT: that is no port" },
	{ MV_REDIS_BASE, "REDIS_SENTINELS=a\nREDIS_SENTINEL_MASTER=m\n",
	    MV_EREFUSED, "through sentinels" },
};

static void
what_cannot_be_reached_is_refused_without_being_shown(void **state)
{
	struct fx *fx = *state;
	char text[MV_ERR_TEXT_MAX];
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(refusals); i++) {
		again(state, refusals[i].env);
		assert_fails(mv_redis_place_init(&fx->place, fx->env,
		    refusals[i].use, &fx->err), refusals[i].code, &fx->err);
		assert_says(&fx->err, refusals[i].says);
		(void)mv_err_text(&fx->err, text, sizeof(text));
		assert_null(strstr(text, "hunter2"));
		assert_null(fx->place.host);
	}
}

static void
the_same_user_of_the_same_server_is_known(void **state)
{
	static const struct {
		const char *env;
		bool same;
	} pairs[] = {
		{ "REDIS_HOST=h\nCACHE_REDIS_URL=redis://default:x@h/3\n",
		    true },
		{ "REDIS_HOST=h\nCACHE_REDIS_HOST=h\nCACHE_REDIS_USER=u\n",
		    false },
		{ "REDIS_HOST=h\nCACHE_REDIS_HOST=h\nCACHE_REDIS_PORT=1\n",
		    false },
		{ "REDIS_URL=unix:///a\nCACHE_REDIS_HOST=h\n", false },
		{ "REDIS_URL=unix:///a\nCACHE_REDIS_URL=unix:///a\n", true },
	};
	struct fx *fx = *state;
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(pairs); i++) {
		again(state, pairs[i].env);
		assert_ok(mv_redis_place_init(&fx->place, fx->env,
		    MV_REDIS_BASE, &fx->err), &fx->err);
		assert_ok(mv_redis_place_init(&fx->other, fx->env,
		    MV_REDIS_CACHE, &fx->err), &fx->err);
		assert_int_equal(mv_redis_place_same(&fx->place, &fx->other),
		    pairs[i].same);
	}
}

static void
a_url_gets_another_password_and_nothing_else(void **state)
{
	static const struct {
		const char *url, *want;
	} urls[] = {
		{ "redis://u:old@h:1/0?a=b#c", "redis://u:n%3Aw@h:1/0?a=b#c" },
		{ "postgres://:o@ld@[::1]/d", "postgres://:n%3Aw@[::1]/d" },
	};
	struct fx *fx = *state;
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(urls); i++) {
		again(state, "");
		assert_ok(mv_secret_from("n:w", 3, &fx->secret, &fx->err),
		    &fx->err);
		assert_ok(mv_url_with_password((const uint8_t *)urls[i].url,
		    strlen(urls[i].url), fx->secret, &fx->text, &fx->err),
		    &fx->err);
		assert_int_equal(fx->text.len, strlen(urls[i].want));
		assert_memory_equal(fx->text.p, urls[i].want, fx->text.len);
	}
	assert_fails(mv_url_with_password((const uint8_t *)"redis://u@h", 11,
	    fx->secret, &fx->text, &fx->err), MV_EUSAGE, &fx->err);
	assert_fails(mv_url_with_password((const uint8_t *)"u:p@h", 5,
	    fx->secret, &fx->text, &fx->err), MV_EUSAGE, &fx->err);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(settings_become_what_rails_connects_with),
		T(what_cannot_be_reached_is_refused_without_being_shown),
		T(the_same_user_of_the_same_server_is_known),
		T(a_url_gets_another_password_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
