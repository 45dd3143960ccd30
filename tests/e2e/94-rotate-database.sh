#!/bin/bash
# Goal: writers that were not stopped are seen before anything is touched, or
# their rows found afterwards; and a PostgreSQL that is killed while it writes
# leaves nothing that is not put in order once it is back.
# shellcheck source=tests/e2e/rotate_lib.sh
. "$(dirname "$0")/rotate_lib.sh"
# shellcheck disable=SC2119
start_postgres
new_site
sed -i 's/^command-timeout.*/command-timeout = 3s/' "$T/prod.conf"
live=$T/live/.env.production
old=$(value "$PRIMARY")

# A writer that nobody stopped; on this host or another it is all the same.
setsid psql -XqAt -U mastodon -d mastodon >/dev/null 2>&1 \
	<<<"SET application_name = 'a second host'; SELECT pg_sleep(60)" &
writer=$!
sleep 0.3
before=$(sql -d mastodon -c 'SELECT md5(string_agg(otp_secret, $$ $$ ORDER BY id)) FROM users WHERE id > 2')
failing "session is of role 'mastodon' still there" 'a second host' </dev/null
[ "$before" = "$(sql -d mastodon -c 'SELECT md5(string_agg(otp_secret, $$ $$ ORDER BY id)) FROM users WHERE id > 2')" ] ||
	fail "rows were touched"
kill $writer 2>/dev/null || :
sql -d mastodon -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'a second host'" >/dev/null

# A row that a writer with the old key brings when all seems done.
cp "$live" "$T/old.env"
printf '5\tSECRET5\n' | "$TOOL_ROWS" seal "$T/old.env" | cut -f 2 >"$T/late"
cp "$T/verify.sh" "$T/verify.kept"
cat >>"$T/verify.sh" <<-END
	export PGHOST=$PGHOST PGPORT=$PGPORT
	psql -XqAt -U postgres -d mastodon -c "UPDATE users SET otp_secret = '\$(cat $T/late)' WHERE id = 5"
END
expect 0 secrets rotate --yes --json "$PRIMARY"
[ "$(field "$T/out" 'd["swept"]')" = 1 ] || fail "the late row was not found"
cp "$T/verify.kept" "$T/verify.sh"
agree "$PRIMARY"
running
old=$(value "$PRIMARY")

# PostgreSQL is killed while the rows are being written.
sql -d mastodon -c "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
	'BEGIN PERFORM pg_sleep(0.3); RETURN NEW; END';
	CREATE TRIGGER slow BEFORE UPDATE ON users FOR EACH ROW WHEN (OLD.id = 9) EXECUTE FUNCTION slow()"
secrets rotate --yes "$PRIMARY" >"$T/first.out" 2>&1 &
first=$!
until sql -d mastodon -c "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'UPDATE%' AND state = 'active' AND usename = 'postgres'" | grep -q 1; do :; done
kill -9 "$(head -n 1 "$T/pg/data/postmaster.pid")"
wait $first && fail "there was no database"
grep -q "'mastvault secrets recover'" "$T/first.out" || fail "what to do is not said"
expect '1|4' mastvault status -c "$T/prod.conf"
expect 1 secrets recover
# shellcheck disable=SC2119
start_postgres
sql -d mastodon -c 'DROP TRIGGER slow ON users'
expect 0 secrets recover --json
[ "$(field "$T/out" 'd["outcome"]')" = undone ] || fail "not undone"
undone
expect 0 secrets rotate --yes "$PRIMARY"
agree "$PRIMARY"
running
expect 0 mastvault backup -c "$T/prod.conf"
