#!/bin/bash
# Goal: an init that cannot write its configuration makes nothing, so that the
# next one can.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
media_site "$T/live"
echo a >"$T/live/public/system/a"
init=(mastvault init -e a --mastodon "$T/live" --store "file://$T/a.store" --key-dir "$T/a.keys"
	--state-dir "$T/a.state" --no-passphrase)

# refused PLACE
refused() {
	expect 1 "${init[@]}" -c "$1"
	says "$1" 'nothing was made' '-c FILE'
	for made in store keys state; do
		[ ! -e "$T/a.$made" ] || fail "'$1': $made was made"
	done
}
refused /proc/sys/a.conf
mkdir "$T/etc"
if mount -t tmpfs -o ro tmpfs "$T/etc" 2>/dev/null; then
	MOUNTED+=("$T/etc")
	refused "$T/etc/a.conf"
	refused "$T/etc/mastvault/a.conf"
elif [ "$(id -u)" != 0 ]; then
	chmod 500 "$T/etc"
	refused "$T/etc/a.conf"
	refused "$T/etc/mastvault/a.conf"
fi

expect 0 "${init[@]}" -c "$T/new/mastvault/a.conf"
expect 0 mastvault backup -c "$T/new/mastvault/a.conf" --only media
