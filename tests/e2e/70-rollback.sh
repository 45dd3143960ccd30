#!/bin/bash
# Goal: a store that withholds, swaps or rolls back snapshots is found out by a
# client that has seen them, and by one that was told the head.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
media_site "$T/live"
tests/gen/media.py tree "$T/live/public/system" --seed 70 --files 60 --size-scale 0.1
new_env roll "$T/live"
store=$T/roll.store
heads=()
for n in 1 2 3; do
	echo "$n" >"$T/live/public/system/media_attachments/new-$n.jpg"
	backup roll --only media
	heads+=("$(field "$T/out" 'd["head"]')")
	cp -a "$store" "$T/store-$n"
	cp -a "$T/roll.state" "$T/state-$n"
done

# back NUMBER - store and state as they were after that backup.
back() {
	rm -rf "$store" "$T/roll.state"
	cp -a "$T/store-$1" "$store"
	cp -a "$T/state-3" "$T/roll.state"
}

# found DESCRIPTION - the client that remembers sees it.
found() {
	expect 12 mastvault check -c "$T/roll.conf"
	echo "$1: $(tail -n 1 "$T/err")"
}
newest=$(comm -13 <(cd "$T/store-2/snapshots" && ls) <(cd "$T/store-3/snapshots" && ls))
middle=$(comm -13 <(cd "$T/store-1/snapshots" && ls) <(cd "$T/store-2/snapshots" && ls))
[ -n "$newest$middle" ] || fail "no snapshot was added"

back 3
expect 0 mastvault check -c "$T/roll.conf"
rm "$store/snapshots/$newest"
found 'the newest snapshot deleted'
# A backup is still made, but not as if nothing had happened.
expect '3 12' mastvault backup -c "$T/roll.conf" --only media

back 3
rm "$store/snapshots/$middle"
found 'one in the middle deleted'
expect 12 mastvault check --kit "$T/roll.kit"

back 3
cp "$store/snapshots/$newest" "$T/swap"
cp "$store/snapshots/$middle" "$store/snapshots/$newest"
cp "$T/swap" "$store/snapshots/$middle"
found 'two swapped'
expect 12 mastvault check --kit "$T/roll.kit"

back 2
found 'the whole store rolled back'
# Who has only the kit cannot know, but can be told.
expect 0 mastvault restore --kit "$T/roll.kit" latest --only media --media "$T/a"
expect 12 mastvault restore --kit "$T/roll.kit" latest --only media --media "$T/b" --expect "${heads[2]}"
[ ! -e "$T/b" ] || [ -z "$(ls -A "$T/b")" ] || fail "restored from a store that hides something"
expect 0 mastvault restore --kit "$T/roll.kit" latest --only media --media "$T/c" --expect "${heads[1]}"

back 3
expect 0 mastvault restore --kit "$T/roll.kit" latest --only media --media "$T/d" --expect "${heads[2]}"
tests/compare/media.py "$T/live/public/system" "$T/d" --ignore cache --ignore backups
