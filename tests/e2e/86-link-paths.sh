#!/bin/bash
# Goal: restore --path of hard links whose first name is not chosen: content
# comes under the chosen names, which stay one file among themselves.
. "$(dirname "$0")/lib.sh"

media_site "$T/live"
tree=$T/live/public/system
mkdir "$tree/a" "$tree/b" "$tree/c"
head -c 3000000 /dev/urandom >"$tree/a/one"
head -c 700 /dev/urandom >"$tree/a/two"
printf x >"$tree/a/other"
truncate -s 5M "$tree/a/sparse"
printf data | dd of="$tree/a/sparse" bs=1 seek=2000000 conv=notrunc status=none
chmod 640 "$tree/a/one"
# In another order than their targets, so that the manifest is read again.
ln "$tree/a/two" "$tree/b/1"
ln "$tree/a/one" "$tree/b/2"
ln "$tree/a/one" "$tree/b/3"
ln "$tree/a/sparse" "$tree/b/4"
ln "$tree/a/one" "$tree/c/5"
new_env links "$T/live"
expect 0 mastvault backup -c "$T/links.conf" --only media,secrets

take() {
	expect "$1" mastvault restore --kit "$T/links.kit" latest --media "$T/got" "${@:2}"
}

take 0 --path 'b' --path c/5
[ ! -e "$T/got/a" ] || fail 'more than was asked for'
diff -r "$tree/b" "$T/got/b" || fail 'content differs'
cmp "$tree/c/5" "$T/got/c/5" || fail 'content differs'
[ "$(stat -c %i "$T/got/b/2")" = "$(stat -c %i "$T/got/b/3")" ] || fail 'two files, not one'
[ "$(stat -c %i "$T/got/b/2")" = "$(stat -c %i "$T/got/c/5")" ] || fail 'two files, not one'
[ "$(stat -c '%a %Y %h' "$T/got/b/2")" = "$(stat -c '640 %Y 3' "$tree/a/one")" ] ||
	fail 'metadata differ'
[ "$(stat -c %b "$T/got/b/4")" -lt 1000 ] || fail 'holes are filled'

# Once more, and on to all of it: nothing is fetched, nothing differs.
take 0 --path b --path c/5
take 0 --path b

# What is there and differs is left alone, and so are links to it.
rm -rf "$T/got"
mkdir -p "$T/got/b"
printf y >"$T/got/b/2"
take 1 --path b --path c
[ "$(cat "$T/got/b/2")" = y ] || fail 'overwritten'
cmp "$tree/b/1" "$T/got/b/1" || fail 'others are not restored'
take 0 --path b --path c --overwrite
diff -r "$tree/b" "$T/got/b" || fail 'not overwritten'

# A file in the place of the name that was not chosen is not taken for it.
rm -rf "$T/got"
mkdir -p "$T/got/a"
printf foreign >"$T/got/a/one"
take 0 --path b/2
cmp "$tree/a/one" "$T/got/b/2" || fail 'linked to a foreign file'
