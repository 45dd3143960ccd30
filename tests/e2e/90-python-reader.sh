#!/bin/bash
# Goal: docs/format.md is enough to get everything back: a reader of at most
# 500 lines, written from that page alone, restores the same bytes from the kit.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
lines=$(wc -l <tests/reader/reader.py)
[ "$lines" -le 500 ] || fail "reader.py has $lines lines"
/usr/bin/python3 -c 'import nacl, zstandard' 2>/dev/null ||
	skip "python3-nacl or python3-zstandard is not installed"
# shellcheck disable=SC2119
start_postgres
make_site "$T/live" first 90 0.05 300 0.2
system=$T/live/public/system
mkdir "$system/awkward"
printf 'begins' >"$system/awkward/sparse"
truncate -s 3M "$system/awkward/sparse"
printf 'ends' >>"$system/awkward/sparse"
head -c 3000000 /dev/urandom >"$system/awkward/large"
ln "$system/awkward/large" "$system/awkward/linked"
: >"$system/awkward/empty"
new_env production "$T/live"

copy() {
	sql -d first -c "COPY $1 TO STDOUT"
}
backup production
first=$(field "$T/out" 'd["snapshot"]')
copy public.statuses >"$T/statuses"
[ "$(stat -c %s "$T/statuses")" -gt 2000000 ] || fail "no large table"
PGDATABASE=first PGUSER=mastodon tests/gen/database.py day --seed 90 --scale 0.05
tests/gen/media.py day "$system" --seed 90 --files 300
backup production
copy public.statuses >"$T/statuses.2"

# Only the kit and the store, and of that only what cannot be derived.
mkdir "$T/away"
mv "$T/production.conf" "$T/production.keys" "$T/production.state" "$T/production.store/index" "$T/away"
reader() {
	tests/reader/reader.py "$T/production.kit" "$T/production.store" "$@"
}
# same COMMAND... - the reader's output is the same as $T/want, and it has no complaint.
same() {
	expect 0 reader "$@"
	[ ! -s "$T/err" ] || {
		cat "$T/err"
		fail "the reader complains"
	}
	cmp "$T/want" "$T/out"
}

expect 0 reader snapshots
[ "$(wc -l <"$T/out")" = 2 ] || fail "not two snapshots"
cp "$T/statuses" "$T/want"
same table "${first:0:12}" public.statuses
cp "$T/statuses.2" "$T/want"
same table latest public.statuses
copy public.accounts >"$T/want"
same table latest public.accounts
cp "$T/live/.env.production" "$T/want"
same env-file latest
expect 0 reader ls latest
(cd "$system" && find . -type f ! -path './cache/*' ! -path './backups/*' -printf '%P\n') |
	LC_ALL=C sort >"$T/want"
LC_ALL=C sort "$T/out" | cmp "$T/want" -
shuf -n 5 --random-source=/dev/zero "$T/want" >"$T/paths"
printf 'awkward/%s\n' sparse large linked empty >>"$T/paths"
while read -r path; do
	cp --sparse=never "$system/$path" "$T/want"
	same file latest "$path"
done <"$T/paths"
expect 0 reader archive latest
"$PG_BIN/pg_restore" -l "$T/out" | grep -q 'TABLE public statuses' || fail "no archive"

# With a passphrase, too; where there is no terminal it is read from stdin.
(umask 077 && echo 'as long as it takes' >"$T/passphrase" && echo other >"$T/other")
cp "$T/production.kit" "$T/protected.kit"
expect 0 mastvault key passphrase "$T/protected.kit" --new-passphrase-file "$T/passphrase"
cp "$T/live/.env.production" "$T/want"
protected() {
	setsid -w tests/reader/reader.py "$T/protected.kit" "$T/production.store" env-file latest <"$1"
}
expect 0 protected "$T/passphrase"
cmp "$T/want" "$T/out"
expect 1 protected "$T/other"

# It does check: nothing of what was changed is taken for the table.
find "$T/production.store/packs" -type f | while read -r pack; do
	chmod u+w "$pack"
	/usr/bin/python3 -c 'import sys
with open(sys.argv[1], "r+b") as f:
    for at in range(100, f.seek(0, 2) // 2, 4096):
        f.seek(at)
        byte = f.read(1)[0]
        f.seek(at)
        f.write(bytes([byte ^ 1]))' "$pack"
done
expect 1 reader table latest public.statuses
says damaged
