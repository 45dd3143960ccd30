#!/bin/bash
# run.sh - times and sizes beside restic, borg and plain pipes, where installed.
#
#   PAIRS   rounds, each a pair with every other tool (5)
#   SCALE   of the database: 1 is 0.9 GB as a dump (0.1)
#   FILES   of the media tree (4000), SEED of all of it (1)
#   TOOLS   which others (restic borg pipe)
#   OUT     also write the raw figures to this file
#
# Each round takes every tool through the same four steps on the same disk:
# a first backup of database, media and env-file, one with nothing changed,
# one after a day of change, and a restore into an empty database and folder.
# The order turns from round to round, each step ends with sync -f, and what
# is compared is the median of the ratios within rounds, since a shared
# machine changes its speed from minute to minute.
#
#   pipe    pg_dump | zstd -3 -T2 | age and tar | zstd -3 -T2 | age: no
#           deduplication, so that its second backup is as large as its first
#   restic, borg   pg_dump | tool for the database, the tool for the rest
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib.sh
. tests/lib.sh
PAIRS=${PAIRS:-5}
SCALE=${SCALE:-0.1}
FILES=${FILES:-4000}
SEED=${SEED:-1}
[ -x "$MASTVAULT" ] || fail "'$MASTVAULT' is not built; run make"
scratch mv-bench
export RESTIC_PASSWORD=bench RESTIC_CACHE_DIR=$T/restic-cache
export BORG_PASSPHRASE=bench BORG_BASE_DIR=$T/borg-base BORG_RELOCATED_REPO_ACCESS_IS_OK=yes

tools=()
for tool in ${TOOLS:-restic borg pipe}; do
	case $tool in
	pipe) program=age ;;
	*) program=$tool ;;
	esac
	if command -v "$program" >/dev/null; then
		tools+=("$tool")
	else
		echo "left out: $tool ($program is not installed)"
	fi
done
media() {
	echo "$T/live/public/system"
}

# What every tool leaves out: cache/ and backups/.
dump() {
	pg_dump -Fc -Z0 -d "$(conninfo mastodon_bench)"
}

load() {
	pg_restore -d "$(conninfo restored)"
}

mastvault_init() {
	rm -f "$T/mastvault.conf"
	"$MASTVAULT" init -q -c "$T/mastvault.conf" -e bench --mastodon "$T/live" \
		--store "file://$T/repo" --key-dir "$T/keys" --state-dir "$T/state" \
		--kit "$T/kit" --no-passphrase
}
mastvault_backup() {
	"$MASTVAULT" backup -q -c "$T/mastvault.conf"
}
mastvault_restore() {
	"$MASTVAULT" restore -q --kit "$T/kit" latest --database "$(conninfo restored)" \
		--media "$T/new/media" --env-file "$T/new/env"
}

restic_init() {
	restic -q -r "$T/repo" init
}
restic_backup() {
	dump | restic -q -r "$T/repo" backup --stdin --stdin-filename db --tag db &&
		(cd "$T/live" && restic -q -r "$T/repo" backup --tag files \
			--exclude public/system/cache --exclude public/system/backups .)
}
restic_restore() {
	restic -q -r "$T/repo" dump --tag db latest db | load &&
		restic -q -r "$T/repo" restore --tag files latest --target "$T/new"
}

borg_init() {
	borg init -e repokey-blake2 "$T/repo"
	n=0
}
borg_backup() {
	n=$((n + 1))
	dump | borg create -C zstd,3 --stdin-name db "$T/repo::db$n" - &&
		(cd "$T/live" && borg create -C zstd,3 -e public/system/cache \
			-e public/system/backups "$T/repo::files$n" .)
}
borg_restore() {
	borg extract --stdout "$T/repo::db$n" | load &&
		(cd "$T/new" && borg extract "$T/repo::files$n")
}

pipe_init() {
	age-keygen -o "$T/repo.key" 2>/dev/null
	mkdir "$T/repo"
	recipient=$(age-keygen -y "$T/repo.key")
	n=0
}
pipe_backup() {
	n=$((n + 1))
	dump | zstd -q -3 -T2 | age -r "$recipient" >"$T/repo/db$n" &&
		tar -C "$T/live" --exclude=public/system/cache \
			--exclude=public/system/backups -c . |
		zstd -q -3 -T2 | age -r "$recipient" >"$T/repo/files$n"
}
pipe_restore() {
	age -d -i "$T/repo.key" "$T/repo/db$n" | zstd -q -d | load &&
		age -d -i "$T/repo.key" "$T/repo/files$n" | zstd -q -d | tar -C "$T/new" -x
}

# measure ROUND TOOL STEP COMMAND - seconds, and how many bytes the repository
# grew, into $T/figures.
measure() {
	local before after from us
	before=$(du -sb "$T/repo" | cut -f1)
	from=${EPOCHREALTIME/./}
	"$4" >"$T/log" 2>&1 || {
		cat "$T/log"
		fail "$2 could not $3"
	}
	sync -f "$T"
	us=$((${EPOCHREALTIME/./} - from))
	after=$(du -sb "$T/repo" | cut -f1)
	echo "$1 $2 $3 $us $((after - before))" >>"$T/figures"
}

# swap - today's database and media for tomorrow's, or back.
swap() {
	sql -d postgres -c 'ALTER DATABASE mastodon_bench RENAME TO x' \
		-c 'ALTER DATABASE mastodon_other RENAME TO mastodon_bench' \
		-c 'ALTER DATABASE x RENAME TO mastodon_other'
	mv "$T/live/public/system" "$T/x"
	mv "$T/other" "$T/live/public/system"
	mv "$T/x" "$T/other"
}

# round NUMBER TOOL
round() {
	rm -rf "$T/repo" "$T/repo.key" "$T/keys" "$T/state" "$T/kit" "$T/new" \
		"$RESTIC_CACHE_DIR" "$BORG_BASE_DIR"
	mkdir "$T/new"
	sql -d postgres -c 'DROP DATABASE IF EXISTS restored' -c 'CREATE DATABASE restored' 2>/dev/null
	"$2_init" >"$T/log" 2>&1 || {
		cat "$T/log"
		fail "$2 could not make a repository"
	}
	measure "$1" "$2" first "$2_backup"
	measure "$1" "$2" unchanged "$2_backup"
	swap
	measure "$1" "$2" day "$2_backup"
	measure "$1" "$2" restore "$2_restore"
	[ "$(sql -d restored -c 'SELECT count(*) FROM statuses')" = \
		"$(sql -d mastodon_bench -c 'SELECT count(*) FROM statuses')" ] ||
		fail "$2 did not restore the database"
	swap
}

# shellcheck disable=SC2119
start_postgres --durable
echo "seed $SEED, scale $SCALE, $FILES files, $PAIRS rounds, $(nproc) processors"
make_site "$T/live" mastodon_bench "$SEED" "$SCALE" "$FILES" 1
createdb -T mastodon_bench mastodon_other
PGDATABASE=mastodon_other PGUSER=mastodon tests/gen/database.py day --seed "$SEED" --scale "$SCALE"
cp -a "$T/live/public/system" "$T/other"
tests/gen/media.py day "$T/other" --seed "$SEED" --files "$FILES"
sql -d mastodon_bench -c VACUUM
sql -d mastodon_other -c VACUUM
echo "database: $(dump | wc -c) bytes as pg_dump -Fc -Z0; media: $(du -sb \
	--exclude=./cache --exclude=./backups "$(media)" | cut -f1) bytes with directories"
[ ! -x "$(command -v restic)" ] || restic version
[ ! -x "$(command -v borg)" ] || borg --version
sync

all=(mastvault "${tools[@]}")
for n in $(seq "$PAIRS"); do
	for i in "${!all[@]}"; do
		tool=${all[$(((i + n) % ${#all[@]}))]}
		# borg and pipe number their archives in n of their own.
		(round "$n" "$tool")
	done
	echo "round $n of $PAIRS is done"
done
[ -z "${OUT:-}" ] || cp "$T/figures" "$OUT"

/usr/bin/python3 - "$T/figures" <<'PY'
import statistics
import sys

figures = {}
for line in open(sys.argv[1], encoding="ascii"):
    n, tool, step, us, size = line.split()
    figures.setdefault((step, tool), {})[n] = (int(us) / 1e6, int(size))
tools = sorted({tool for _, tool in figures}, key=lambda t: (t != "mastvault", t))
print("\n%-10s %-10s %9s %11s   %s" % (
    "step", "tool", "seconds", "MB added", "mastvault / tool, median (least - most)"))
for step in ("first", "unchanged", "day", "restore"):
    for tool in tools:
        rounds = figures[step, tool]
        ours = figures[step, "mastvault"]
        ratio = [ours[n][0] / rounds[n][0] for n in rounds]
        text = "" if tool == "mastvault" else "%5.2f (%.2f - %.2f)" % (
            statistics.median(ratio), min(ratio), max(ratio))
        print("%-10s %-10s %9.2f %11.2f   %s" % (
            step, tool, statistics.median(r[0] for r in rounds.values()),
            statistics.median(r[1] for r in rounds.values()) / 1e6, text))
PY
