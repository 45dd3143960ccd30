#!/bin/bash
# Goal: a restore of media that is interrupted or killed on its way goes on
# where it was: what is there already is neither fetched nor written again,
# and the end is the same.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
FILES=600
SHIM=${MASTVAULT%/*}/tests/e2e/preload_fault.so
media_site "$T/live"
tests/gen/media.py tree "$T/live/public/system" --seed 67 --files $FILES --size-scale 0.5
new_env paused "$T/live"
backup paused --only media

# Objects, without the links and copies of files that were not renamed yet.
there() {
	find "$T/restored" -type f ! -name '.*' 2>/dev/null | wc -l
}

# cut SIGNAL CODE N - ends a restore before the N-th name that it makes.
cut() {
	local code=0
	MV_FAULT="name:$3:-$1" LD_PRELOAD="$SHIM" "$MASTVAULT" restore --kit "$T/paused.kit" \
		latest --media "$T/restored" >"$T/cut.out" 2>"$T/cut.err" || code=$?
	[ $code = "$2" ] || fail "signal $1: exit code $code: $(cat "$T/cut.err")"
}

# again - all of it; how many bytes of packs that read is in $read.
again() {
	expect 0 strace -f -y -qq -e trace=pread64 -o "$T/trace" "$MASTVAULT" restore \
		--kit "$T/paused.kit" latest --only media --media "$T/restored" --json
	# A call that another thread's came into stands in two lines.
	read=$(awk '
		/store.packs/ && /unfinished/ { begun[$1] = 1 }
		/store.packs/ && /= [0-9]+$/ { sum += $NF }
		/resumed/ && begun[$1] { sum += $NF; begun[$1] = 0 }
		END { print sum + 0 }' "$T/trace")
}

listed() {
	find "$T/restored" -type f ! -name '.*' -printf '%i %C@ %P\n' | sort
}

command -v strace >/dev/null || skip "strace is not installed"
# Once whole, to know what it takes.
expect 0 env MV_FAULT_COUNT="$T/count" LD_PRELOAD="$SHIM" "$MASTVAULT" restore --kit "$T/paused.kit" latest \
	--media "$T/restored"
names=$(awk '$1 == "name" { print $2 }' "$T/count")
rm -rf "$T/restored"
again
fresh=$read
rm -rf "$T/restored"

cut 2 130 $((names / 2))
first=$(there)
[ "$first" -gt 0 ] || fail "nothing was there when the first restore was interrupted"
cut 9 137 $((names * 4 / 5))
kept=$(there)
[ "$kept" -ge "$first" ] || fail "the second restore removed files"
# What is there is left alone: not even its change time moves.
listed >"$T/before"
again
all=$(field "$T/out" 'd["media"]["files"]')
[ "$(field "$T/out" 'd["media"]["kept"]')" -ge "$kept" ] ||
	fail "only $(field "$T/out" 'd["media"]["kept"]') of $kept files were kept"
[ "$kept" -lt "$all" ] || fail "nothing was left to restore"
listed >"$T/after"
lost=$(comm -23 "$T/before" "$T/after" | wc -l)
echo "$first, then $kept of $all names were there; $lost were made again; $read of $fresh bytes read"
[ "$lost" -le 16 ] || fail "too many were made again"
[ "$read" -lt $((fresh * 9 / 10)) ] || fail "as much was read as for a new tree"
tests/compare/media.py "$T/live/public/system" "$T/restored" --ignore cache --ignore backups
# Nothing is missing: nothing of the contents is fetched.
again
[ "$(field "$T/out" 'd["media"]["kept"]')" = "$all" ] || fail "not all files were kept"
echo "with all there, $read bytes are read"
[ "$read" -lt $((fresh / 2)) ] || fail "files that are there were fetched again"
