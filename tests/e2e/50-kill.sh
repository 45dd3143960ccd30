#!/bin/bash
# Goal: killed at any moment, a backup leaves a store that checks clean, and
# the next run uses what was already there.
#
#   KILLS   how many moments, spread over one backup (6; 30 in tests/long)
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
KILLS=${KILLS:-6}
# shellcheck disable=SC2119
start_postgres
make_site "$T/live" killed 50 0.3 2000 1
new_env clean "$T/live"

now() {
	echo $((${EPOCHREALTIME/./} / 1000))
}

# again: store, keys and state as init left them.
again() {
	rm -rf "$T/store" "$T/state"
	cp -a "$T/clean.store" "$T/store"
	cp -a "$T/clean.state" "$T/state"
}

# Compression is made as slow as it takes for a backup of five seconds, long
# enough to be hit in every stage.
for level in 3 7 10 13 16; do
	(umask 077 && sed -e 's|clean\.store|store|' -e 's|clean\.state|state|' \
		-e "\$ a level = $level" "$T/clean.conf" >"$T/kill.conf")
	again
	from=$(now)
	expect 0 mastvault backup -c "$T/kill.conf" --json
	whole=$(($(now) - from))
	[ $whole -lt 5000 ] || break
done
full=$(field "$T/out" 'd["bytes_added"]')
echo "a whole backup takes $whole ms at level $level and stores $full bytes"
[ "$whole" -ge 5000 ] || fail "that is less than 5 s"

with_packs=0
for n in $(seq "$KILLS"); do
	at=$((whole * (10 + 87 * n / KILLS) / 100))
	# A machine that has become faster may be done by then: sooner, then.
	while :; do
		again
		"$MASTVAULT" backup -q -c "$T/kill.conf" >/dev/null 2>&1 &
		pid=$!
		sleep "$(printf '%d.%03d' $((at / 1000)) $((at % 1000)))"
		kill -9 $pid 2>/dev/null || :
		wait $pid 2>/dev/null || :
		[ -n "$(find "$T/store/snapshots" -type f 2>/dev/null)" ] || break
		at=$((at * 3 / 4))
	done
	packs=$(find "$T/store/packs" -type f 2>/dev/null | wc -l)
	expect 0 mastvault check -c "$T/kill.conf" --json
	[ "$(field "$T/out" 'd["damaged"]')" = '[]' ] || fail "killed at $at ms: damaged"
	expect 0 mastvault backup -c "$T/kill.conf" --json
	reused=$(field "$T/out" 'd["bytes_resumed"]')
	echo "killed at $at ms with $packs packs: the next run reused $reused bytes"
	if [ "$packs" -gt 0 ]; then
		with_packs=$((with_packs + 1))
		[ "$reused" -gt 0 ] || fail "nothing of $packs packs was reused"
	fi
	expect 0 mastvault check -c "$T/kill.conf"
	[ "$(find "$T/store" -path '*/.tmp/*' -type f | wc -l)" = 0 ] || fail "temporary files are left"
done
echo "$with_packs of $KILLS were after the first pack"
[ $with_packs -ge $((KILLS / 2)) ] || fail "too few moments after the first pack"
expect 0 mastvault check -c "$T/kill.conf" --read-data
restore() {
	expect 0 mastvault restore --kit "$T/clean.kit" "$@"
}
# The kit names the store that init made; ours has taken its place.
rm -rf "$T/clean.store"
cp -a "$T/store" "$T/clean.store"
restore latest --database "$(conninfo restored)" --media "$T/restored"
same_database killed restored
tests/compare/media.py "$T/live/public/system" "$T/restored" --ignore cache --ignore backups
