/* SPDX-License-Identifier: MIT */
#include "mastodon/secret_facts.h"

#include <string.h>

#include "base/cleanup.h"
#include "mastodon/version.h"

#define RAILS (MV_RESTART_WEB | MV_RESTART_SIDEKIQ)
#define ALL (RAILS | MV_RESTART_STREAMING)

/* A key of full strength; 90 of the estimate's bits are 128 real ones. */
#define KEY_BITS 90
/* A password that a machine reads: what is less can be tried out. */
#define PASSWORD_LEN 12
#define PASSWORD_BITS 40

#define AR_PRIMARY "ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY"
#define AR_SALT "ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT"
#define AR_DETERMINISTIC "ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY"

/* A password that somebody else gives out. */
#define GIVEN(variable, what, ...) {					\
	.name = variable, .make = MV_MAKE_GIVEN,			\
	.effect = MV_EFFECT_OUTSIDE, .restart = RAILS,			\
	.protects = what, __VA_ARGS__					\
}
#define ROLE(variable, what, ...) {					\
	.name = variable, .make = MV_MAKE_ALNUM, .make_len = 32,	\
	.min_len = PASSWORD_LEN, .min_bits = PASSWORD_BITS,		\
	.restart = ALL, .protects = what, __VA_ARGS__			\
}
#define URL(variable, what, ...) {					\
	.name = variable, .make = MV_MAKE_GIVEN, .restart = ALL,	\
	.protects = what, __VA_ARGS__					\
}
#define AR(variable, what, ...) {					\
	.name = variable, .make = MV_MAKE_ALNUM, .make_len = 32,	\
	.min_len = 32, .min_bits = KEY_BITS, .since = { 4, 3 },		\
	.required = true, .restart = RAILS, .protects = what, __VA_ARGS__ \
}
#define VAPID(variable, other) {					\
	.name = variable, .make = MV_MAKE_VAPID,			\
	.effect = MV_EFFECT_PUSH, .restart = RAILS,			\
	.partner = other, .protects = "push messages to browsers and apps" \
}

static const struct mv_secret_fact secrets[] = {
	{ .name = "SECRET_KEY_BASE", .make = MV_MAKE_HEX, .make_len = 128,
	    .min_len = 64, .min_bits = KEY_BITS, .required = true,
	    .effect = MV_EFFECT_SESSIONS, .restart = RAILS,
	    .protects = "browser sessions, links to reset passwords and to "
		"unsubscribe, and SELF_DESTRUCT" },
	/* The encryptor gem refuses less than 32 bytes. */
	{ .name = "OTP_SECRET", .make = MV_MAKE_HEX, .make_len = 128,
	    .min_len = 32, .min_bits = KEY_BITS, .gone = { 4, 4 },
	    .required = true, .effect = MV_EFFECT_ROWS, .restart = RAILS,
	    .protects = "two-factor secrets up to Mastodon 4.3" },
	AR(AR_PRIMARY, "two-factor secrets and, from Mastodon 4.7, all "
	    "federation keys", .effect = MV_EFFECT_ROWS),
	AR(AR_SALT, "the same as " AR_PRIMARY, .effect = MV_EFFECT_ROWS),
	AR(AR_DETERMINISTIC, "nothing so far, but Mastodon does not start "
	    "without it", .effect = MV_EFFECT_NONE),
	VAPID("VAPID_PRIVATE_KEY", "VAPID_PUBLIC_KEY"),
	VAPID("VAPID_PUBLIC_KEY", "VAPID_PRIVATE_KEY"),

	ROLE("DB_PASS", "the database", .effect = MV_EFFECT_ROLE),
	ROLE("REPLICA_DB_PASS", "the database's replica",
	    .since = { 4, 2 }, .effect = MV_EFFECT_ROLE),
	URL("DATABASE_URL", "the database", .effect = MV_EFFECT_ROLE),
	URL("REPLICA_DATABASE_URL", "the database's replica",
	    .since = { 4, 2 }, .effect = MV_EFFECT_ROLE),
	ROLE("REDIS_PASSWORD", "Redis", .effect = MV_EFFECT_REDIS),
	ROLE("CACHE_REDIS_PASSWORD", "the cache's Redis",
	    .effect = MV_EFFECT_REDIS),
	ROLE("SIDEKIQ_REDIS_PASSWORD", "Sidekiq's Redis",
	    .effect = MV_EFFECT_REDIS),
	ROLE("REDIS_SENTINEL_PASSWORD", "Redis' sentinels",
	    .since = { 4, 3 }, .effect = MV_EFFECT_REDIS),
	ROLE("CACHE_REDIS_SENTINEL_PASSWORD", "the cache's sentinels",
	    .since = { 4, 3 }, .effect = MV_EFFECT_REDIS),
	ROLE("SIDEKIQ_REDIS_SENTINEL_PASSWORD", "Sidekiq's sentinels",
	    .since = { 4, 3 }, .effect = MV_EFFECT_REDIS),
	URL("REDIS_URL", "Redis", .effect = MV_EFFECT_REDIS),
	URL("CACHE_REDIS_URL", "the cache's Redis", .effect = MV_EFFECT_REDIS),
	URL("SIDEKIQ_REDIS_URL", "Sidekiq's Redis", .effect = MV_EFFECT_REDIS),

	GIVEN("SMTP_PASSWORD", "mail"),
	GIVEN("BULK_SMTP_PASSWORD", "bulk mail", .since = { 4, 4 }),
	GIVEN("AWS_SECRET_ACCESS_KEY", "the media bucket"),
	GIVEN("SWIFT_PASSWORD", "the media container"),
	GIVEN("SWIFT_TEMP_URL_KEY", "the media container",
	    .since = { 4, 2 }),
	GIVEN("AZURE_STORAGE_ACCESS_KEY", "the media container",
	    .since = { 4, 2 }),
	GIVEN("ES_PASS", "Elasticsearch"),
	GIVEN("LDAP_PASSWORD", "the LDAP directory"),
	GIVEN("OIDC_CLIENT_SECRET", "single sign-on"),
	GIVEN("SAML_PRIVATE_KEY", "single sign-on"),
	GIVEN("HCAPTCHA_SECRET_KEY", "the captcha", .since = { 4, 2 }),
	GIVEN("DEEPL_API_KEY", "translations", .since = { 4, 0 }),
	GIVEN("LIBRE_TRANSLATE_API_KEY", "translations", .since = { 4, 0 }),
	GIVEN("CACHE_BUSTER_SECRET", "the cache in front of media"),
	URL("PGHERO_STATS_DATABASE_URL", "a database of statistics",
	    .effect = MV_EFFECT_OUTSIDE),
	URL("OTHER_DATABASE_URL", "another database shown in PgHero",
	    .effect = MV_EFFECT_OUTSIDE),
	/* A value signed with SECRET_KEY_BASE: it ends with that. */
	GIVEN("SELF_DESTRUCT", "the order to say good-bye to all servers",
	    .since = { 4, 3 }),
	GIVEN("OTEL_EXPORTER_OTLP_HEADERS", "traces", .since = { 4, 3 }),
	/* Older than all versions here. */
	{ .name = "PAPERCLIP_SECRET", .make = MV_MAKE_GIVEN,
	    .gone = { 3, 5 }, .effect = MV_EFFECT_NONE,
	    .protects = "nothing" },
};

static const struct mv_column_fact columns[] = {
	{ .table = "users", .column = "encrypted_otp_secret",
	    .iv = "encrypted_otp_secret_iv",
	    .salt = "encrypted_otp_secret_salt",
	    .format = MV_COLUMN_LEGACY, .secret = "OTP_SECRET",
	    .gone = { 4, 4 } },
	{ .table = "users", .column = "otp_secret", .format = MV_COLUMN_AR,
	    .secret = AR_PRIMARY, .secret_salt = AR_SALT, .since = { 4, 3 } },
	{ .table = "keypairs", .column = "private_key",
	    .format = MV_COLUMN_AR, .secret = AR_PRIMARY,
	    .secret_salt = AR_SALT, .since = { 4, 6 } },
};

static bool
reached(struct mv_release_no v, uint64_t schema)
{
	return mv_schema_at_least(schema, v.major, v.minor);
}

static bool
is_set(struct mv_release_no v)
{
	return v.major != 0;
}

size_t
mv_secret_fact_count(void)
{
	return MV_ARRAY_LEN(secrets);
}

const struct mv_secret_fact *
mv_secret_fact_at(size_t i)
{
	return &secrets[i];
}

const struct mv_secret_fact *
mv_secret_fact_find(const char *name)
{
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(secrets); i++)
		if (strcmp(secrets[i].name, name) == 0)
			return &secrets[i];
	return NULL;
}

enum mv_secret_state
mv_secret_state(const struct mv_secret_fact *f, uint64_t schema)
{
	if (is_set(f->gone) && reached(f->gone, schema))
		return MV_SECRET_DEAD;
	if (is_set(f->since) && !reached(f->since, schema))
		return MV_SECRET_NOT_YET;
	return f->required ? MV_SECRET_REQUIRED : MV_SECRET_OPTIONAL;
}

size_t
mv_column_fact_count(void)
{
	return MV_ARRAY_LEN(columns);
}

const struct mv_column_fact *
mv_column_fact_at(size_t i)
{
	return &columns[i];
}

bool
mv_column_expected(const struct mv_column_fact *f, uint64_t schema)
{
	if (is_set(f->gone) && reached(f->gone, schema))
		return false;
	return !is_set(f->since) || reached(f->since, schema);
}

bool
mv_column_depends(const struct mv_column_fact *f, const char *name)
{
	return strcmp(f->secret, name) == 0 ||
	    (f->secret_salt != NULL && strcmp(f->secret_salt, name) == 0);
}
