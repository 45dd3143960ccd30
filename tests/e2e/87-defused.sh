#!/bin/bash
# Goal: production's data get into another environment's database defused or
# not at all; nothing that logs in, mails, pushes, federates or signs is in the
# copy, nor in the server's files of it; and killed at any moment a restore
# leaves no database under the name that is not defused.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2119
start_postgres
live=$T/live
make_site "$live" production 5 0.01 20 0.01
sql -d production -f tests/gen/planted.sql -f tests/gen/planted-4.6.sql >/dev/null
new_env production "$live" --database "$(conninfo production)"
# Staging: an environment of its own, in the same configuration.
mkdir -p "$T/staging/public/system"
(umask 077 && tests/gen/envfile.py --seed 8 "DB_HOST=$PGHOST" "DB_PORT=$PGPORT" DB_NAME=copy \
	>"$T/staging/.env.production")
expect 0 mastvault init -c "$T/production.conf" -e staging --mastodon "$T/staging" \
	--store "file://$T/s.store" --key-dir "$T/s.keys" --state-dir "$T/s.state" \
	--kit "$T/s.kit" --no-passphrase
# Planted rows are no real ones, which the backup notices.
expect 3 mastvault backup -c "$T/production.conf" -e production
says 'users.otp_secret'
restore() {
	mastvault restore -c "$T/production.conf" -e production latest "$@"
}
planted() {
	pg_dump --inserts "$1" >"$T/dump.sql" || fail "cannot dump '$1'"
	grep -c PLANTED "$T/dump.sql" || :
}
[ "$(planted production)" -gt 20 ] || fail "nothing is planted"

# Not like that.
expect 1 restore --database "$(conninfo copy)"
says "'staging'" defused
expect 1 restore --database "host=localhost port=$PGPORT dbname=copy user=postgres"
says "'staging'"
expect 1 restore --env-file "$T/staging/.env.production"
says "'staging'"
expect 1 restore --defused --replace --database "$(conninfo production)"
says itself
expect 2 restore --defused --database "$(conninfo copy)" --redis "$T/dump.rdb"
expect 2 restore --defused --env-file "$T/new.env"
[ "$(sql -d postgres -c "SELECT count(*) FROM pg_database WHERE datname LIKE 'copy%'")" = 0 ] ||
	fail "a refused restore made a database"

# Killed whenever: under the name there is a defused one, or none.
for n in $(seq "${KILLS:-3}"); do
	"$MASTVAULT" restore -c "$T/production.conf" -e production latest --defused --replace \
		--database "$(conninfo copy)" >/dev/null 2>&1 &
	pid=$!
	sleep "0.$((n * 17 % 10))$((n * 7 % 10))"
	kill -9 $pid 2>/dev/null || :
	wait $pid 2>/dev/null || :
	if [ "$(sql -d postgres -c "SELECT count(*) FROM pg_database WHERE datname = 'copy'")" = 1 ]; then
		[ "$(planted copy)" = 0 ] || fail "killed, it left a live copy"
	fi
done

expect 0 restore --defused --replace --database "$(conninfo copy)" --env-file "$T/new.env" --json
cp "$T/out" "$T/report"
[ "$(planted copy)" = 0 ] || fail "left: $(grep -m 3 PLANTED "$T/dump.sql" | cut -c 1-200)"
if grep -q '@mail[0-9]*\.example\|PRIVATE KEY' "$T/dump.sql"; then fail "addresses or keys are left"; fi
[ "$(sql -d copy -c "SELECT count(*) FROM users WHERE email NOT LIKE '%@defused.invalid'")" = 0 ] ||
	fail "an address can be reached"
[ "$(sql -d copy -c 'SELECT count(*) FROM statuses')" = "$(sql -d production -c 'SELECT count(*) FROM statuses')" ] ||
	fail "posts are lost"
users=$(sql -d production -c 'SELECT count(*) FROM users')
[ "$(field "$T/report" '[d for d in d["defused"] if d["columns"] == ["email"]][0]["rows"]')" = "$users" ] ||
	fail "the report counts otherwise"
[ "$(field "$T/report" 'sorted({x["kind"] for x in d["defused"]})')" = \
	"['federation', 'login', 'mail', 'person', 'push', 'schedule', 'secret']" ] || fail "kinds are missing"
# Nor in dead rows: the files of that database have been rewritten.
sql -d postgres -c CHECKPOINT
oid=$(sql -d postgres -c "SELECT oid FROM pg_database WHERE datname = 'copy'")
data=$(sql -d postgres -c 'SHOW data_directory')
grep -la PLANTED -r "$data/base/$oid" >"$T/files" || :
[ ! -s "$T/files" ] || fail "the server still holds it in $(head -n 3 "$T/files" | tr '\n' ' ')"
if ! grep -qa PLANTED -r "$data/base/$(sql -d postgres -c "SELECT oid FROM pg_database WHERE datname = 'production'")"; then
	fail "the search finds nothing anywhere"
fi

# The new env-file: all that Mastodon needs, nothing of production's.
[ "$(stat -c %a "$T/new.env")" = 600 ] || fail "others can read the new env-file"
for name in SECRET_KEY_BASE ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY VAPID_PRIVATE_KEY; do
	grep -q "^$name=..............................." "$T/new.env" || fail "no new $name"
done
sed -n 's/^[A-Z_]*=//p' "$live/.env.production" | grep -E '.{16}' | tr -d "'\"" >"$T/values"
if grep -qFf <(cut -c 1-20 "$T/values") "$T/new.env"; then fail "a value of production's is in it"; fi
# One that is there stays, and must share nothing.
cp "$T/new.env" "$T/kept.env"
expect 0 restore --defused --replace --database "$(conninfo copy)" --env-file "$T/kept.env"
cmp -s "$T/new.env" "$T/kept.env" || fail "the env-file of staging was changed"
grep -q 'users.email' "$T/out" || fail "it does not say what it changed"
grep -q LOCAL_DOMAIN "$T/out" || fail "it does not say what is left to do"
sed -n 's/^SECRET_KEY_BASE=/&/p' "$live/.env.production" >>"$T/kept.env"
expect 1 restore --defused --replace --database "$(conninfo copy)" --env-file "$T/kept.env"
says SECRET_KEY_BASE

# Whoever has no configuration is warned by the database itself.
expect 1 mastvault restore --kit "$T/production.kit" latest --only db --replace --database "$(conninfo copy)"
says defused
[ "$(planted copy)" = 0 ] || fail "the copy was replaced"

# A Mastodon that is not as known is not defused by half.
sql -d production -c 'ALTER TABLE oauth_access_tokens RENAME COLUMN refresh_token TO refresh;
	ALTER TABLE users RENAME COLUMN sign_in_token TO sign_in'
expect 3 mastvault backup -c "$T/production.conf" -e production --only db
expect 12 restore --defused --database "$(conninfo other)"
says users.sign_in_token
[ "$(sql -d postgres -c "SELECT count(*) FROM pg_database WHERE datname LIKE 'other%'")" = 0 ] ||
	fail "something is left of it"
