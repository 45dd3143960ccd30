#!/bin/bash
# pg-start.sh - a throw-away PostgreSQL on a socket of its own.
#
#   eval "$(tests/servers/pg-start.sh --state DIR)"    sets PGHOST, PGPORT,
#   PGUSER (postgres, a superuser), PGDATABASE (test), PG_BIN, PG_RUN_AS
#
#   --state DIR   everything lives here; at most 80 bytes, for the socket's sake
#   --user NAME   account that runs the server, which root must not; only for
#                 root, whose default is postgres, or nobody where that is not
#   --tcp         listen on a free port of 127.0.0.1 too
#   --auth NAME   how sockets authenticate (trust; peer, scram-sha-256 ...)
#   --durable     leave fsync on: the default is a cluster that does not
#                 survive a power cut
#   --set LINE    one more line of postgresql.conf (repeatable)
#
# Needs initdb and postgres of any version in /usr/lib/postgresql/*/bin, or in
# $PG_BIN.  The cluster of the system is neither used nor touched.
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/servers/lib.sh
. "$HERE/lib.sh"

STATE=
RUN_AS=
AUTH=trust
TCP=0
DURABLE=0
EXTRA=
while [ $# -gt 0 ]; do
	case $1 in
	--state) STATE=$2 && shift ;;
	--user) RUN_AS=$2 && shift ;;
	--auth) AUTH=$2 && shift ;;
	--set) EXTRA="$EXTRA$2
" && shift ;;
	--tcp) TCP=1 ;;
	--durable) DURABLE=1 ;;
	*) die "unknown option $1" ;;
	esac
	shift
done
[ -n "$STATE" ] || die "--state DIR is missing"

BIN=${PG_BIN:-}
[ -n "$BIN" ] || for d in /usr/lib/postgresql/*/bin; do
	[ ! -x "$d/initdb" ] || BIN=$d
done
[ -n "$BIN" ] || die "no initdb in /usr/lib/postgresql/*/bin; scripts/setup.sh demo installs it"
if [ "$(id -u)" = 0 ]; then
	[ -n "$RUN_AS" ] || RUN_AS=$(id -un postgres 2>/dev/null || echo nobody)
	GROUP=$(id -g "$RUN_AS") || die "no account $RUN_AS"
	# setpriv and not runuser: it becomes the program, so the pid is its own.
	AS="setpriv --reuid=$RUN_AS --regid=$GROUP --clear-groups"
else
	[ -z "$RUN_AS" ] || [ "$RUN_AS" = "$(id -un)" ] || die "--user needs root"
	RUN_AS=$(id -un)
	AS=
fi

state_lock
cd "$STATE"
STATE=$PWD
[ ${#STATE} -le 80 ] || die "'$STATE' is too long for a socket's path"
# shellcheck source=/dev/null
if [ -s env ] && pid_alive pg.pid && (. ./env && "$BIN/pg_isready" -q); then
	cat env
	exit 0
fi
pid_stop pg.pid 10 INT
if [ -s data/postmaster.pid ]; then
	pid_reaped "$(head -n 1 data/postmaster.pid)"
fi
started=0
trap '[ $started = 1 ] || pid_stop pg.pid 10 INT' EXIT
mkdir -p sock data
: >>log
chmod 755 sock
chmod 700 data
if [ "$(id -u)" = 0 ]; then
	chmod 711 .
	chown "$RUN_AS" sock data log
fi
if [ ! -s data/PG_VERSION ]; then
	# shellcheck disable=SC2086
	(cd / && $AS "$BIN/initdb" --no-sync -D "$STATE/data" -U postgres \
		-A trust -E UTF8 --locale=C.UTF-8) >initdb.out 2>&1 ||
		die "initdb: $(tail -n 3 initdb.out)"
fi
PORT=5432
if [ $TCP = 1 ]; then
	ports_lock
	PORT=$(free_port 17432)
fi
{
	[ $TCP = 1 ] && echo "listen_addresses = '127.0.0.1'" ||
		echo "listen_addresses = ''"
	echo "port = $PORT"
	echo "unix_socket_directories = '$STATE/sock'"
	echo "max_connections = 60"
	echo "shared_buffers = 128MB"
	echo "max_wal_size = 4GB"
	echo "logging_collector = off"
	echo "log_min_messages = warning"
	[ $DURABLE = 1 ] ||
		printf 'fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n'
	printf '%s' "$EXTRA"
} >throwaway.conf
chmod 644 throwaway.conf
grep -q throwaway.conf data/postgresql.conf ||
	echo "include '$STATE/throwaway.conf'" >>data/postgresql.conf
# shellcheck disable=SC2086
spawn pg.pid log $AS "$BIN/postgres" -D "$STATE/data"
wait_for 30 pg.pid "$BIN/pg_isready" -q -h "$STATE/sock" -p "$PORT" ||
	die "postgres: $(tail -n 3 log)"
if [ $TCP = 1 ]; then
	ports_unlock
fi
sql() {
	"$BIN/psql" -XqAt -h "$STATE/sock" -p "$PORT" -U postgres -d postgres "$@"
}
if [ ! -e ready ]; then
	sql -c 'CREATE DATABASE test' || die "no database: $(tail -n 3 log)"
	if [ "$AUTH" != trust ]; then
		# The superuser stays reachable, by whom it is depends on AUTH.
		printf 'local all postgres trust\nlocal all all %s\nhost all all 127.0.0.1/32 scram-sha-256\n' \
			"$AUTH" >data/pg_hba.conf
		sql -c 'SELECT pg_reload_conf()' >/dev/null
	fi
	: >ready
fi
emit_env "PG_STATE=$STATE" "PGHOST=$STATE/sock" "PGPORT=$PORT" PGUSER=postgres \
	PGDATABASE=test "PG_BIN=$BIN" "PG_RUN_AS=$RUN_AS"
started=1
