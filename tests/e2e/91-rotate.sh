#!/bin/bash
# Goal: 'secrets rotate' gives secrets of every kind new values, in database,
# env-file, vault and wherever they are applied, while services are stopped;
# and refuses, with advice and nothing touched, what it cannot do.
# shellcheck source=tests/e2e/rotate_lib.sh
. "$(dirname "$0")/rotate_lib.sh"
SALT=ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT
DETERMINISTIC=ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY
AR=("$PRIMARY" "$SALT" "$DETERMINISTIC")
# shellcheck disable=SC2119
start_postgres
new_site
live=$T/live/.env.production

# untouched - the env-file, the rows and the vault are what they were.
remember() {
	sha256sum "$live" >"$T/before"
	sql -d mastodon -c 'SELECT md5(string_agg(otp_secret, $$ $$ ORDER BY id)) FROM users WHERE id > 2' >"$T/rows"
	find "$T/prod.store/vault" -type f | sort >"$T/versions"
}
untouched() {
	sha256sum -c --quiet "$T/before" || fail "the env-file was touched"
	[ "$(<"$T/rows")" = "$(sql -d mastodon -c 'SELECT md5(string_agg(otp_secret, $$ $$ ORDER BY id)) FROM users WHERE id > 2')" ] ||
		fail "rows were touched"
	find "$T/prod.store/vault" -type f | sort | cmp -s - "$T/versions" || fail "the vault was touched"
	[ ! -e "$T/prod.state/rotation.journal" ] || fail "a journal was made"
}

# A dry run says what would be done, and to how much.
remember
expect 0 secrets rotate --dry-run --json --all
untouched
[ "$(field "$T/out" 'd["rows"]["users.otp_secret"]')" = $USERS ] || fail "wrong count"
[ "$(field "$T/out" 'd["subscriptions"]')" = 20 ] || fail "wrong count of subscriptions"
[ "$(field "$T/out" 'sorted(n["name"] for n in d["rotate"])')" = "$(/usr/bin/python3 -c '
print(sorted("'"$PRIMARY $SALT $DETERMINISTIC"' SECRET_KEY_BASE VAPID_PRIVATE_KEY VAPID_PUBLIC_KEY".split()))')" ] ||
	fail "another set of names"
field "$T/out" 'd["left"]' | grep -q REDIS_PASSWORD || fail "what is left is not told"

# What is refused before anything is touched.
expect 2 secrets rotate --yes
expect 2 secrets rotate --yes OTP_SECRET
says 'no longer reads OTP_SECRET'
expect 2 secrets rotate --yes DB_PASS
says 'DB_PASS is empty'
expect 2 secrets rotate --yes LOCAL_DOMAIN
says 'none of'
expect 2 secrets rotate --yes SECRET_KEY_BAS
expect 2 secrets rotate "$PRIMARY" </dev/null
says 'no terminal' --yes
echo 'SECRET_KEY_BASE=other' >"$T/live/.env.production.local"
expect 1 secrets rotate --yes SECRET_KEY_BASE
says '.env.production.local' 'which wins'
rm "$T/live/.env.production.local"
cp "$T/prod.conf" "$T/kept.conf"
sed -i '/^st[a-z]*-command/d' "$T/prod.conf"
expect 1 secrets rotate --yes SECRET_KEY_BASE
says 'must be restarted' 'stop-command = ...'
cp "$T/kept.conf" "$T/prod.conf"
sed -i '/^verify-command/d' "$T/prod.conf"
printf n3w >"$T/value"
expect 1 secrets rotate --yes SMTP_PASSWORD <"$T/value"
says verify-command
cp "$T/kept.conf" "$T/prod.conf"
untouched
running

# Rows that open with no key stop it, or are left alone.
sql -d mastodon -c "UPDATE users SET otp_secret = '{\"p\":\"YWJj\",\"h\":{\"iv\":\"YWJjYWJjYWJjYWJj\",\"at\":\"YWJjYWJjYWJjYWJjYWJjYQ==\"}}' WHERE id = 7"
remember
expect 1 secrets rotate --yes "$PRIMARY"
says --skip-undecryptable
untouched
running
expect 3 secrets rotate --yes --skip-undecryptable --json "$PRIMARY"
[ "$(field "$T/out" 'd["undecryptable"]["users.otp_secret"]')" = '[7]' ] || fail "row 7 is not named"
printf '7\tSECRET7\n' | "$TOOL_ROWS" seal "$live" >"$T/sealed"
sql -d mastodon -c "UPDATE users SET otp_secret = \$\$$(cut -f 2 "$T/sealed")\$\$ WHERE id = 7"
agree "$PRIMARY"
running

# Calmly, one kind after the other, with nothing else changed in the file.
old=$(value SECRET_KEY_BASE)
grep -v '^SECRET_KEY_BASE=' "$live" >"$T/others"
expect 0 secrets rotate --yes --json --reason 'somebody left' SECRET_KEY_BASE
[ "$(field "$T/out" 'd["rotated"]')" = "['SECRET_KEY_BASE']" ] || fail "not rotated"
version=$(field "$T/out" 'd["vault_version"]')
[ "$(value SECRET_KEY_BASE)" != "$old" ] || fail "the same value"
grep -v '^SECRET_KEY_BASE=' "$live" | cmp -s - "$T/others" || fail "other lines changed"
[ "$(stat -c %a "$live")" = 600 ] || fail "the mode changed"
expect 0 secrets history --json
[ "$(field "$T/out" '(d[0]["version"], d[0]["reason"], d[0]["pending"], d[1]["pending"])')" = \
	"($version, 'somebody left', False, True)" ] || fail "the history says otherwise"
agree SECRET_KEY_BASE
running
expect 0 secrets rotate --yes --json "${AR[@]}"
[ "$(field "$T/out" 'd["rows"]["users.otp_secret"]')" = $USERS ] || fail "not all rows"
agree "${AR[@]}"
expect 0 secrets rotate --yes --json VAPID_PUBLIC_KEY
[ "$(field "$T/out" 'd["rotated"]')" = "['VAPID_PRIVATE_KEY', 'VAPID_PUBLIC_KEY']" ] || fail "half a pair"
[ "$(field "$T/out" 'd["subscriptions"]')" = 20 ] || fail "subscriptions"
[ "$(sql -d mastodon -c 'SELECT count(*) FROM web_push_subscriptions')" = 0 ] || fail "subscriptions are left"
[ "$(sql -d mastodon -c 'SELECT count(web_push_subscription_id) FROM session_activations')" = 0 ] || fail "links are left"
agree VAPID_PRIVATE_KEY VAPID_PUBLIC_KEY
printf 'n3w-from-the-provider\n' >"$T/value"
expect 0 secrets rotate --yes SMTP_PASSWORD <"$T/value"
[ "$(value SMTP_PASSWORD)" = n3w-from-the-provider ] || fail "another password"
[ "$(value SMTP_PASSWORD "$T/verified")" = n3w-from-the-provider ] || fail "verify-command got something else"
agree SMTP_PASSWORD
expect 0 secrets rotate --yes --json --all
agree "${AR[@]}" SECRET_KEY_BASE VAPID_PUBLIC_KEY
running
expect 0 secrets recover --json
[ "$(field "$T/out" 'd["outcome"]')" = nothing ] || fail "there was nothing to recover"
expect '0|4' secrets audit
