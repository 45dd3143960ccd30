#!/bin/bash
# Goal: of two stores one may be away, empty, full or behind: the backup goes
# to the other, says so and ends with 3; nothing is written where no store is
# mounted; what one store lacks comes from the other.
. "$(dirname "$0")/lib.sh"

media_site "$T/live"
mkdir "$T/live/public/system/accounts"
for i in 1 2 3 4 5 6; do
	head -c 50000 /dev/urandom >"$T/live/public/system/accounts/$i.jpg"
done
new_env two "$T/live" --store "file://$T/other.store"
run=(mastvault backup -c "$T/two.conf" --only media,secrets)

add() {
	head -c 40000 /dev/urandom >"$T/live/public/system/accounts/$1.jpg"
}

# restored URL - the newest snapshot of this store alone is the whole site; it
# may lack older ones, which is said.
restored() {
	rm -rf "$T/out.media" "$T/out.env"
	expect '0|3' mastvault restore --kit "$T/two.kit" latest --store "file://$T/$1" \
		--media "$T/out.media" --env-file "$T/out.env"
	diff -r "$T/live/public/system" "$T/out.media" || fail "media differ from '$1'"
	cmp "$T/live/.env.production" "$T/out.env" || fail "secrets differ from '$1'"
}

expect 0 "${run[@]}" -q
[ ! -s "$T/err" ] || fail 'a quiet success says something'

# Away.
for store in two.store other.store; do
	mv "$T/$store" "$T/away"
	add "away-$store"
	expect 3 "${run[@]}" -q
	says "store 'file://$T/$store' is left out" 'does not exist'
	[ ! -e "$T/$store" ] || fail 'a store was made where none was'
	# Secrets and media come from the store that is there.
	rm -rf "$T/out.media" "$T/out.env"
	expect 3 mastvault restore --kit "$T/two.kit" latest \
		--media "$T/out.media" --env-file "$T/out.env"
	diff -r "$T/live/public/system" "$T/out.media"
	# So it is with whatever reads: done, but one store was not reached.
	for read in 'diff latest~1 latest' 'ls latest' 'cat latest env' 'find 1.jpg' \
		'stats latest' "export latest $T/exported"; do
		# shellcheck disable=SC2086
		expect 3 mastvault $read --kit "$T/two.kit"
		says "$T/$store"
	done
	rm -rf "$T/exported"
	# Not mounted: an empty directory.
	mkdir "$T/$store"
	add "empty-$store"
	echo "# $store" >>"$T/live/.env.production"
	expect 3 "${run[@]}"
	says "store 'file://$T/$store' is left out" 'is its file system mounted'
	[ -z "$(ls -A "$T/$store")" ] || fail 'written where nothing is mounted'
	expect "3|12" mastvault snapshots -c "$T/two.conf"
	expect "3|12" mastvault check -c "$T/two.conf"
	rmdir "$T/$store"
	mv "$T/away" "$T/$store"
	# Back: the next snapshot is whole in both, the old ones are missed.
	add "back-$store"
	expect 3 "${run[@]}"
	says "store 'file://$T/$store' is behind"
	restored two.store
	restored other.store
done

# Full, which shows in the middle of the run.
mv "$T/other.store" "$T/kept"
mkdir "$T/other.store"
if mount -t tmpfs -o size=4m tmpfs "$T/other.store" 2>/dev/null; then
	MOUNTED+=("$T/other.store")
	cp -a "$T/kept/." "$T/other.store/"
	head -c 9000000 /dev/urandom >"$T/live/public/system/accounts/large.jpg"
	before=$(find "$T/two.store/snapshots" -type f | wc -l)
	expect 3 "${run[@]}"
	says "store 'file://$T/other.store' is left out"
	[ "$(find "$T/two.store/snapshots" -type f | wc -l)" = $((before + 1)) ] ||
		fail 'the other store has no snapshot'
	restored two.store
	umount "$T/other.store"
	MOUNTED=()
fi
rmdir "$T/other.store"
mv "$T/kept" "$T/other.store"

# Both away is no success.
mv "$T/other.store" "$T/kept"
mv "$T/two.store" "$T/kept2"
expect 10 "${run[@]}"
mv "$T/kept2" "$T/two.store"
mv "$T/kept" "$T/other.store"

# A damaged old version of the secrets does not end the backups.
victim=$(find "$T/two.store/vault" -type f | sort | head -n 1)
chmod u+w "$victim" "$T/other.store/vault/$(basename "$victim")"
printf X | dd of="$victim" bs=1 seek=5000 conv=notrunc status=none
printf X | dd of="$T/other.store/vault/$(basename "$victim")" bs=1 seek=5000 conv=notrunc status=none
echo '# once more' >>"$T/live/.env.production"
expect 3 "${run[@]}"
says 'vault version'
restored two.store
