#!/bin/bash
# Goal: whatever fails, hangs, is full or is killed during a rotation, all is
# on one generation afterwards, and services run; writers that were not
# stopped are seen before anything is touched, or their rows found afterwards.
# shellcheck source=tests/e2e/rotate_lib.sh
. "$(dirname "$0")/rotate_lib.sh"
# shellcheck disable=SC2119
start_postgres
new_site
sed -i 's/^command-timeout.*/command-timeout = 3s/' "$T/prod.conf"
live=$T/live/.env.production
old=$(value "$PRIMARY")

# undone - the last rotation left the old values, everywhere.
undone() {
	[ "$(value "$PRIMARY")" = "$old" ] || fail "the env-file was not put back"
	agree "$PRIMARY"
	running
}
# failing WORDS... - a rotation that fails, says so and is undone.
failing() {
	expect 1 secrets rotate --yes "$PRIMARY"
	says 'undone, all is as it was before' "$@"
	undone
}

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

# Commands that fail, and commands that hang.
for step in stop apply start verify; do
	for how in fails hangs; do
		touch "$T/$step.$how"
		# What cannot be stopped is stopped on the way back neither, but was
		# not needed then.
		[ $step != stop ] || { failing "$step-command"; rm -f "$T/stop.$how"; continue; }
		failing "$step-command"
	done
done
echo "undone after every command"

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

# Two at once: the second refuses, on this host and on another.
touch "$T/verify.hangs"
secrets rotate --yes "$PRIMARY" >"$T/first.out" 2>&1 &
first=$!
until [ -s "$T/verified" ] && [ ! -e "$T/verify.hangs" ]; do sleep 0.05; done
expect 1 secrets rotate --yes "$PRIMARY"
says 'another rotation is running on this host'
expect 1 secrets rotate "$PRIMARY" </dev/null
says 'under way or was not finished' 'secrets recover'
sed "s|prod.state|other.state|" "$T/prod.conf" >"$T/other.conf"
chmod 600 "$T/other.conf"
expect 1 mastvault secrets rotate -c "$T/other.conf" --yes "$PRIMARY"
says 'maybe on another host'
for action in import 'rollback 1' render "set --generate SECRET_KEY_BASE"; do
	# shellcheck disable=SC2086
	expect 1 secrets ${action% *} ${action#"${action% *}"}
	says 'under way or was not finished'
done
expect 4 mastvault status -c "$T/prod.conf"
says 'a rotation of secrets is under way' 'secrets recover'
expect 4 secrets audit
grep -q '^rotation ' "$T/out" || fail "the audit does not know"
# A backup in the middle holds both generations, and says why.
expect 3 mastvault backup -c "$T/prod.conf" --json
says 'both generations are in this backup'
wait $first && fail "it was to hang and to be undone"
undone

# No room for the env-file, or for state and journal.
mkdir "$T/small"
if mount -t tmpfs -o size=256k,mode=711 tmpfs "$T/small" 2>/dev/null; then
	MOUNTED+=("$T/small")
	fill() { cat /dev/zero >"$T/small/fill" 2>/dev/null || :; }
	cp -a "$live" "$T/small/.env.production"
	sed -e "s|^mastodon = .*|&\nenv-file = $T/small/.env.production|" "$T/prod.conf" >"$T/full.conf"
	chmod 600 "$T/full.conf"
	mv "$live" "$T/live/away"
	ln -s "$T/small/.env.production" "$live"
	fill
	expect 1 mastvault secrets rotate -c "$T/full.conf" --yes "$PRIMARY"
	says 'undone, all is as it was before' 'No space left'
	undone
	rm "$T/small/fill" "$live"
	mv "$T/live/away" "$live"
	expect 0 secrets import
	cp -a "$T/prod.state" "$T/small/state"
	sed -e "s|^state-dir = .*|state-dir = $T/small/state|" "$T/prod.conf" >"$T/full.conf"
	fill
	expect 1 mastvault secrets rotate -c "$T/full.conf" --yes "$PRIMARY"
	says 'No space left'
	undone
	# Filled up in the middle: the journal has its room.
	rm "$T/small/fill"
	cp "$T/apply.sh" "$T/apply.kept"
	echo "cat /dev/zero >'$T/small/fill' 2>/dev/null; true" >>"$T/apply.sh"
	touch "$T/verify.fails"
	expect 1 mastvault secrets rotate -c "$T/full.conf" --yes "$PRIMARY"
	says 'undone, all is as it was before' verify-command
	cp "$T/apply.kept" "$T/apply.sh"
	[ ! -e "$T/small/state/rotation.journal" ] || fail "a journal is left"
	undone
else
	echo "not tried, no file system may be mounted: a full disk"
fi

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
start_postgres
sql -d mastodon -c 'DROP TRIGGER slow ON users'
expect 0 secrets recover --json
[ "$(field "$T/out" 'd["outcome"]')" = undone ] || fail "not undone"
undone
expect 0 secrets rotate --yes "$PRIMARY"
agree "$PRIMARY"
running
expect 0 mastvault backup -c "$T/prod.conf"
