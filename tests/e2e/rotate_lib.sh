# shellcheck shell=bash
# rotate_lib.sh - a Mastodon whose secrets are rotated: a database in which
# every account has a second factor, and services that hold sessions of its
# role, read the env-file when they start and write rows with its keys.
#
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
TOOL_ROWS=$(cd "$B" && pwd)/tests/e2e/tool_rows
USERS=20
PRIMARY=ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY

# value NAME [FILE] - of the env-file.
value() {
	sed -n "s/^\(export \)\?$1=//p" "${2:-$T/live/.env.production}" | tr -d "'\""
}

# secrets ACTION... - of the environment prod.
secrets() {
	mastvault secrets "$1" -c "$T/prod.conf" "${@:2}"
}

# seed_rows - every account has the second factor SECRET<id>.
seed_rows() {
	sql -d mastodon -c 'UPDATE users SET otp_secret = NULL; UPDATE keypairs SET private_key = NULL'
	seq -f '%.0f' "$USERS" | awk '{ print $1 "\tSECRET" $1 }' |
		"$TOOL_ROWS" seal "$T/live/.env.production" >"$T/sealed"
	sql -d mastodon >/dev/null <<-END
		CREATE TEMPORARY TABLE s (id bigint, v text);
		\\copy s FROM '$T/sealed' WITH (FORMAT csv, DELIMITER E'\\t', QUOTE E'\\b')
		UPDATE users u SET otp_secret = s.v FROM s WHERE s.id = u.id;
	END
}

# One service: service.sh NAME DIR.  It lives until SIGTERM.
write_service() {
	cat >"$T/service.sh" <<-'END'
		#!/bin/bash
		# A row every fifth of a second, with the key that we were started with.
		name=$1 T=$2 TOOL_ROWS=$3
		sha256sum <"$T/live/.env.production" >"$T/run/$name.env"
		row=$(printf '%s\tWRITER\n' "$4" | "$TOOL_ROWS" seal "$T/live/.env.production" | cut -f 2)
		PGHOST=$(sed -n 's/^DB_HOST=//p' "$T/live/.env.production")
		PGPORT=$(sed -n 's/^DB_PORT=//p' "$T/live/.env.production")
		PGPASSWORD=$(sed -n 's/^DB_PASS=//p' "$T/live/.env.production")
		export PGHOST PGPORT PGPASSWORD
		exec 3> >(exec psql -XqAt -U mastodon -d mastodon >/dev/null 2>&1)
		psql=$!
		trap 'kill $psql; exit 0' TERM
		echo $$ >"$T/run/$name.pid"
		while :; do
			echo "UPDATE users SET otp_secret = '$row' WHERE id = $4;" >&3
			sleep 0.2 &
			wait $!
		done
	END
	cat >"$T/stop.sh" <<-'END'
		#!/bin/bash
		T=$1
		[ ! -e "$T/stop.fails" ] || { echo 'stop: told to fail' >&2; exit 1; }
		[ ! -e "$T/stop.hangs" ] || sleep 1000
		# By its path, which is this run's alone: who was killed while it started
		# services has not written down their pids.
		for pid in $(pgrep -f "^/bin/bash $T/service.sh "); do
			kill "$pid" 2>/dev/null
		done
		while pgrep -f "^/bin/bash $T/service.sh " >/dev/null; do
			sleep 0.05
		done
		rm -f "$T"/run/*
	END
	cat >"$T/start.sh" <<-'END'
		#!/bin/bash
		T=$1 TOOL_ROWS=$2
		[ ! -e "$T/start.fails" ] || { rm -f "$T/start.fails"; echo 'start: told to fail' >&2; exit 1; }
		[ ! -e "$T/start.hangs" ] || { rm -f "$T/start.hangs"; sleep 1000; }
		n=0
		for name in web sidekiq; do
			n=$((n + 1))
			pgrep -f "^/bin/bash $T/service.sh $name " >/dev/null ||
				setsid "$T/service.sh" $name "$T" "$TOOL_ROWS" $n </dev/null >/dev/null 2>&1 &
		done
		for _ in $(seq 200); do
			[ ! -e "$T/run/web.pid" ] || [ ! -e "$T/run/sidekiq.pid" ] || exit 0
			sleep 0.05
		done
		exit 1
	END
	cat >"$T/verify.sh" <<-'END'
		#!/bin/bash
		T=$1
		cat >"$T/verified"
		[ ! -e "$T/verify.fails" ] || { rm -f "$T/verify.fails"; echo 'verify: told to fail' >&2; exit 1; }
		[ ! -e "$T/verify.hangs" ] || { rm -f "$T/verify.hangs"; sleep 1000; }
	END
	cat >"$T/apply.sh" <<-'END'
		#!/bin/bash
		T=$1
		umask 077
		cat >"$T/applied.new"
		[ ! -e "$T/apply.fails" ] || { rm -f "$T/apply.fails"; echo 'apply: told to fail' >&2; exit 1; }
		[ ! -e "$T/apply.hangs" ] || { rm -f "$T/apply.hangs"; sleep 1000; }
		mv "$T/applied.new" "$T/applied"
	END
	chmod 700 "$T"/{service,stop,start,verify,apply}.sh
	mkdir -p "$T/run"
}

services_start() {
	"$T/start.sh" "$T" "$TOOL_ROWS"
}

services_stop() {
	rm -f "$T"/stop.{fails,hangs}
	"$T/stop.sh" "$T"
}

# new_site - database, env-file, environment prod, services;
# before_import, where there is such a function, changes the env-file before.
new_site() {
	make_site "$T/live" mastodon 91 0 5 1 >/dev/null
	seed_rows
	write_service
	! declare -F before_import >/dev/null || before_import
	new_env prod "$T/live" --database "$(conninfo mastodon)"
	cat >>"$T/prod.conf" <<-END
		stop-command = $T/stop.sh $T
		start-command = $T/start.sh $T $TOOL_ROWS
		verify-command = $T/verify.sh $T
		apply-command = $T/apply.sh $T
		command-timeout = 20s
	END
	expect 0 secrets import
	trap 'services_stop; scratch_end' EXIT
	services_start
}

# rows_fit - every row opens with the env-file's key, and is what it was.
rows_fit() {
	sql -d mastodon -F "$(printf '\t')" -c 'SELECT id, otp_secret FROM users
		WHERE otp_secret IS NOT NULL ORDER BY id' |
		"$TOOL_ROWS" open "$T/live/.env.production" >"$T/opened"
	[ "$(wc -l <"$T/opened")" = "$USERS" ] || fail "rows are lost"
	awk -F '\t' '$2 != "SECRET" $1 && $2 != "WRITER" { print; bad = 1 } END { exit bad }' \
		"$T/opened" || fail "these rows do not open with the env-file's keys"
}

# agree NAME... - database, env-file, vault and whoever got the values are on
# one generation, and nothing is pending.
agree() {
	local name
	rows_fit
	[ ! -e "$T/prod.state/rotation.journal" ] || fail "a journal is left"
	expect 0 secrets history --json
	[ "$(field "$T/out" 'd[0]["pending"]')" = False ] || fail "the vault is pending"
	for name; do
		expect 0 secrets get "$name"
		[ "$(<"$T/out")" = "$(value "$name")" ] || fail "$name: vault and env-file differ"
		[ ! -e "$T/applied" ] || ! grep -q "^$name=" "$T/applied" ||
			[ "$(value "$name" "$T/applied")" = "$(value "$name")" ] ||
			fail "$name: apply-command and env-file differ"
	done
}

# running - both services run, with the env-file as it is.
running() {
	local name
	for name in web sidekiq; do
		kill -0 "$(cat "$T/run/$name.pid" 2>/dev/null)" 2>/dev/null ||
			fail "$name does not run"
		[ "$(<"$T/run/$name.env")" = "$(sha256sum <"$T/live/.env.production")" ] ||
			fail "$name runs with another env-file"
	done
}

# undone - the last rotation left the old values, everywhere: $old is that of
# PRIMARY.
undone() {
	# shellcheck disable=SC2154
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
