#!/bin/bash
# Goal: rubbish of every kind in a store (noise, pieces, objects of another
# repository or kind, other formats, names that are none, links, directories)
# is named by check and set aside by everything else: restores and backups go
# on as if it were not there.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
media_site "$T/live"
tests/gen/media.py tree "$T/live/public/system" --seed 69 --files 60 --size-scale 0.1
new_env ours "$T/live"
new_env other "$T/live"
backup ours --only media,secrets
backup other --only media,secrets
tests/e2e/garbage.py "$T/ours.store" "$T/other.store" >"$T/planted"
grep -a '^object ' "$T/planted" >"$T/objects"
for kind in keyring data-pack node-pack index snapshot vault ledger bad; do
	grep -q " $kind:" "$T/objects" || fail "nothing of the kind '$kind' was planted"
done

# whole - what restores from the kit alone is the site.  That some things among
# the snapshots could not be opened is told by the exit code, too.
whole() {
	rm -rf "${T:?}/media" "$T/env"
	expect 3 mastvault restore --kit "$T/ours.kit" --store "file://$T/ours.store" latest \
		--only media,secrets --media "$T/media" --env-file "$T/env"
	tests/compare/media.py "$T/live/public/system" "$T/media" --ignore cache --ignore backups
	cmp "$T/live/.env.production" "$T/env"
}

whole
expect 12 mastvault check -c "$T/ours.conf" --kit "$T/ours.kit" --read-data --json
cat "$T/err" >>"$T/out"
while read -r _ name how; do
	grep -qF -- "$name" "$T/out" || fail "check does not name '$name' ($how)"
done <"$T/objects"
expect 12 mastvault snapshots -c "$T/ours.conf"

# A backup says what it saw, and is made; also without local state.
echo more >"$T/live/public/system/media_attachments/more.jpg"
expect '0 3' mastvault backup -c "$T/ours.conf" --only media,secrets
rm -rf "$T/ours.state"
echo again >"$T/live/public/system/media_attachments/again.jpg"
expect '0 3' mastvault backup -c "$T/ours.conf" --only media,secrets
whole
expect 3 mastvault restore --kit "$T/ours.kit" --store "file://$T/ours.store" latest~2 \
	--only media --media "$T/oldest"
[ ! -e "$T/oldest/media_attachments/more.jpg" ] || fail "that is not the oldest"

# Without it, everything is as clean as ever.
while read -r name; do
	rm -rf "$T/ours.store/$name"
done < <(cut -d' ' -f2 "$T/objects")
expect 0 mastvault check -c "$T/ours.conf" --kit "$T/ours.kit" --read-data --json
[ "$(field "$T/out" 'd["damaged"]')" = '[]' ] || fail "damaged"
echo "$(wc -l <"$T/objects") objects, $(grep -ac '^other ' "$T/planted") other things"
