#!/bin/bash
# Goal: a store whose disk is full fails the backup, stays clean, and serves
# again once there is room.
if [ -z "${IN_NAMESPACE:-}" ]; then
	# Mounts of our own, that nobody else sees and that end with us.
	if [ "$(id -u)" = 0 ]; then
		set -- --mount
	else
		set -- --map-root-user --mount
	fi
	unshare "$@" true 2>/dev/null || {
		echo "no private mount namespace can be had here"
		exit 77
	}
	IN_NAMESPACE=1 exec unshare "$@" --propagation private "$0"
fi
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
media_site "$T/live"
tests/gen/media.py tree "$T/live/public/system" --seed 60 --files 3000 --size-scale 1
mkdir "$T/disk.store"
mount -t tmpfs -o size=24m,mode=700 none "$T/disk.store"
MOUNTED+=("$T/disk.store")
new_env disk "$T/live"
used() {
	df --output=pcent "$T/disk.store" | tail -n 1 | tr -d ' %'
}

# It stops before the disk is full ...
expect 1 mastvault backup -c "$T/disk.conf" --only media
says min-free
[ "$(used)" -le 92 ] || fail "min-free = 10% left $((100 - $(used))) %"
# ... and, told not to, when it is.
sed -i '/^min-free/d' "$T/disk.conf"
echo 'min-free = 0%' >>"$T/disk.conf"
expect 1 mastvault backup -c "$T/disk.conf" --only media
says 'No space left on device'
[ "$(find "$T/disk.store" -path '*/.tmp/*' -type f | wc -l)" = 0 ] || fail "temporary files are left"
expect 0 mastvault check -c "$T/disk.conf" --json
[ "$(field "$T/out" 'd["damaged"]')" = '[]' ] || fail "damaged"
expect 0 mastvault snapshots -c "$T/disk.conf" --json
[ "$(field "$T/out" 'len(d)')" = 0 ] || fail "a snapshot of a backup that failed"

mount -o remount,size=2g "$T/disk.store"
kept=$(du -sb "$T/disk.store" | cut -f1)
expect 0 mastvault backup -c "$T/disk.conf" --only media --json
added=$(field "$T/out" 'd["bytes_added"]')
total=$(du -sb "$T/disk.store" | cut -f1)
echo "$kept bytes were there, $added added, $total now"
expect 0 mastvault check -c "$T/disk.conf" --read-data --json
expect 0 mastvault restore --kit "$T/disk.kit" latest --only media --media "$T/restored"
tests/compare/media.py "$T/live/public/system" "$T/restored" --ignore cache --ignore backups
# No inodes is a full disk too.
mkdir "$T/files.store"
mount -t tmpfs -o size=2g,nr_inodes=40,mode=700 none "$T/files.store"
MOUNTED+=("$T/files.store")
new_env files "$T/live"
expect '0 1' mastvault backup -c "$T/files.conf" --only media
expect 0 mastvault check -c "$T/files.conf" --json
