/* SPDX-License-Identifier: MIT */
#include "mastodon/harm_facts.h"

#include "base/cleanup.h"
#include "mastodon/version.h"

#define LINKS MV_HARM_LINKS
#define TOKENS MV_HARM_TOKENS
#define SESSIONS MV_HARM_SESSIONS
#define TWO_FACTOR MV_HARM_2FA
#define COPY MV_HARM_COPY

/*
 * A bcrypt hash that no password is known for.  An empty one would not do: to
 * Mastodon it means that LDAP or PAM has checked the password already.
 */
#define NO_PASSWORD "'$2a$10$" \
	".....................................................'"
#define NO_ADDRESS "'user-' || id || '@" MV_HARM_NOWHERE "'"
#define NO_INBOX "'https://" MV_HARM_NOWHERE "/inbox'"

/* The host of a URL in SQL. */
#define HOST_OF(url) \
	"lower(substring(" url " from '^https?://([^/:?#]+)'))"

/*
 * Hosts that Mastodon gave up on get nothing delivered, whatever address an
 * account has or is found to have later.
 */
#define UNAVAILABLE \
	"(domain, created_at, updated_at) SELECT h.host, now(), now() FROM (" \
	"SELECT lower(domain) AS host FROM public.accounts " \
	"UNION SELECT " HOST_OF("inbox_url") " FROM public.accounts " \
	"UNION SELECT " HOST_OF("shared_inbox_url") " FROM public.accounts " \
	"UNION SELECT '" MV_HARM_NOWHERE "') h WHERE h.host <> '' " \
	"AND NOT EXISTS (SELECT FROM public.unavailable_domains u " \
	"WHERE u.domain = h.host)"

/* In both: what no copy may hold, and nobody may use after a leak. */
#define REMOVE(bits, of, from, words, ...) {				\
	.when = bits, .kind = of, .how = MV_HARM_DELETE, .table = from,	\
	.what = words, __VA_ARGS__					\
}
#define CHANGE(bits, of, in, cols, to, rows, words, ...) {		\
	.when = bits, .kind = of, .how = MV_HARM_UPDATE, .table = in,	\
	.columns = cols, .set = to, .where = rows, .what = words,	\
	__VA_ARGS__							\
}

static const struct mv_harm_fact facts[] = {
	/* Ways in. */
	CHANGE(LINKS | COPY, MV_HARM_LOGIN, "users",
	    "reset_password_token reset_password_sent_at",
	    "reset_password_token = NULL, reset_password_sent_at = NULL",
	    "reset_password_token IS NOT NULL",
	    "links to reset a password no longer work"),
	CHANGE(LINKS | COPY, MV_HARM_LOGIN, "users", "confirmation_token",
	    "confirmation_token = NULL", "confirmation_token IS NOT NULL",
	    "links to confirm an address no longer work"),
	CHANGE(LINKS | COPY, MV_HARM_LOGIN, "users",
	    "sign_in_token sign_in_token_sent_at",
	    "sign_in_token = NULL, sign_in_token_sent_at = NULL",
	    "sign_in_token IS NOT NULL",
	    "codes to log in that were mailed no longer work"),
	/* There is no foreign key that would do it. */
	CHANGE(LINKS, MV_HARM_PUSH, "session_activations",
	    "web_push_subscription_id", "web_push_subscription_id = NULL",
	    "web_push_subscription_id IS NOT NULL",
	    "sessions refer to no push subscription"),
	REMOVE(LINKS | COPY, MV_HARM_PUSH, "web_push_subscriptions",
	    "nobody gets push messages until subscribed anew"),
	REMOVE(SESSIONS | COPY, MV_HARM_LOGIN, "session_activations",
	    "everybody is logged out of the web"),
	CHANGE(TOKENS, MV_HARM_LOGIN, "oauth_access_grants", "revoked_at",
	    "revoked_at = now()", "revoked_at IS NULL",
	    "apps cannot redeem codes that they were given"),
	CHANGE(TOKENS, MV_HARM_LOGIN, "oauth_access_tokens", "revoked_at",
	    "revoked_at = now()", "revoked_at IS NULL",
	    "all apps are logged out"),
	REMOVE(COPY, MV_HARM_LOGIN, "oauth_access_grants",
	    "no code of an app is left"),
	REMOVE(COPY, MV_HARM_LOGIN, "oauth_access_tokens",
	    "no app's token is left: they work in production"),
	CHANGE(TOKENS, MV_HARM_LOGIN, "invites", "expires_at",
	    "expires_at = now()", "expires_at IS NULL OR expires_at > now()",
	    "invitations have expired"),
	CHANGE(COPY, MV_HARM_LOGIN, "invites", "code expires_at",
	    "code = @RANDOM@, expires_at = now()", NULL,
	    "invitations have other codes and have expired", .again = true),
	CHANGE(TWO_FACTOR | COPY, MV_HARM_LOGIN, "users", "otp_secret",
	    "otp_secret = NULL", "otp_secret IS NOT NULL",
	    "two-factor secrets are gone", .since = { 4, 3 }),
	CHANGE(TWO_FACTOR | COPY, MV_HARM_LOGIN, "users",
	    "encrypted_otp_secret encrypted_otp_secret_iv "
	    "encrypted_otp_secret_salt",
	    "encrypted_otp_secret = NULL, encrypted_otp_secret_iv = NULL, "
	    "encrypted_otp_secret_salt = NULL",
	    "coalesce(encrypted_otp_secret, encrypted_otp_secret_iv, "
	    "encrypted_otp_secret_salt) IS NOT NULL",
	    "two-factor secrets of old are gone", .gone = { 4, 4 }),
	CHANGE(TWO_FACTOR | COPY, MV_HARM_LOGIN, "users",
	    "otp_backup_codes consumed_timestep",
	    "otp_backup_codes = NULL, consumed_timestep = NULL",
	    "otp_backup_codes IS NOT NULL OR consumed_timestep IS NOT NULL",
	    "recovery codes are gone"),
	CHANGE(TWO_FACTOR | COPY, MV_HARM_LOGIN, "users",
	    "otp_required_for_login", "otp_required_for_login = false",
	    "otp_required_for_login",
	    "two-factor login is off until set up anew"),
	/* As Mastodon does when it disables two-factor login. */
	REMOVE(TWO_FACTOR | COPY, MV_HARM_LOGIN, "webauthn_credentials",
	    "security keys are unregistered"),
	CHANGE(COPY, MV_HARM_LOGIN, "users", "encrypted_password",
	    "encrypted_password = " NO_PASSWORD,
	    "encrypted_password <> " NO_PASSWORD,
	    "no password logs in: 'tootctl accounts modify NAME "
	    "--reset-password' makes one"),
	REMOVE(COPY, MV_HARM_LOGIN, "identities",
	    "nobody logs in by single sign-on"),

	/* Other secrets. */
	CHANGE(LINKS, MV_HARM_SECRET, "webhooks", "secret",
	    "secret = @RANDOM@", NULL,
	    "webhooks sign with other secrets: tell their receivers",
	    .again = true, .since = { 4, 0 }),
	REMOVE(COPY, MV_HARM_SECRET, "webhooks",
	    "no webhook is left: addresses are credentials, too",
	    .since = { 4, 0 }),
	CHANGE(COPY, MV_HARM_SECRET, "oauth_applications", "secret",
	    "secret = @RANDOM@", NULL, "apps have other secrets",
	    .again = true),
	REMOVE(COPY, MV_HARM_SECRET, "system_keys",
	    "the key that franked encrypted messages is gone",
	    .gone = { 4, 3 }),

	/* Mail. */
	CHANGE(COPY, MV_HARM_MAIL, "users", "email", "email = " NO_ADDRESS,
	    "email <> " NO_ADDRESS,
	    "addresses are user-ID@" MV_HARM_NOWHERE "; who was confirmed "
	    "still is", .uses = "users.id"),
	CHANGE(COPY, MV_HARM_MAIL, "users", "unconfirmed_email",
	    "unconfirmed_email = NULL", "unconfirmed_email IS NOT NULL",
	    "no change of an address is waiting"),
	CHANGE(LINKS, MV_HARM_LOGIN, "email_subscriptions",
	    "confirmation_token", "confirmation_token = @RANDOM@",
	    "confirmation_token IS NOT NULL",
	    "links in mails to subscribers no longer work", .again = true,
	    .since = { 4, 6 }, .unsure = true),
	REMOVE(COPY, MV_HARM_MAIL, "email_subscriptions",
	    "nobody is subscribed by mail", .since = { 4, 6 }),
	REMOVE(COPY, MV_HARM_MAIL, "canonical_email_blocks",
	    "hashes of blocked addresses are gone"),
	REMOVE(COPY, MV_HARM_MAIL, "settings",
	    "the contact address is gone", .uses = "settings.var",
	    .where = "var = 'site_contact_email'"),

	/* Other servers.  The list of hosts is made of the addresses first. */
	{ .when = COPY, .kind = MV_HARM_FEDERATION, .how = MV_HARM_INSERT,
	    .table = "unavailable_domains", .set = UNAVAILABLE,
	    .uses = "unavailable_domains.domain accounts.domain "
		"accounts.inbox_url accounts.shared_inbox_url",
	    .what = "nothing is delivered to servers known so far" },
	CHANGE(COPY, MV_HARM_FEDERATION, "accounts",
	    "inbox_url shared_inbox_url",
	    "inbox_url = " NO_INBOX ", shared_inbox_url = ''",
	    "(inbox_url <> '' AND inbox_url <> " NO_INBOX ") OR "
	    "shared_inbox_url <> ''",
	    "no account has an inbox that exists"),
	CHANGE(COPY, MV_HARM_FEDERATION, "accounts", "private_key",
	    "private_key = NULL", "private_key IS NOT NULL",
	    "nothing can be signed in the name of production's accounts"),
	CHANGE(COPY, MV_HARM_FEDERATION, "keypairs", "private_key",
	    "private_key = NULL", "private_key IS NOT NULL",
	    "nor with the keys that Mastodon 4.7 keeps here",
	    .since = { 4, 6 }),
	CHANGE(COPY, MV_HARM_FEDERATION, "relays", "state follow_activity_id",
	    "state = 0, follow_activity_id = NULL",
	    "state <> 0 OR follow_activity_id IS NOT NULL",
	    "relays are off"),
	REMOVE(COPY, MV_HARM_FEDERATION, "domain_allows",
	    "LIMITED_FEDERATION_MODE=true lets nobody in or out"),
	REMOVE(COPY, MV_HARM_FEDERATION, "fasp_backfill_requests",
	    "nothing is handed to discovery providers", .since = { 4, 4 }),
	REMOVE(COPY, MV_HARM_FEDERATION, "fasp_debug_callbacks",
	    "their answers are gone", .since = { 4, 4 }),
	REMOVE(COPY, MV_HARM_FEDERATION, "fasp_subscriptions",
	    "they are told nothing", .since = { 4, 4 }),
	REMOVE(COPY, MV_HARM_FEDERATION, "fasp_providers",
	    "they and the keys for them are gone", .since = { 4, 4 }),

	/* What waits for its time. */
	REMOVE(COPY, MV_HARM_SCHEDULE, "scheduled_statuses",
	    "no post is waiting to be published"),
	CHANGE(COPY, MV_HARM_SCHEDULE, "announcements", "scheduled_at",
	    "scheduled_at = NULL", "scheduled_at IS NOT NULL",
	    "no announcement is waiting"),
	CHANGE(COPY, MV_HARM_SCHEDULE, "account_statuses_cleanup_policies",
	    "enabled", "enabled = false", "enabled",
	    "no old posts are deleted, and nobody is told to"),
	REMOVE(COPY, MV_HARM_SCHEDULE, "account_deletion_requests",
	    "no account is waiting to be deleted"),
	REMOVE(COPY, MV_HARM_SCHEDULE, "bulk_import_rows",
	    "no import is waiting", .since = { 4, 2 }),
	REMOVE(COPY, MV_HARM_SCHEDULE, "bulk_imports",
	    "nor are their lists left", .since = { 4, 2 }),
	REMOVE(COPY, MV_HARM_SCHEDULE, "imports",
	    "no import of old is waiting", .gone = { 4, 4 }),
	REMOVE(COPY, MV_HARM_SCHEDULE, "backups",
	    "no archive of a user's data is offered"),

	/* Where people were. */
	CHANGE(COPY, MV_HARM_PERSON, "users", "sign_up_ip",
	    "sign_up_ip = NULL", "sign_up_ip IS NOT NULL",
	    "addresses of sign-ups are gone"),
	REMOVE(COPY, MV_HARM_PERSON, "login_activities",
	    "addresses and browsers of logins are gone"),
};

static const char *const kinds[] = {
	[MV_HARM_LOGIN] = "login",
	[MV_HARM_SECRET] = "secret",
	[MV_HARM_MAIL] = "mail",
	[MV_HARM_PUSH] = "push",
	[MV_HARM_FEDERATION] = "federation",
	[MV_HARM_SCHEDULE] = "schedule",
	[MV_HARM_PERSON] = "person",
};

size_t
mv_harm_fact_count(void)
{
	return MV_ARRAY_LEN(facts);
}

const struct mv_harm_fact *
mv_harm_fact_at(size_t i)
{
	return &facts[i];
}

bool
mv_harm_expected(const struct mv_harm_fact *f, uint64_t schema)
{
	if (f->unsure)
		return false;
	if (f->gone.major != 0 &&
	    mv_schema_at_least(schema, f->gone.major, f->gone.minor))
		return false;
	if (f->since.major != 0)
		return mv_schema_at_least(schema, f->since.major,
		    f->since.minor);
	/* Of versions before all that are known nothing is expected. */
	return mv_schema_at_least(schema, 3, 5);
}

const char *
mv_harm_kind_name(enum mv_harm_kind kind)
{
	return kinds[kind];
}
