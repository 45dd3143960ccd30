#!/bin/bash
# Goal: a media tree with everything that file systems allow comes back
# identical by metadata and content, though files vanish and grow meanwhile.
#
#   BIG   bytes of the largest file (100 MB; 3 GiB in tests/long)
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
media_site "$T/live"
system=$T/live/public/system
tests/gen/media.py tree "$system" --seed 30 --files 20000 --size-scale 0.02
tests/gen/media.py awkward "$system" --seed 30 --big "${BIG:-100000000}"
new_env media "$T/live"
# Others' media too, this time.
sed -i '/^exclude *=.*cache/d' "$T/media.conf"
grep -q '^exclude' "$T/media.conf" || echo 'exclude = backups/' >>"$T/media.conf"

# Meanwhile one file grows, and others come and go.
mkdir "$system/restless"
: >"$system/restless/growing"
restless() {
	local n=0
	while :; do
		echo 'one line more' >>"$system/restless/growing"
		: >"$system/restless/vanishing-$((n % 50))"
		rm -f "$system/restless/vanishing-$(((n + 25) % 50))"
		n=$((n + 1))
	done
}
background restless
expect '0 3' mastvault backup -c "$T/media.conf" --only media --json
if grep -q growing "$T/err"; then
	echo "the growing file was named"
fi
stop_background
expect 0 mastvault restore --kit "$T/media.kit" latest --only media --media "$T/first"
tests/compare/media.py "$system" "$T/first" --ignore restless --ignore backups
rm -rf "$T/first"

# Standing still all of it is the same, and what was seen twice is not opened
# again.
backup media --only media
backup media --only media
echo "$(field "$T/out" 'd["media"]["unchanged"]') of $(field "$T/out" 'd["media"]["files"]') files were not opened"
# Three are further names of hard links, which are never opened.
[ "$(field "$T/out" 'd["media"]["files"] > 20000 and d["media"]["unchanged"] == d["media"]["files"] - 3')" = True ] ||
	fail "unchanged files were read"
expect 0 mastvault restore --kit "$T/media.kit" latest --only media --media "$T/second"
tests/compare/media.py "$system" "$T/second" --ignore backups

# A tree that is gone, empty or half gone is no backup.
mv "$system" "$system.away"
expect 1 mastvault backup -c "$T/media.conf" --only media
mkdir "$system"
expect 1 mastvault backup -c "$T/media.conf" --only media
cp -a "$system.away/custom_emojis" "$system/"
expect 1 mastvault backup -c "$T/media.conf" --only media
says allow-shrink
expect 0 mastvault backup -c "$T/media.conf" --only media --allow-shrink
