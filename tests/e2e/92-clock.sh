#!/bin/bash
# Goal: a clock that was wrong for one backup, or is set back, never makes an
# old backup pass for a fresh one.
. "$(dirname "$0")/lib.sh"

clock=$(cd "$B" && pwd)/tests/e2e/preload_clock.so
media_site "$T/live"
mkdir "$T/live/public/system/accounts"
head -c 1000 /dev/urandom >"$T/live/public/system/accounts/old.jpg"
new_env a "$T/live"
conf=$T/a.conf

# at SECONDS COMMAND... - by a clock that is wrong by so much.
at() {
	local shift=$1
	shift
	env CLOCK_SHIFT="$shift" LD_PRELOAD="$clock" "$@"
}

run() {
	expect 0 mastvault backup -c "$conf" --only media,secrets -q
}

# Made by a clock that is an hour ahead, looked at by one that is right.
expect 0 at 3600 "$MASTVAULT" backup -c "$conf" --only media,secrets -q
expect 4 mastvault status -c "$conf" --json
says 'from the future'
[ "$(field "$T/out" 'd[0]["status"]')" = alarm ] || fail 'no alarm'
# Some minutes are no matter.
expect 0 at 3500 "$MASTVAULT" status -c "$conf"
expect 4 at 2000 "$MASTVAULT" status -c "$conf"
# And an age is an age when its time has come.
expect 4 at $((3600 + 27 * 3600)) "$MASTVAULT" status -c "$conf"
says 'max-age'

# A backup by the right clock is newer, whatever the other says; once there is
# one the alarm ends, and comes back when it is too old in its turn.
head -c 1000 /dev/urandom >"$T/live/public/system/accounts/new.jpg"
run
expect 0 mastvault status -c "$conf" --json
age=$(field "$T/out" 'd[0]["snapshot"]["age"]')
[ "$age" -ge 0 ] && [ "$age" -lt 600 ] || fail "an age of $age seconds"
expect 4 at $((27 * 3600)) "$MASTVAULT" status -c "$conf"
says 'max-age'
expect 0 mastvault restore --kit "$T/a.kit" latest --media "$T/out.media"
[ -e "$T/out.media/accounts/new.jpg" ] || fail "'latest' is not the latest"
