#!/bin/bash
# Goal: the vault gives back what was put in, says who changed which name and
# never a value; an old env-file that comes back is an alarm; the audit finds
# what is planted, and staging cannot work with production's keys.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
umask 022
live=$T/live
env=$live/.env.production
media_site "$live"
new_env a "$live"
secrets() {
	mastvault secrets -c "$T/a.conf" "$@"
}
value() {
	sed -n "s/^$1=//p" "${2:-$env}"
}
# no_values - the last expect showed none of the secrets.
no_values() {
	local name
	for name in SECRET_KEY_BASE OTP_SECRET ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY VAPID_PRIVATE_KEY; do
		if grep -qF -e "$(value $name)" -e "$(value $name "$T/first")" "$T/out" "$T/err"; then
			fail "the value of $name is shown"
		fi
	done
}
cp -p "$env" "$T/first"

expect 1 secrets get SECRET_KEY_BASE
says import
expect 0 secrets import --reason 'first of all' --json
[ "$(field "$T/out" 'd["version"], d["added"]')" = '(1, True)' ] || fail "not version 1"
expect 0 secrets import --json
[ "$(field "$T/out" 'd["version"], d["added"]')" = '(1, False)' ] || fail "imported twice"
expect 0 secrets get SECRET_KEY_BASE
[ "$(cat "$T/out")" = "$(value SECRET_KEY_BASE)" ] || fail "another value"
expect 1 secrets get NOT_THERE

# A value on the command line is refused and not repeated.
expect 2 secrets set SMTP_PASSWORD on-the-command-line
if grep -q on-the-command-line "$T/out" "$T/err"; then fail "the value is repeated"; fi
printf 'a-new-password-of-mail\n' >"$T/value"
expect 0 secrets set SMTP_PASSWORD --reason 'the provider changed it' <"$T/value"
expect 0 secrets set VAPID_PRIVATE_KEY --generate --json
[ "$(field "$T/out" 'd["changed"]')" = "['VAPID_PRIVATE_KEY', 'VAPID_PUBLIC_KEY']" ] || fail "no pair"
# What encrypts rows is not changed by the way.
expect 1 secrets set OTP_SECRET --generate
says --yes rows
no_values

expect 0 secrets diff 1 3
no_values
[ "$(tr '\n' ' ' <"$T/out")" = 'M SMTP_PASSWORD M VAPID_PRIVATE_KEY M VAPID_PUBLIC_KEY ' ] ||
	fail "the difference is $(cat "$T/out")"
expect 0 secrets history --json
no_values
[ "$(field "$T/out" '[(v["version"], v["reason"]) for v in d][1:]')" = \
	"[(2, 'the provider changed it'), (1, 'first of all')]" ] || fail "history: $(cat "$T/out")"
expect 0 secrets list --json
no_values
[ "$(field "$T/out" '[s["version"] for s in d if s["name"] == "SMTP_PASSWORD"]')" = '[2]' ] ||
	fail "not since version 2"

# Written whole, for its owner alone, comments and order as they were.
chmod 640 "$env"
expect 0 secrets render
[ "$(stat -c %a "$env")" = 600 ] || fail "mode $(stat -c %a "$env")"
grep -q '^SMTP_PASSWORD="a-new-password-of-mail"' "$env" || fail "not rendered"
diff <(grep -o '^[A-Z_]*=\|^#.*\|^export' "$T/first") <(grep -o '^[A-Z_]*=\|^#.*\|^export' "$env") >"$T/diff" ||
	grep -q "the provider's, not ours" "$T/diff" || fail "order or comments changed: $(cat "$T/diff")"
# Only what is nowhere else is not written over.
sed -i 's/^SMTP_SERVER=.*/SMTP_SERVER=elsewhere.example/' "$env"
expect 1 secrets render
says SMTP_SERVER import
sed -i 's/^SMTP_SERVER=.*/SMTP_SERVER=smtp.example/; 1i # by hand' "$env"
expect 0 secrets render
[ "$(head -n 1 "$env")" = '# by hand' ] || fail "a comment is lost"
expect 0 secrets import --json
[ "$(field "$T/out" 'd["version"]')" = 4 ] || fail "the comment is no new version"

# The command has the values, and its own exit code; nobody else has them.
# shellcheck disable=SC2016
expect 7 secrets exec -- sh -c 'test "$SMTP_PASSWORD" = a-new-password-of-mail && umask && exit 7'
grep -q 22 "$T/out" || fail "the umask is $(cat "$T/out")"
background "$MASTVAULT" secrets -c "$T/a.conf" exec -- sleep 60
pid=$!
for _ in $(seq 50); do
	grep -qz '^SMTP_PASSWORD=' "/proc/$pid/environ" 2>/dev/null && break
	sleep 0.1
done
grep -qz '^SMTP_PASSWORD=a-new-password-of-mail' "/proc/$pid/environ" || fail "the command lacks it"
if tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q a-new-password; then fail "a value is an argument"; fi
if ps -o ppid= -p $pid | grep -qv "$$"; then fail "somebody waits for the command"; fi

# An upgrade brings the first file back: told, and no version.
cp -p "$T/first" "$env"
expect 3 mastvault backup -c "$T/a.conf" --only secrets --json
says 'version 1' 'version 4'
[ "$(field "$T/out" 'd["secrets"]["added"]')" = False ] || fail "an old file became a version"
expect 1 secrets import
says render
expect 4 secrets audit --json
field "$T/out" '[f["code"] for f in d["findings"]]' | grep -q older-version || fail "$(cat "$T/out")"
# A restore brings the newest.
expect 0 mastvault restore --kit "$T/a.kit" latest --only secrets --env-file "$T/restored"
grep -q a-new-password-of-mail "$T/restored" || fail "restored the old one"

# On purpose it is one.
expect 0 secrets rollback 1 --yes
expect 0 mastvault backup -c "$T/a.conf" --only secrets
expect 0 secrets diff 1 latest
[ ! -s "$T/out" ] || fail "a rollback to something else"

# What is planted is found, by name and not by value.
mkdir -p "$live/lib/mastodon"
printf 'def major\n  4\nend\ndef minor\n  4\nend\n' >"$live/lib/mastodon/version.rb"
sed -i 's/^ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY=.*/ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY=tiny7/
	s/^SECRET_KEY_BASE=.*/SECRET_KEY_BASE=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/
	s/^ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT=.*/ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT=fkSxKD2bF396kdQbrP1EJ7WbU7ZgNokR_DO_NOT_USE_IN_PRODUCTION/' "$env"
chmod 644 "$env"
if command -v git >/dev/null; then
	git -C "$live" init -q && git -C "$live" add .env.production
fi
expect 0 secrets import
(cd "$live" && exec env SMTP_PASSWORD=another-one-from-systemd sleep 60) &
BACKGROUND+=($!)
media_site "$T/staging"
expect 0 mastvault init -c "$T/a.conf" -e staging --mastodon "$T/staging" --store "file://$T/s.store" \
	--key-dir "$T/s.keys" --state-dir "$T/s.state" --kit "$T/s.kit" --no-passphrase
expect 0 mastvault secrets -c "$T/a.conf" -e staging import
expect 4 mastvault secrets -c "$T/a.conf" -e a audit --json
no_values
if grep -q another-one "$T/out" "$T/err"; then fail "a process's value is shown"; fi
want='short weak sample vapid readable running dead shared'
! command -v git >/dev/null || want="$want tracked"
found=$(field "$T/out" '" ".join(f["code"] for f in d["findings"])')
for code in $want; do
	case " $found " in
	*" $code "*) ;;
	*) fail "the audit finds no $code: $(cat "$T/out")" ;;
	esac
done
field "$T/out" '[f["name"] for f in d["findings"] if f["code"] == "shared"]' | grep -q OTP_SECRET ||
	fail "OTP_SECRET is shared, unseen"
expect 4 mastvault secrets -c "$T/a.conf" -e a audit
no_values

# Staging with production's keys, or one of them, is refused.
sed "/staging/,\$s|^key-dir = .*|key-dir = $T/a.keys|" "$T/a.conf" >"$T/mixed.conf"
for action in list audit; do
	expect 2 mastvault secrets -c "$T/mixed.conf" -e staging $action
	says staging
done
expect 2 mastvault backup -c "$T/mixed.conf" -e staging --only secrets
# Nor does any of its files open production's vault.
for file in "$T"/s.keys/* "$T/s.kit"; do
	for store in "$T/a.store" "$T/s.store"; do
		[ "$store" = "$T/s.store" ] || expect 11 mastvault secrets get SECRET_KEY_BASE \
			--kit "$file" --store "file://$store"
	done
done
# The kit alone does.
expect 0 mastvault secrets get SMTP_SERVER --kit "$T/a.kit"
[ "$(cat "$T/out")" = smtp.example ] || fail "the kit reads something else"
tests/e2e/grep_store.py "$T/a.store" a-new-password-of-mail "$(value OTP_SECRET)"
tests/e2e/grep_store.py "$T/a.state" a-new-password-of-mail "$(value OTP_SECRET)"
