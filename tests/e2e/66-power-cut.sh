#!/bin/bash
# Goal: wherever in a backup the power goes, the store checks clean, has every
# snapshot that was reported, and takes the next backup.  All that was not
# synced is lost, or some of it.
#
#   CUTS   how many moments (20; 100 in tests/long)
#   SEED   which
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
CUTS=${CUTS:-20}
RANDOM=${SEED:-66}
SHIM=${MASTVAULT%/*}/tests/e2e/preload_cut.so
media_site "$T/live"
tests/gen/media.py tree "$T/live/public/system" --seed 66 --files 60 --size-scale 0.3
new_env disk "$T/live"

ids() {
	expect 0 mastvault snapshots -c "$T/disk.conf" --json
	field "$T/out" '" ".join(sorted(s["id"] for s in d))'
}

# logged N - a backup whose every change is written down.
logged() {
	mkdir "$T/$1" "$T/$1/before"
	cp -a "$T/disk.store" "$T/disk.state" "$T/$1/before"
	tests/e2e/power_cut.py start "$T/disk.store" "$T/disk.state" >"$T/$1/start"
	ids >"$T/$1/ids"
	mkdir "$T/$1/log"
	expect 0 env MV_CUT="$T/$1/log" LD_PRELOAD="$SHIM" "$MASTVAULT" backup \
		-c "$T/disk.conf" --only media,secrets --json
	ids >"$T/$1/ids.after"
	wc -l <"$T/$1/log/log" >"$T/$1/lines"
	[ "$(cat "$T/$1/lines")" -gt 50 ] || fail "nothing was written down"
}

logged 1
tests/gen/media.py day "$T/live/public/system" --seed 66 --files 60
logged 2

# cut RUN LINE SEED - then everything has to be as it must.
cut() {
	local what had=ids id
	what="cut in run $1 after line $2 of $(cat "$T/$1/lines") with seed $3"
	rm -rf "$T/disk.store" "$T/disk.state"
	tests/e2e/power_cut.py build "$T/$1/log" "$T/$1/start" "$2" "$3" "$T/$1/before" \
		"$T/disk.store" "$T/disk.state"
	[ "$2" != -1 ] || had=ids.after
	expect 0 mastvault check -c "$T/disk.conf" --read-data --json
	[ "$(field "$T/out" 'd["damaged"]')" = '[]' ] || fail "$what: damaged"
	for id in $(cat "$T/$1/$had"); do
		[[ " $(ids) " == *" $id "* ]] || fail "$what: snapshot $id is lost"
	done
	expect 0 mastvault backup -c "$T/disk.conf" --only media,secrets --json
	reused=$(field "$T/out" 'd["bytes_resumed"]')
	expect 0 mastvault check -c "$T/disk.conf" --read-data --json
	[ "$(field "$T/out" 'd["damaged"]')" = '[]' ] || fail "$what: damaged afterwards"
	[ "$(find "$T/disk.store" -path '*/.tmp/*' -type f | wc -l)" = 0 ] ||
		fail "$what: temporary files are left"
	[ -z "${V:-}" ] || echo "$what: the next run reused $reused bytes"
}

restored() {
	rm -rf "$T/restored"
	expect 0 mastvault restore --kit "$T/disk.kit" latest --only media --media "$T/restored"
	tests/compare/media.py "$T/live/public/system" "$T/restored" --ignore cache --ignore backups
}

# Right after a run reported its snapshot, and at any other moment.
cut 1 -1 0
cut 2 -1 0
restored
for i in $(seq 3 "$CUTS"); do
	run=$((1 + i % 2))
	cut $run $((RANDOM % $(cat "$T/$run/lines"))) $((i % 3 == 0 ? RANDOM : 0))
done
restored
echo "$CUTS cuts"
