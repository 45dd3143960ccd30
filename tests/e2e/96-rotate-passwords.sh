#!/bin/bash
# Goal: the passwords of the database's role and of Redis are rotated, proved
# and put back; and no value of any secret is found in an argument, another
# process's environment, a log, the journal or what is printed.
# shellcheck source=tests/e2e/rotate_lib.sh
. "$(dirname "$0")/rotate_lib.sh"
command -v redis-server >/dev/null || skip "no redis-server here"
NAMES=(DB_PASS REDIS_PASSWORD "$PRIMARY" SECRET_KEY_BASE)
live=$T/live/.env.production
port=$(/usr/bin/python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
start_postgres --set 'log_statement = all' --set 'log_min_duration_statement = 0'

redis() {
	printf 'AUTH %s\n' "$1" | redis-cli -p "$port" 2>&1
}
redis_start() {
	redis-server "$T/redis.conf" >/dev/null 2>&1 &
	redis_pid=$!
	BACKGROUND+=("$redis_pid")
	until redis-cli -p "$port" ping >/dev/null 2>&1; do sleep 0.05; done
}
# role_in PASSWORD - does Mastodon's role get in with it?
role_in() {
	PGPASSWORD=$1 psql -XqAt -U mastodon -d mastodon -c 'SELECT 1' >/dev/null 2>&1
}

before_import() {
	sed -i -e 's/^DB_PASS=.*/DB_PASS=0ldDatabasePassw0rd/' -e 's/^export REDIS_HOST=.*/REDIS_HOST=127.0.0.1/' \
		-e "s/^REDIS_PORT=.*/REDIS_PORT=$port/" -e 's/^REDIS_PASSWORD=.*/REDIS_PASSWORD=0ldRedisPassw0rd/' "$live"
	sql -d postgres -c "ALTER ROLE mastodon PASSWORD '0ldDatabasePassw0rd'"
	sed -i '1i local all mastodon scram-sha-256' "$T/pg/data/pg_hba.conf"
	sql -d postgres -c 'SELECT pg_reload_conf()' >/dev/null
	printf 'port %s\nbind 127.0.0.1\nsave ""\ndir %s\nrequirepass 0ldRedisPassw0rd\n' "$port" "$T" >"$T/redis.conf"
	redis_start
	: >"$T/pg/log"
}
new_site
# As Mastodon itself, so that the password is that of the connection, too.
sed -i '/^database = /d' "$T/prod.conf"
# What can be seen from outside while all values are in use.
cat >>"$T/apply.sh" <<-'END'
	for p in /proc/[0-9]*; do
		tr '\0' '\n' <"$p/cmdline"
		tr '\0' '\n' <"$p/environ"
	done >"$T/seen" 2>/dev/null
	cp "$T/prod.state/rotation.journal" "$T/seen.journal"
END

# nowhere FILE... - no value of a rotated name, old or new, is in these.
nowhere() {
	local name
	for name in "${NAMES[@]}"; do
		for v in "$(value "$name")" "$(value "$name" "$T/old.env")"; do
			! grep -qF -e "$v" "$@" || fail "$name: a value is in $(grep -lF -e "$v" "$@")"
		done
	done
}

cp "$live" "$T/old.env"
expect 0 secrets rotate --yes -vv --json "${NAMES[@]}"
cp "$T/out" "$T/rotate.out"
cp "$T/err" "$T/rotate.err"
[ "$(field "$T/out" 'len(d["rotated"])')" = 4 ] || fail "not all were rotated"
agree "${NAMES[@]}"
running
for f in seen seen.journal pg/log; do
	[ -s "$T/$f" ] || fail "nothing to search in $f"
done
grep -q 'ALTER ROLE' "$T/pg/log" || echo "the server's log does not show the change at all"
nowhere "$T/seen" "$T/seen.journal" "$T/rotate.out" "$T/rotate.err" "$T/pg/log" "$T/prod.conf"
role_in "$(value DB_PASS)" || fail "the new password does not let the role in"
! role_in 0ldDatabasePassw0rd || fail "the old password still lets the role in"
[ "$(redis "$(value REDIS_PASSWORD)")" = OK ] || fail "Redis does not take the new password"
# It has to survive a restart.
kill "$redis_pid"
wait "$redis_pid" || :
redis_start
[ "$(redis "$(value REDIS_PASSWORD)")" = OK ] || fail "Redis forgot its new password"
[ "$(redis 0ldRedisPassw0rd)" != OK ] || fail "Redis takes the old password"

# Put back where the new ones do not work.
cp "$live" "$T/old.env"
touch "$T/verify.fails"
expect 1 secrets rotate --yes "${NAMES[@]}"
says 'undone, all is as it was before'
cmp "$live" "$T/old.env"
agree "${NAMES[@]}"
running
role_in "$(value DB_PASS)" || fail "the old password does not let the role in again"
[ "$(redis "$(value REDIS_PASSWORD)")" = OK ] || fail "Redis does not take the old password again"

# A password inside a URL wins: that has to be told.
echo "DATABASE_URL=postgresql://mastodon:$(value DB_PASS)@/mastodon?host=$PGHOST&port=$PGPORT" >>"$live"
expect 1 secrets rotate --yes DB_PASS
says DATABASE_URL
expect 1 secrets rotate --yes DATABASE_URL
says 'inside a URL'
