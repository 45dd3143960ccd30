/* SPDX-License-Identifier: MIT */
#include "mastodon/redis_place.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mastodon/url.h"

#define PORT 6379
#define LOCAL "localhost"

/* lib/mastodon/redis_configuration.rb. */
static const struct {
	const char *url, *user, *password, *host, *port, *sentinels, *master;
} names[] = {
#define NAMES(prefix) {							\
	prefix "REDIS_URL", prefix "REDIS_USER",			\
	prefix "REDIS_PASSWORD", prefix "REDIS_HOST",			\
	prefix "REDIS_PORT", prefix "REDIS_SENTINELS",			\
	prefix "REDIS_SENTINEL_MASTER"					\
}
	[MV_REDIS_BASE] = NAMES(""),
	[MV_REDIS_CACHE] = NAMES("CACHE_"),
	[MV_REDIS_SIDEKIQ] = NAMES("SIDEKIQ_"),
};

void
mv_redis_place_clear(struct mv_redis_place *place)
{
	free(place->host);
	free(place->socket);
	free(place->user);
	mv_secret_freep(&place->password);
	*place = (struct mv_redis_place){ 0 };
}

/* Empty is absent: for a host so it is to Mastodon, too. */
static int
get(const struct mv_dotenv *env, const char *name, struct mv_span *out,
    struct mv_err *err)
{
	int rc = mv_dotenv_get(env, name, &out->p, &out->len, err);

	if (rc == 0 && out->p == NULL)
		out->len = 0;
	return rc;
}

static int
dup_span(const uint8_t *p, size_t len, char **out, struct mv_err *err)
{
	free(*out);
	*out = NULL;
	if (len == 0)
		return 0;
	if (memchr(p, '\0', len) != NULL)
		return mv_err_set(err, MV_EUSAGE, "it holds a NUL");
	*out = strndup((const char *)p, len);
	if (*out == NULL)
		return mv_err_set(err, MV_ENOMEM, "read a setting");
	return 0;
}

static int
set_port(struct mv_redis_place *place, struct mv_span s, struct mv_err *err)
{
	unsigned n = 0;
	size_t i;

	place->port = PORT;
	if (s.len == 0)
		return 0;
	for (i = 0; i < s.len && i < 6 && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		n = n * 10 + (unsigned)(s.p[i] - '0');
	if (i < s.len || n == 0 || n > UINT16_MAX)
		return mv_err_set(err, MV_EUSAGE, "that is no port");
	place->port = (uint16_t)n;
	return 0;
}

static int
set_password(struct mv_redis_place *place, const uint8_t *p, size_t len,
    struct mv_err *err)
{
	return len == 0 ? 0 : mv_secret_from(p, len, &place->password, err);
}

static bool
begins(struct mv_span *s, const char *scheme)
{
	size_t n = strlen(scheme);

	if (s->len < n || memcmp(s->p, scheme, n) != 0)
		return false;
	s->p += n;
	s->len -= n;
	return true;
}

static int
take_user(struct mv_redis_place *place, const struct mv_url *u,
    struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf plain = { 0 };
	int rc;

	rc = mv_span_unescape(u->user, &plain, err);
	if (rc == 0)
		rc = dup_span(plain.p, plain.len, &place->user, err);
	if (rc == 0)
		rc = mv_span_unescape(u->password, &plain, err);
	if (rc == 0)
		rc = set_password(place, plain.p, plain.len, err);
	return rc;
}

static int
take_host(struct mv_redis_place *place, const struct mv_url *u,
    struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf plain = { 0 };
	int rc;

	rc = mv_span_unescape(u->host, &plain, err);
	if (rc == 0 && plain.len == 0)
		rc = mv_sbuf_put(&plain, LOCAL, strlen(LOCAL), err);
	if (rc == 0)
		rc = dup_span(plain.p, plain.len, &place->host, err);
	return rc < 0 ? rc : set_port(place, u->port, err);
}

/* The path with its slash, which splitting took away. */
static int
take_socket(struct mv_redis_place *place, const struct mv_url *u,
    struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf plain = { 0 };
	mv_auto(mv_sbuf_clear) struct mv_sbuf path = { 0 };
	int rc;

	if (u->path.len == 0 || u->host.len > 0)
		return mv_err_set(err, MV_EUSAGE,
		    "it has no path of a socket");
	rc = mv_span_unescape(u->path, &plain, err);
	if (rc == 0)
		rc = mv_sbuf_put(&path, "/", 1, err);
	if (rc == 0)
		rc = mv_sbuf_put(&path, plain.p, plain.len, err);
	return rc < 0 ? rc : dup_span(path.p, path.len, &place->socket, err);
}

static int
read_url(struct mv_redis_place *place, struct mv_span s, struct mv_err *err)
{
	struct mv_url u;
	bool is_socket;
	int rc;

	if (begins(&s, "rediss://"))
		return mv_err_set(err, MV_EREFUSED, "Redis is spoken to by TLS "
		    "there, which mastvault does not");
	is_socket = begins(&s, "unix://");
	if (!is_socket && !begins(&s, "redis://"))
		return mv_err_set(err, MV_EUSAGE, "it does not begin with "
		    "'redis://' or 'unix://'");
	mv_url_split(s, &u);
	rc = take_user(place, &u, err);
	if (rc < 0)
		return rc;
	return is_socket ? take_socket(place, &u, err) :
	    take_host(place, &u, err);
}

static int
refuse_sentinels(const struct mv_dotenv *env, enum mv_redis_use use,
    struct mv_err *err)
{
	struct mv_span list, master;
	int rc;

	rc = get(env, names[use].sentinels, &list, err);
	if (rc == 0)
		rc = get(env, names[use].master, &master, err);
	if (rc < 0 || list.len == 0 || master.len == 0)
		return rc;
	return mv_err_set(err, MV_EREFUSED, "%s: Redis is found through "
	    "sentinels there, which have to learn its password, too",
	    names[use].sentinels);
}

static int
read_text(const struct mv_dotenv *env, const char *name, char **out,
    struct mv_err *err)
{
	struct mv_span s;
	int rc;

	rc = get(env, name, &s, err);
	if (rc == 0)
		rc = dup_span(s.p, s.len, out, err);
	return mv_err_ctx(err, rc, "%s", name);
}

static int
read_parts(struct mv_redis_place *place, const struct mv_dotenv *env,
    enum mv_redis_use use, struct mv_err *err)
{
	struct mv_span s;
	int rc;

	rc = refuse_sentinels(env, use, err);
	if (rc == 0)
		rc = read_text(env, names[use].host, &place->host, err);
	if (rc == 0 && place->host == NULL && use != MV_REDIS_BASE)
		return mv_err_set(err, MV_ENOTFOUND, "%s is not set",
		    names[use].host);
	if (rc == 0 && place->host == NULL)
		rc = dup_span((const uint8_t *)LOCAL, strlen(LOCAL),
		    &place->host, err);
	if (rc == 0)
		rc = get(env, names[use].port, &s, err);
	if (rc == 0)
		rc = mv_err_ctx(err, set_port(place, s, err), "%s",
		    names[use].port);
	if (rc == 0)
		rc = read_text(env, names[use].user, &place->user, err);
	if (rc == 0)
		rc = get(env, names[use].password, &s, err);
	return rc < 0 ? rc : set_password(place, s.p, s.len, err);
}

int
mv_redis_place_init(struct mv_redis_place *place, const struct mv_dotenv *env,
    enum mv_redis_use use, struct mv_err *err)
{
	mv_auto(mv_redis_place_clear) struct mv_redis_place made = { 0 };
	struct mv_span url;
	int rc;

	rc = get(env, names[use].url, &url, err);
	if (rc < 0)
		return rc;
	made.in_url = url.len > 0;
	made.variable = made.in_url ? names[use].url : names[use].password;
	if (made.in_url)
		rc = mv_err_ctx(err, read_url(&made, url, err), "%s",
		    names[use].url);
	else
		rc = read_parts(&made, env, use, err);
	if (rc < 0)
		return rc;
	*place = made;
	made = (struct mv_redis_place){ 0 };
	return 0;
}

static const char *
or_else(const char *text, const char *other)
{
	return text != NULL ? text : other;
}

bool
mv_redis_place_same(const struct mv_redis_place *a,
    const struct mv_redis_place *b)
{
	if (strcmp(or_else(a->user, "default"),
	    or_else(b->user, "default")) != 0)
		return false;
	if (a->socket != NULL || b->socket != NULL)
		return strcmp(or_else(a->socket, ""),
		    or_else(b->socket, "")) == 0;
	return a->port == b->port && strcmp(a->host, b->host) == 0;
}
