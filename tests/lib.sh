# shellcheck shell=bash
# lib.sh - what demo, end-to-end tests and benchmark share.  Source it from the
# top of the tree.
#
# scratch makes $T, a directory of its own; whatever was started with
# start_postgres or background is stopped, by pid, and $T removed when the
# script ends, however it ends.

export LC_ALL=C.UTF-8 TZ=UTC
B=${B:-build/default}
ROOT=$PWD
# shellcheck disable=SC2034
MASTVAULT=$(cd "$B" 2>/dev/null && pwd)/mastvault
BACKGROUND=()
MOUNTED=()
# Our environment must not choose databases, keys or configuration.
unset PGHOST PGPORT PGUSER PGDATABASE PGPASSWORD PGPASSFILE PGSERVICE PGOPTIONS \
	MASTVAULT_CONFIG

fail() {
	printf 'failed: %s\n' "$*" >&2
	exit 1
}

skip() {
	printf '%s\n' "$*"
	exit 77
}

scratch() {
	T=$(mktemp -d "${TMPDIR:-/tmp}/$1.XXXXXX") || exit 1
	# The server's account has to reach its socket and data below.
	chmod 711 "$T"
	trap scratch_end EXIT
	trap 'exit 130' INT TERM HUP
}

scratch_end() {
	local rc=$? m
	# Whatever fails here, the rest still has to be cleaned up.
	set +e
	trap '' INT TERM HUP
	stop_background
	[ ! -d "$T/pg" ] || "$ROOT/tests/servers/pg-stop.sh" --state "$T/pg" --wipe
	for m in "${MOUNTED[@]}"; do
		umount "$m"
	done
	cd /
	rm -rf --one-file-system -- "$T"
	exit $rc
}

# background COMMAND... - its pid is in $!
background() {
	"$@" &
	BACKGROUND+=($!)
}

# Once each: a pid that was waited for may be somebody else's by now.
stop_background() {
	local pid
	for pid in "${BACKGROUND[@]}"; do
		kill "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	BACKGROUND=()
}

# Sets PGHOST and the like, and PG_BIN.
start_postgres() {
	local env
	env=$(tests/servers/pg-start.sh --state "$T/pg" "$@") || exit 1
	eval "$env"
	export PATH="$PG_BIN:$PATH"
}

sql() {
	psql -XqAt -v ON_ERROR_STOP=1 "$@"
}

# make_site DIR DATABASE SEED SCALE FILES SIZE-SCALE - a Mastodon in DIR.
make_site() {
	local dir=$1 db=$2 seed=$3
	mkdir -p "$dir/public/system"
	if [ "$(sql -d postgres -c "SELECT 1 FROM pg_roles WHERE rolname = 'mastodon'")" != 1 ]; then
		sql -d postgres -c 'CREATE ROLE mastodon LOGIN CREATEDB'
	fi
	createdb -O mastodon "$db"
	PGDATABASE=$db PGUSER=mastodon tests/gen/database.py load --seed "$seed" --scale "$4"
	tests/gen/media.py tree "$dir/public/system" --seed "$seed" --files "$5" \
		--size-scale "$6"
	(umask 077 && tests/gen/envfile.py --seed "$seed" "DB_HOST=$PGHOST" \
		"DB_PORT=$PGPORT" "DB_NAME=$db" >"$dir/.env.production")
}

# conninfo DATABASE
conninfo() {
	printf 'host=%s port=%s user=postgres dbname=%s' "$PGHOST" "$PGPORT" "$1"
}

# field FILE EXPRESSION - of a JSON document d, as Python sees it.
field() {
	/usr/bin/python3 -c 'import json, sys
d = json.load(open(sys.argv[1], encoding="utf-8"))
print(eval(sys.argv[2]))' "$1" "$2"
}

# same_database A B [pg_dump option]... - or says what differs.
same_database() {
	local a=$1 b=$2
	shift 2
	tests/compare/database.py "$(conninfo "$a")" "$@" >"$T/compare-a" || fail "cannot read '$a'"
	tests/compare/database.py "$(conninfo "$b")" "$@" >"$T/compare-b" || fail "cannot read '$b'"
	[ -s "$T/compare-a" ] || fail "nothing in '$a' to compare"
	diff -u "$T/compare-a" "$T/compare-b" >"$T/compare-diff" || {
		head -n 40 "$T/compare-diff"
		fail "databases '$a' and '$b' differ"
	}
}
