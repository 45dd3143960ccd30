#!/bin/bash
# Goal: leaving is easy: what export writes is loaded by psql and tar alone,
# and is the same.  Redis' dump is a part like the others.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2119
start_postgres
make_site "$T/live" leave 16 0.02 300 0.1
new_env a "$T/live"
kit=$T/a.kit
media=$T/live/public/system

# What a tar finds hard.
mkdir "$media/odd"
printf 'two lines' >"$media/odd/a
b"
printf 'no UTF-8' >"$media/odd/$(printf 'caf\351')"
printf 'umlaut' >"$media/odd/grün"
printf 'dash' >"$media/odd/-rf"
long=$(printf 'x%.0s' {1..250})
mkdir -p "$media/odd/$long"
printf 'long' >"$media/odd/$long/$long"
ln "$media/odd/-rf" "$media/odd/link2"
ln -s ../elsewhere "$media/odd/symlink"
ln -s "$long" "$media/odd/$long/to"
: >"$media/odd/empty"
chmod 640 "$media/odd/empty"
truncate -s 5M "$media/odd/hole"
truncate -s 40M "$media/odd/sparse"
printf 'island' | dd of="$media/odd/sparse" bs=1 seek=20000000 conv=notrunc status=none
head -c 3000000 /dev/urandom >"$media/odd/noise"
touch -d '2001-02-03 04:05:06.123456789' "$media/odd/empty" "$media/odd"
setfattr -n user.note -v 'an attribute' "$media/odd/noise" 2>/dev/null || true

# A dump as Redis writes it: magic, an auxiliary field, the end and its checksum.
rdb() {
	printf 'REDIS0011\372\011redis-ver\0057.2.4'
	head -c "$1" /dev/zero | tr '\0' 'k'
	printf '\37712345678'
}
rdb 3000000 >"$T/dump.rdb"
chmod 600 "$T/dump.rdb"
backup a
[ "$(field "$T/out" 'd["redis"]')" = None ] || fail "redis without being asked"
expect 2 mastvault backup -c "$T/a.conf" --only redis
says redis
echo "redis = $T/dump.rdb" >>"$T/a.conf"
backup a
[ "$(field "$T/out" 'd["redis"]["bytes"]')" = "$(stat -c %s "$T/dump.rdb")" ] || fail "redis' size"
backup a --only redis
expect 0 mastvault snapshots --kit "$kit" --json
[ "$(field "$T/out" '[s["parts"] for s in d]')" = \
	"[['db', 'media', 'secrets'], ['db', 'media', 'secrets', 'redis'], ['redis']]" ] || fail "parts"
expect 0 mastvault cat --kit "$kit" latest redis
cmp "$T/out" "$T/dump.rdb"
expect 0 mastvault restore --kit "$kit" latest --redis "$T/again.rdb"
cmp "$T/again.rdb" "$T/dump.rdb"
[ "$(stat -c %a "$T/again.rdb")" = 600 ] || fail "the dump can be read by others"
expect 1 mastvault restore --kit "$kit" latest --redis "$T/again.rdb"
says overwrite
expect 0 mastvault restore --kit "$kit" latest --redis "$T/again.rdb" --overwrite
# One that is no dump, one that is cut, none: no snapshot.
for bad in "$T/live/.env.production" "$T/cut.rdb" "$T/none.rdb"; do
	head -c 100000 "$T/dump.rdb" >"$T/cut.rdb"
	sed -i "s,^redis = .*,redis = $bad," "$T/a.conf"
	expect '1 2' mastvault backup -c "$T/a.conf"
	says "$bad"
done
sed -i "s,^redis = .*,redis = $T/dump.rdb," "$T/a.conf"

# Away from it: psql and tar.
expect 2 mastvault export --kit "$kit" latest
expect 0 mastvault export --kit "$kit" latest~1 "$T/plain"
expect 1 mastvault export --kit "$kit" latest~1 "$T/plain"
says 'not empty'
[ "$(find "$T/plain" -type f -perm 600 | wc -l)" = "$(find "$T/plain" -type f | wc -l)" ] ||
	fail "others can read it"
[ "$(cd "$T/plain" && echo *)" = 'README.txt database.sql dump.rdb env.production media.tar' ] ||
	fail "$(ls "$T/plain")"
cmp "$T/plain/env.production" "$T/live/.env.production"
cmp "$T/plain/dump.rdb" "$T/dump.rdb"
# The commands of README.txt, with the names of this test.
grep -E '^ +(createdb|psql|tar) ' "$T/plain/README.txt" | sed 's/mastodon_production/loaded/g' >"$T/commands"
[ "$(wc -l <"$T/commands")" = 3 ] || fail "$(cat "$T/plain/README.txt")"
mkdir "$T/untarred"
mv "$T/plain/media.tar" "$T/untarred"
grep -v ' tar ' "$T/commands" >"$T/load"
(cd "$T/plain" && sh -e "$T/load") >/dev/null
same_database leave loaded
(cd "$T/untarred" && sh -e -c "$(grep ' tar ' "$T/commands")")
mv "$T/untarred/media.tar" "$T/media.tar"
tests/compare/media.py "$media" "$T/untarred" --ignore cache --ignore backups
[ "$(stat -c %b "$T/untarred/odd/hole")" -lt 100 ] || fail "the hole is full"
[ "$(stat -c %s "$T/media.tar")" -lt $(($(du -sb --apparent-size "$media" | cut -f 1) - 30000000)) ] ||
	fail "holes are in the archive"
# And by the other tar.
if command -v bsdtar >/dev/null; then
	mkdir "$T/bsd"
	bsdtar -C "$T/bsd" -xpf "$T/media.tar"
	tests/compare/media.py "$media" "$T/bsd" --ignore cache --ignore backups
fi
expect 0 mastvault export --kit "$kit" latest "$T/some" --only secrets,redis
[ "$(cd "$T/some" && echo *)" = 'README.txt dump.rdb env.production' ] || fail "$(ls "$T/some")"
