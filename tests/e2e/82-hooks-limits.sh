#!/bin/bash
# Goal: hooks run when they should and know what happened; limits are kept;
# SIGUSR1 is answered; excludes from everywhere leave out.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
media_site "$T/live"
media=$T/live/public/system
mkdir -p "$media/a/deep" "$media/b" "$media/cache"
for f in a/keep.jpg a/junk.tmp a/deep/junk.tmp b/one "b/with space" cache/x c.log d.log; do
	echo "$f" >"$media/$f"
done
new_env a "$T/live"
conf=$T/a.conf
kit=$T/a.kit
cp "$conf" "$T/plain.conf"
run() {
	local want=$1
	shift
	expect "$want" mastvault backup -c "$conf" --only media "$@"
}

# Excludes: configuration, its file, the command line, its file.
printf '# comment\n\n  c.log  \r\n**/junk.tmp\n' >"$T/one"
printf 'b/with space' >"$T/two"
printf 'exclude = cache/\nexclude-file = %s\n' "$T/one" >>"$conf"
run 0 --exclude d.log --exclude-file "$T/two"
expect 0 mastvault ls --kit "$kit" latest --json
[ "$(field "$T/out" '[f["path"] for f in d if f["type"] == "file"]')" = "['a/keep.jpg', 'b/one']" ] ||
	fail "excludes: $(field "$T/out" '[f["path"] for f in d]')"
: >"$T/empty"
run 0 --exclude-file "$T/empty" --exclude x
run 1 --exclude-file "$T/absent"
says absent
run 2 --exclude ../x

# Hooks: who is called, with what, and with none of our secrets.
cat >"$T/hook" <<HOOK
#!/bin/sh
env | sort >"$T/hook-\$MASTVAULT_HOOK"
echo "\$@" >>"$T/hook-args"
echo "on standard output"
[ ! -e "$T/fail-\$MASTVAULT_HOOK" ] || { echo "no luck with \$MASTVAULT_HOOK" >&2; exit 7; }
[ ! -e "$T/hang-\$MASTVAULT_HOOK" ] || sleep 60
HOOK
chmod +x "$T/hook"
cp "$T/plain.conf" "$conf"
printf 'before-backup = %s  a  b\nafter-backup = %s\non-failure = %s\nhook-timeout = 2s\n' \
	"$T/hook" "$T/hook" "$T/hook" >>"$conf"
export PGPASSWORD=hidden-password SOME_TOKEN=hidden-token
run 0 --json
unset PGPASSWORD SOME_TOKEN
snapshot=$(field "$T/out" 'd["snapshot"]')
head=$(field "$T/out" 'd["head"]')
for line in MASTVAULT_ENVIRONMENT=a MASTVAULT_RESULT=done "MASTVAULT_SNAPSHOT=$snapshot" \
	"MASTVAULT_HEAD=$head" MASTVAULT_EXIT_CODE=0; do
	grep -qxF "$line" "$T/hook-after-backup" || fail "no '$line' in $(cat "$T/hook-after-backup")"
done
grep -q MASTVAULT_SNAPSHOT "$T/hook-before-backup" && fail "a snapshot before the backup"
[ ! -e "$T/hook-on-failure" ] || fail "on-failure was called"
[ "$(head -n 1 "$T/hook-args")" = 'a b' ] || fail "arguments: $(cat "$T/hook-args")"
cat "$T/hook-before-backup" "$T/hook-after-backup" >"$T/all"
! grep -q -e hidden -e PGPASS "$T/all" || fail "secrets: $(cat "$T/all")"
while IFS='=' read -r _ value; do
	value=${value//\'/}
	[ ${#value} -lt 20 ] || ! grep -qF -e "$value" "$T/all" || fail "a secret: $value"
done <"$T/live/.env.production"

# before-backup fails or hangs: no backup, its words, on-failure.
snapshots() {
	expect 0 mastvault snapshots --kit "$kit" --json
	field "$T/out" 'len(d)'
}
n=$(snapshots)
touch "$T/fail-before-backup"
run 1
says before-backup 'no luck with before-backup' 'status 7'
grep -qx 'MASTVAULT_RESULT=failed' "$T/hook-on-failure" || fail "$(cat "$T/hook-on-failure")"
grep -q 'MASTVAULT_ERROR=.*no luck with before-backup' "$T/hook-on-failure" || fail "no error text"
rm "$T/fail-before-backup" "$T/hook-on-failure"
touch "$T/hang-before-backup"
SECONDS=0
run 1 -q
says 'longer than 2 s'
[ $SECONDS -lt 20 ] || fail "it took $SECONDS s"
rm "$T/hang-before-backup"
[ "$(snapshots)" = "$n" ] || fail "a snapshot in spite of before-backup"
# The backup itself fails: on-failure says why, and its own failure hides nothing.
touch "$T/fail-on-failure"
mv "$media" "$T/away"
run 1
says public/system 'no luck with on-failure'
mv "$T/away" "$media"
rm "$T/fail-on-failure"
# after-backup fails: the snapshot is there, and 3.
touch "$T/fail-after-backup"
run 3
says after-backup 'no luck with after-backup'
[ "$(snapshots)" = $((n + 1)) ] || fail "no snapshot"
rm "$T/fail-after-backup" "$T"/hook-*-*
run 0 --dry-run
[ ! -e "$T/hook-before-backup" ] || fail "a dry run ran hooks"
sed -i 's/^hook-timeout.*/hook-timeout = soon/' "$conf"
run 2

# limit-read: 6 MiB beyond the first second's worth at 2 MiB/s are 3 s.
cp "$T/plain.conf" "$conf"
echo 'limit-read = 2M' >>"$conf"
rm -rf "$media"
mkdir "$media"
head -c $((8 << 20)) /dev/urandom >"$media/noise"
"$MASTVAULT" backup -c "$conf" --only media -q --allow-shrink >"$T/out" 2>"$T/err" &
pid=$!
BACKGROUND+=($pid)
start=${EPOCHREALTIME/./}
sleep 1.5
# Asked on its way, it answers, though -q was given.
kill -USR1 $pid
sleep 0.5
wait $pid || fail "backup: $(cat "$T/err")"
ms=$(((${EPOCHREALTIME/./} - start) / 1000))
[ $ms -ge 2400 ] && [ $ms -le 4600 ] || fail "limit-read: $ms ms instead of 3000"
grep -q '^mastvault: media  [0-9.]* MiB.*, for [0-9]' "$T/err" || fail "SIGUSR1: $(cat "$T/err")"
[ "$(wc -l <"$T/err")" = 1 ] || fail "more than one line: $(cat "$T/err")"
# An option is stronger; nothing to read, no waiting.
SECONDS=0
run 0 --limit-read 1G
[ $SECONDS -lt 4 ] || fail "an unchanged file took $SECONDS s"
run 2 --limit-read fast
# limit-upload: what is new again is 8 MiB in one pack; the first 2 are free.
head -c $((8 << 20)) /dev/urandom >"$media/noise"
start=${EPOCHREALTIME/./}
run 0 --limit-read 1G --limit-upload 2M
ms=$(((${EPOCHREALTIME/./} - start) / 1000))
[ $ms -ge 2400 ] && [ $ms -le 5000 ] || fail "limit-upload: $ms ms instead of 3000"
