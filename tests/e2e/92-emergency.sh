#!/bin/bash
# Goal: 'secrets rotate --emergency' counts first and touches nothing in a dry
# run; takes its evidence, rotates everything and revokes what was asked for,
# past a corrupt row; leaves a record for people; killed, it is finished by
# 'recover', with the revocations.
# shellcheck source=tests/e2e/rotate_lib.sh
. "$(dirname "$0")/rotate_lib.sh"
# shellcheck disable=SC2119
start_postgres
# shellcheck disable=SC2119
new_site
live=$T/live/.env.production
expect 0 mastvault backup -c "$T/prod.conf" --json
sql -d mastodon -f tests/gen/planted.sql -c "UPDATE users SET otp_secret = '{\"p\":\"corrupt\"}' WHERE id = 7" >/dev/null
cp "$live" "$T/first.env"
of_db() {
	sql -d mastodon -c "$1"
}

# Looking is all that a dry run does.
state() {
	sha256sum "$live"
	find "$T/prod.store" "$T/prod.state/incidents" -type f 2>/dev/null | sort
	of_db "SELECT count(*) FROM oauth_access_tokens WHERE revoked_at IS NULL"
	of_db 'SELECT count(*) FROM session_activations'
	of_db 'SELECT count(*) FROM web_push_subscriptions'
	of_db "SELECT md5(string_agg(otp_secret, ' ' ORDER BY id)) FROM users WHERE id > 2"
}
state >"$T/before"
expect 0 secrets rotate --emergency --revoke-tokens --revoke-sessions --reset-2fa --dry-run --json
state | cmp - "$T/before" || fail "a dry run touched something"
tokens=$(of_db 'SELECT count(*) FROM oauth_access_tokens WHERE revoked_at IS NULL')
[ "$(field "$T/out" '[r["rows"] for r in d["revoke"] if r["table"] == "oauth_access_tokens"]')" = "[$tokens]" ] ||
	fail "the dry run counts $(cat "$T/out")"
[ "$(field "$T/out" 'd["exposed"]["private_messages"]')" = 2 ] || fail "messages are not counted"
field "$T/out" '" ".join(d["by_hand"])' >"$T/list"
for word in SMTP_PASSWORD 'accounts rotate --all' FLUSHALL REDIS_PASSWORD '72 hours' webhooks; do
	grep -q -e "$word" "$T/list" || fail "the list of what is left lacks '$word'"
done
if grep -qF "$(value SMTP_PASSWORD)" "$T/out"; then fail "a value is shown"; fi

# What is refused, and leaves all as it was.
expect 2 secrets rotate --emergency </dev/null
says --yes
expect 2 secrets rotate --emergency SECRET_KEY_BASE --yes
expect 2 secrets rotate --revoke-tokens --all --yes
expect 2 secrets rotate --emergency --yes --aware '2100-01-01'
expect 1 secrets incident
mv "$T/prod.store" "$T/away"
expect '1|3|10' secrets rotate --emergency --yes
mv "$T/away" "$T/prod.store"
state | cmp - "$T/before" || fail "a refusal touched something"

# The whole of it; the row that opens with no key is told and in nobody's way.
# The evidence is taken as backups are: a few objects of 64 KiB, slowly.
cp -p "$T/prod.conf" "$T/plain.conf"
echo 'limit-upload = 32K' >>"$T/prod.conf"
expect 3 secrets rotate --emergency --revoke-tokens --revoke-sessions --yes --json \
	--reason 'a laptop was stolen' --aware '2026-01-02 03:04Z'
cp "$T/out" "$T/report"
mv "$T/plain.conf" "$T/prod.conf"
[ "$(field "$T/report" 'd["outcome"]')" = 'done' ] || fail "outcome: $(cat "$T/report")"
[ "$(field "$T/report" 'd["undecryptable"]["users.otp_secret"]')" = '[7]' ] || fail "the corrupt row is not told"
[ "$(of_db 'SELECT otp_secret FROM users WHERE id = 7')" = '{"p":"corrupt"}' ] || fail "the corrupt row was changed"
for name in SECRET_KEY_BASE $PRIMARY VAPID_PRIVATE_KEY; do
	[ "$(value "$name")" != "$(value "$name" "$T/first.env")" ] || fail "$name is the old one"
done
[ "$(value SMTP_PASSWORD)" = "$(value SMTP_PASSWORD "$T/first.env")" ] || fail "a provider's password was changed"
running
[ "$(of_db 'SELECT count(*) FROM oauth_access_tokens WHERE revoked_at IS NULL')" = 0 ] || fail "tokens are in force"
[ "$(of_db 'SELECT count(*) FROM session_activations')" = 0 ] || fail "sessions are left"
[ "$(of_db 'SELECT count(*) FROM web_push_subscriptions')" = 0 ] || fail "push subscriptions are left"
[ "$(of_db 'SELECT count(*) FROM users WHERE reset_password_token IS NOT NULL OR confirmation_token IS NOT NULL')" = 0 ] ||
	fail "links in mails still work"
[ "$(of_db "SELECT count(*) FROM webhooks WHERE secret = 'PLANTED-hook'")" = 0 ] || fail "webhooks sign as before"
# Nobody asked for that.
[ "$(of_db 'SELECT count(*) FROM users WHERE otp_required_for_login')" -gt 0 ] || fail "two-factor login was reset"
of_db 'UPDATE users SET otp_secret = NULL WHERE id = 7'
USERS=$((USERS - 1))
rows_fit

# The record, for people and programs.
record=$(field "$T/report" 'd["record"]')
text=${record%.json}.txt
[ "$(stat -c %a "$record" "$text" "$T/prod.state/incidents" | tr '\n' ' ')" = '600 600 700 ' ] || fail "others can read the record"
[ "$(field "$record" 'd["deadline"], d["aware"], d["state"]')" = \
	"('2026-01-05T03:04:00Z', '2026-01-02T03:04:00Z', 'done')" ] || fail "the deadline is wrong"
[ "$(field "$record" 'd["exposed"]["tokens"]')" = "$tokens" ] || fail "the record counts otherwise"
for word in 'a laptop was stolen' '2026-01-05T03:04:00Z' 'article 33' 'Draft for users' "$tokens access tokens" \
	'All apps were logged out' 'new SECRET_KEY_BASE' 'Draft for the authority' 'accounts rotate --all'; do
	tr '\n' ' ' <"$text" | grep -qF -e "$word" || fail "the text lacks '$word'"
done
for name in SECRET_KEY_BASE $PRIMARY VAPID_PRIVATE_KEY; do
	if grep -qF -e "$(value "$name")" -e "$(value "$name" "$T/first.env")" "$record" "$text"; then fail "a value is in the record"; fi
done
expect 0 secrets incident
grep -q 'Draft for users' "$T/out" || fail "the record is not shown"

# The evidence: pinned, with database and secrets as they were.
snap=$(field "$T/report" 'd["snapshot"]')
expect 0 mastvault snapshots --kit "$T/prod.kit" --json
[ "$(field "$T/out" '[(s["pinned"], s["detail"]["tags"]) for s in d if s["id"] == "'"$snap"'"]')" = "[(True, ['incident'])]" ] ||
	fail "the evidence is not pinned"
took=$(($(date -d "$(field "$T/out" '[s["time"] for s in d if s["pinned"]][0]')" +%s) -
	$(date -d "$(field "$T/out" '[s["started"] for s in d if s["pinned"]][0]')" +%s)))
[ $took -ge 5 ] || fail "the evidence took $took s at 32 KiB a second"
[ "$(field "$T/out" '[s["pinned"] for s in d].count(True)')" = 1 ] || fail "another snapshot is pinned"
expect 0 mastvault restore --kit "$T/prod.kit" "${snap:0:12}" --database "$(conninfo evidence)" --env-file "$T/evidence.env"
[ "$(sql -d evidence -c 'SELECT count(*) FROM oauth_access_tokens WHERE revoked_at IS NULL')" = "$tokens" ] ||
	fail "the evidence is from afterwards"
cmp -s "$T/evidence.env" "$T/first.env" || fail "other secrets are in the evidence"

# Killed, it goes on: forward, and with what was to be revoked.
of_db 'UPDATE oauth_access_tokens SET revoked_at = NULL'
# shellcheck disable=SC2016
printf '%s\n' '#!/bin/bash' 'echo $$ >"$1/applying"; exec sleep 30' >"$T/apply.sh"
sleep 1
"$MASTVAULT" secrets rotate -c "$T/prod.conf" --emergency --revoke-tokens --reset-2fa --no-snapshot --yes >"$T/killed" 2>&1 &
pid=$!
for _ in $(seq 200); do
	[ ! -s "$T/applying" ] || break
	sleep 0.1
done
[ -s "$T/applying" ] || fail "it never came to apply: $(cat "$T/killed")"
kill -9 $pid
wait $pid 2>/dev/null || :
kill "$(<"$T/applying")" 2>/dev/null || :
# shellcheck disable=SC2016
printf '%s\n' '#!/bin/bash' 'cat >"$1/applied"' >"$T/apply.sh"
record=$(find "$T/prod.state/incidents" -name '*.json' | sort | tail -n 1)
[ "$(field "$record" 'd["state"]')" = begun ] || fail "killed, the record says otherwise"
echo 'a note by hand' >>"${record%.json}.txt"
expect 1 secrets rotate --emergency --dry-run
says recover
expect 0 secrets recover --json
[ "$(field "$T/out" 'd["outcome"]')" = 'done' ] || fail "it went back: $(cat "$T/out")"
[ "$(of_db 'SELECT count(*) FROM oauth_access_tokens WHERE revoked_at IS NULL')" = 0 ] || fail "tokens are in force"
[ "$(of_db 'SELECT count(*) FROM users WHERE otp_required_for_login')" = 0 ] || fail "two-factor login was not reset"
[ "$(field "$record" 'd["state"], len(d["rotated"]) > 3')" = "('done', True)" ] || fail "the record was not ended"
grep -q 'a note by hand' "${record%.json}.txt" || fail "a note by hand was written over"
running

# A start that fails: not undone, told with what is left to do, and resumed.
sleep 1
cp "$live" "$T/second.env"
touch "$T/start.fails"
expect 1 secrets rotate --emergency --no-snapshot --yes
says recover
grep -q 'accounts rotate --all' "$T/out" || fail "it does not say what is left to do"
record=$(find "$T/prod.state/incidents" -name '*.json' | sort | tail -n 1)
[ "$(field "$record" 'd["state"], d["snapshot"]')" = "('unfinished', None)" ] || fail "the record says otherwise"
[ "$(value SECRET_KEY_BASE)" != "$(value SECRET_KEY_BASE "$T/second.env")" ] || fail "it went back"
expect 0 secrets recover
[ "$(field "$record" 'd["state"]')" = 'done' ] || fail "the record was not ended"
running
