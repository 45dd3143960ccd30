#!/bin/bash
# Goal: index objects that are wrong are named, and `check --repair-index`
# replaces them; nothing else changes.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
media_site "$T/live"
tests/gen/media.py tree "$T/live/public/system" --seed 68 --files 60 --size-scale 0.2
new_env broken "$T/live"
backup broken --only media
bad=$(find "$T/broken.store/index" -type f | head -n 1)
[ -n "$bad" ] || fail "a backup wrote no index"
chmod 600 "$bad"
printf 'x' | dd of="$bad" bs=1 seek=200 conv=notrunc status=none
(cd "$T/broken.store" && find . -type f ! -path './index/*' | sort | xargs sha256sum) >"$T/before"

expect 12 mastvault check -c "$T/broken.conf" --json
[ "$(field "$T/out" 'len(d["warnings"])')" -ge 1 ] || fail "a broken index is not named"
# The kit alone writes nothing.
expect 11 mastvault check --kit "$T/broken.kit" --repair-index
[ -e "$bad" ] || fail "it was removed all the same"
# What was found is told all the same.
expect 12 mastvault check -c "$T/broken.conf" --repair-index --json
[ "$(field "$T/out" 'd["indexes_dropped"], d["packs_indexed"] > 0')" = '(1, True)' ] ||
	fail "not repaired: $(cat "$T/out")"
[ ! -e "$bad" ] || fail "the broken index is still there"
expect 0 mastvault check -c "$T/broken.conf" --repair-index --json
[ "$(field "$T/out" 'd["indexes_dropped"], d["packs_indexed"], len(d["damaged"])')" = '(0, 0, 0)' ] ||
	fail "repaired twice"
(cd "$T/broken.store" && find . -type f ! -path './index/*' | sort | xargs sha256sum) | diff "$T/before" - ||
	fail "something else was changed"
expect 0 mastvault restore --kit "$T/broken.kit" latest --only media --media "$T/restored"
tests/compare/media.py "$T/live/public/system" "$T/restored" --ignore cache --ignore backups
