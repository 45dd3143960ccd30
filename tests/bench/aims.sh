#!/bin/bash
# aims.sh - the speed aims, each beside the one plain tool that it names.
#
#   AIMS    which: media db (both)
#   PAIRS   of each aim (5), FROM the number of the first (1): the order goes
#           by it, so give the next one where an earlier run is gone on with
#   SCALE   of the database: 1 is 0.9 GB as a plain dump (1)
#   FILES   of the media tree: 16000 are 2.9 GB in 93,000 directories (16000)
#   SEED    of all of it (1)
#   DATA    a directory to keep the data in for another run
#   OUT     also add the raw figures to this file; with PAIRS=0 only report it
#   MEMORY  1: no times, but the peak of memory, here and at ten times the size
#
# The pairs of an aim alternate with those of the others, which of the two
# goes first turns from round to round, both end with sync -f on the same
# disk, and what is compared is the median of the ratios within pairs: a
# shared machine changes its speed from minute to minute.  Each round begins
# with reading all input, so that it is in the page cache for both.
#
#   first      media: tar | zstd -3 -T2 | age; database: pg_dump -Fc -Z0 before
#   unchanged  media: find -printf; database: pg_dump -Fc -Z0 >/dev/null
#   day        bytes that restic adds, after pg_dump -Fc -Z0 | restic; and what
#              it stored first
#   restore    media: tar x of a plain tar; database: pg_restore -j2 of a file
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/bench/lib.sh
. tests/bench/lib.sh
AIMS=${AIMS:-media db}
PAIRS=${PAIRS:-5}
FROM=${FROM:-1}
SCALE=${SCALE:-1}
FILES=${FILES:-16000}
SEED=${SEED:-1}

report() {
	/usr/bin/python3 tests/bench/aims.py "$1"
}

# keep DIR - instead of scratch: only the server ends with us.
keep() {
	mkdir -p "$1"
	chmod 711 "$1"
	T=$(cd "$1" && pwd)
	trap 'tests/servers/pg-stop.sh --state "$T/pg"' EXIT
	trap 'exit 130' INT TERM HUP
}

# pair ROUND AIM - one pair: functions ours_AIM and plain_AIM, before each of
# which clear_AIM runs unmeasured.
pair() {
	local side sides='ours plain'
	[ $(($1 % 2)) = 0 ] || sides='plain ours'
	for side in $sides; do
		"clear_$2" "$side"
		measure "$1" "$side" "$2" "${side}_$2"
	done
}

# fresh [SIDE] - a repository with nothing in it, for ours.
fresh() {
	rm -f "$T/plain.out"
	[ "$1" = ours ] || return 0
	empty
	mastvault_init >/dev/null
}

clear_media_first() { fresh "$@"; }
ours_media_first() { mastvault_backup --only media; }
plain_media_first() { tar -C "$(media)" -c . | zstd_age >"$T/plain.out"; }

clear_media_unchanged() { :; }
ours_media_unchanged() { mastvault_backup --only media; }
plain_media_unchanged() {
	find "$(media)" -printf '%y %s %m %u %g %T@ %C@ %p\n' >"$T/plain.out"
}

# Not emptied between the two: ext4 is slow to use inodes again of files that
# were deleted in the last seconds.
clear_media_restore() { mkdir -p "$T/new/plain"; }
ours_media_restore() { mastvault_restore --media "$T/new/media"; }
plain_media_restore() { tar -C "$T/new/plain" -xf "$T/media.tar"; }

clear_db_first() { fresh "$@"; }
ours_db_first() { mastvault_backup --only db; }
plain_db_first() { dump | zstd_age >"$T/plain.out"; }

clear_db_unchanged() { :; }
ours_db_unchanged() { mastvault_backup --only db; }
plain_db_unchanged() { dump >/dev/null; }

clear_db_restore() {
	empty_database
	sql -d postgres -c CHECKPOINT
}
ours_db_restore() { mastvault_restore --database "$(conninfo restored)"; }
plain_db_restore() {
	pg_restore -j2 -d "$(conninfo restored)" "$T/database.dump"
	same_statuses pg_restore
}

# day ROUND - into our repository, which has today's, and into one of restic's.
day() {
	swap_database
	measure "$1" ours db_day ours_db_first
	swap_database
	command -v restic >/dev/null || return 0
	empty
	restic_init >/dev/null
	measure "$1" restic db_first restic_backup_db
	swap_database
	measure "$1" restic db_day restic_backup_db
	swap_database
}

# warm - have the input in the page cache, for whoever comes first.
warm() {
	tar -C "$(media)" -c . | cat >/dev/null
	cat "$T/media.tar" "$T/database.dump" >/dev/null
	dump >/dev/null
}

media_round() {
	pair "$1" media_first
	pair "$1" media_unchanged
	pair "$1" media_restore
	rm -rf "$T/new"
}

db_round() {
	pair "$1" db_first
	pair "$1" db_unchanged
	pair "$1" db_restore
	same_statuses mastvault
	day "$1"
}

make_data() {
	mkdir -p "$(media)"
	tests/gen/media.py wide "$(media)" --seed "$SEED" --files "$FILES"
	sql -d postgres -c 'CREATE ROLE mastodon LOGIN CREATEDB'
	createdb -O mastodon mastodon_bench
	PGDATABASE=mastodon_bench PGUSER=mastodon \
		tests/gen/database.py load --seed "$SEED" --scale "$SCALE"
	(umask 077 && tests/gen/envfile.py --seed "$SEED" "DB_HOST=$PGHOST" \
		"DB_PORT=$PGPORT" DB_NAME=mastodon_bench >"$T/live/.env.production")
	make_tomorrow_database "$SEED" "$SCALE"
	tar -C "$(media)" -cf "$T/media.tar" .
	dump >"$T/database.dump"
	: >"$T/made"
}

[ -z "${OUT:-}" ] || [ "$PAIRS" != 0 ] || {
	report "$OUT"
	exit
}
for tool in age zstd; do
	command -v "$tool" >/dev/null || fail "$tool is not installed"
done
command -v restic >/dev/null || echo "restic is not installed: no aims against it"
if [ -n "${DATA:-}" ]; then keep "$DATA"; else scratch mv-aims; fi
bench_in "$T"
# shellcheck disable=SC2119
start_postgres --durable
if [ "${MEMORY:-0}" = 1 ]; then
	# shellcheck source=tests/bench/memory.sh
	. tests/bench/memory.sh
	memory
	exit
fi
[ -e "$T/made" ] || make_data
age_key
rm -f "$T/figures"
echo "seed $SEED, scale $SCALE, $FILES files, $PAIRS pairs, $(nproc) processors"
echo "database: $(wc -c <"$T/database.dump") bytes as pg_dump -Fc -Z0; media:" \
	"$(wc -c <"$T/media.tar") bytes as tar, $(find "$(media)" -type d | wc -l) directories"
versions
echo "0 - db_bytes 0 $(wc -c <"$T/database.dump")" >>"$T/figures"
for n in $(seq "$FROM" $((FROM + PAIRS - 1))); do
	warm
	for what in $AIMS; do
		"${what}_round" "$n"
	done
	echo "round $n is done"
done
empty
rm -f "$T/plain.out"
[ -z "${OUT:-}" ] || cat "$T/figures" >>"$OUT"
report "${OUT:-$T/figures}"
