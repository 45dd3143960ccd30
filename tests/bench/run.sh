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
# shellcheck source=tests/bench/lib.sh
. tests/bench/lib.sh
PAIRS=${PAIRS:-5}
SCALE=${SCALE:-0.1}
FILES=${FILES:-4000}
SEED=${SEED:-1}
scratch mv-bench
bench_in "$T"

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
load() {
	pg_restore -d "$(conninfo restored)"
}

mastvault_all() {
	mastvault_restore --database "$(conninfo restored)" \
		--media "$T/new/media" --env-file "$T/new/env"
}

# What every tool leaves out: cache/ and backups/.
restic_backup() {
	restic_backup_db &&
		(cd "$T/live" && restic -q -r "$T/repo" backup --tag files \
			--exclude public/system/cache --exclude public/system/backups .)
}
restic_all() {
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
borg_all() {
	borg extract --stdout "$T/repo::db$n" | load &&
		(cd "$T/new" && borg extract "$T/repo::files$n")
}

pipe_init() {
	age_key
	mkdir "$T/repo"
	n=0
}
pipe_backup() {
	n=$((n + 1))
	dump | zstd_age >"$T/repo/db$n" &&
		tar -C "$T/live" --exclude=public/system/cache \
			--exclude=public/system/backups -c . |
		zstd_age >"$T/repo/files$n"
}
pipe_all() {
	age -d -i "$T/age.key" "$T/repo/db$n" | zstd -q -d | load &&
		age -d -i "$T/age.key" "$T/repo/files$n" | zstd -q -d | tar -C "$T/new" -x
}

# swap - today's database and media for tomorrow's, or back.
swap() {
	swap_database
	mv "$T/live/public/system" "$T/x"
	mv "$T/other" "$T/live/public/system"
	mv "$T/x" "$T/other"
}

# round NUMBER TOOL
round() {
	empty
	empty_database
	"$2_init" >"$T/log" 2>&1 || {
		cat "$T/log"
		fail "$2 could not make a repository"
	}
	measure "$1" "$2" first "$2_backup"
	measure "$1" "$2" unchanged "$2_backup"
	swap
	measure "$1" "$2" day "$2_backup"
	measure "$1" "$2" restore "$2_all"
	same_statuses "$2"
	swap
}

# shellcheck disable=SC2119
start_postgres --durable
echo "seed $SEED, scale $SCALE, $FILES files, $PAIRS rounds, $(nproc) processors"
make_site "$T/live" mastodon_bench "$SEED" "$SCALE" "$FILES" 1
make_tomorrow_database "$SEED" "$SCALE"
cp -a "$T/live/public/system" "$T/other"
tests/gen/media.py day "$T/other" --seed "$SEED" --files "$FILES"
echo "database: $(dump | wc -c) bytes as pg_dump -Fc -Z0; media: $(du -sb \
	--exclude=./cache --exclude=./backups "$(media)" | cut -f1) bytes with directories"
versions
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
