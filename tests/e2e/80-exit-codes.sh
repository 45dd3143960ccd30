#!/bin/bash
# Goal: the exit code says what happened, and the message what to do.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2119
start_postgres
make_site "$T/live" codes 80 0.003 40 0.1
new_env a "$T/live"
conf=$T/a.conf

# 2: usage and configuration, with the nearest name.
expect 2 mastvault
expect 2 mastvault bakcup
says backup
expect 2 mastvault help bakcup
says backup
expect 2 mastvault backup --jsno
says --json
expect 2 mastvault snapshots --kit "$T/a.kit" --store "$T/a.store"
says "file://$T/a.store"
expect 2 mastvault backup -c "$T/none.conf"
says none.conf
sed 's/^store/stroe/' "$conf" >"$T/typo.conf"
chmod 600 "$T/typo.conf"
expect 2 mastvault backup -c "$T/typo.conf"
says stroe store typo.conf:
expect 2 mastvault backup -c "$conf" -e nonesuch
says nonesuch
expect 2 mastvault restore --kit "$T/a.kit" latest
expect 0 mastvault --help
expect 0 mastvault backup --help
expect 0 mastvault --version

# 10: no repository; 11: not its key; 2: a kit that is none.
mv "$T/a.store" "$T/a.away"
expect '10' mastvault backup -c "$conf"
mkdir "$T/a.store"
expect 10 mastvault snapshots -c "$conf"
rmdir "$T/a.store"
mv "$T/a.away" "$T/a.store"
new_env b "$T/live"
mv "$T/b.store" "$T/b.away"
cp -a "$T/a.store" "$T/b.store"
expect 11 mastvault snapshots --kit "$T/b.kit"
rm -rf "$T/b.store"
mv "$T/b.away" "$T/b.store"
expect '2 12' mastvault snapshots --kit "$T/live/.env.production"

# 2: no key file, kit or enrolment where usage or configuration say; a wrong
# passphrase is another matter.
for missing in "snapshots --kit $T/none" "key test $T/none" "key show $T/none" \
	"key passphrase $T/none" "key accept $T/none $T/a.keys/writer.key" \
	"key accept $T/a.kit $T/none"; do
	# shellcheck disable=SC2086
	expect 2 mastvault $missing
	says "there is no" "'$T/none'"
done
sed "s|^key-dir.*|key-dir = $T/none|" "$conf" >"$T/keyless.conf"
chmod 600 "$T/keyless.conf"
expect 2 mastvault snapshots -c "$T/keyless.conf"
says "'key-dir'" "$T/none"
expect 0 mastvault key passphrase "$T/b.kit" --new-passphrase-file <(echo 'a long passphrase')
expect 11 mastvault snapshots --kit "$T/b.kit" --passphrase-file <(echo 'a wrong passphrase')

# -q is silent when all is well.
expect 0 mastvault backup -q -c "$conf"
[ -z "$(cat "$T/out" "$T/err")" ] || fail "-q said something"

# 1: the backup failed, whatever part of it, and no snapshot says otherwise.
expect 0 mastvault snapshots -c "$conf" --json
n=$(field "$T/out" 'len(d)')
mv "$T/live/public/system" "$T/system"
expect 1 mastvault backup -q -c "$conf"
says public/system
[ ! -s "$T/out" ] || fail "-q wrote to stdout"
mv "$T/system" "$T/live/public/system"
sql -d postgres -c 'ALTER DATABASE codes RENAME TO elsewhere'
expect 1 mastvault backup -q -c "$conf"
says codes
sql -d postgres -c 'ALTER DATABASE elsewhere RENAME TO codes'
sql -d codes -c 'CREATE TABLE private (a int); INSERT INTO private VALUES (1);
	ALTER TABLE private OWNER TO postgres; REVOKE ALL ON private FROM public'
expect 1 mastvault backup -q -c "$conf"
says private
sql -d codes -c 'DROP TABLE private'
mv "$T/live/.env.production" "$T/env"
expect '1 2' mastvault backup -q -c "$conf"
mv "$T/env" "$T/live/.env.production"
# In an environment of its own: an env-file that goes back to what it was is an
# alarm of its own.
cp -a "$T/live" "$T/pooled"
new_env pooled "$T/pooled"
sed -i "s/^DB_PORT=.*/DB_PORT=6432/" "$T/pooled/.env.production"
expect '1 2' mastvault backup -q -c "$T/pooled.conf"
says pgbouncer
expect 0 mastvault snapshots -c "$conf" --json
[ "$(field "$T/out" 'len(d)')" = "$n" ] || fail "a backup that failed left a snapshot"

# 3: done, but something could not be read, and it is named.
if [ "$(id -u)" != 0 ]; then
	unreadable=$(find "$T/live/public/system/media_attachments" -name '*.jpg' | head -n 1)
	chmod 000 "$unreadable"
	expect 3 mastvault backup -q -c "$conf"
	says "$(basename "$unreadable")"
	chmod 644 "$unreadable"
fi

# 12: corruption, named.
expect 0 mastvault backup -c "$conf"
pack=$(find "$T/a.store/packs" -type f | sort | head -n 1)
cp -p "$pack" "$T/pack"
chmod u+w "$pack"
/usr/bin/python3 - "$pack" <<'PY'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(40000)
    b = f.read(1)
    f.seek(40000)
    f.write(bytes([b[0] ^ 4]))
PY
expect 12 mastvault check -c "$conf" --read-data --json
field "$T/out" 'd["damaged"]' | grep -q "$(basename "$pack")" || fail "the damaged pack is not named"
cp -p "$T/pack" "$pack"
expect 0 mastvault check -c "$conf" --read-data

# Background jobs of a script ignore SIGINT, hence --default-signal.
# 130: interrupted, and the next run is well.
sql -d codes -c 'CREATE TABLE slow AS SELECT n, md5(n::text) FROM generate_series(1, 2000000) n;
	ALTER TABLE slow OWNER TO mastodon'
for signal in INT TERM; do
	env --default-signal=INT "$MASTVAULT" backup -q -c "$conf" \
		>"$T/out" 2>"$T/err" &
	pid=$!
	sleep 0.4
	kill -$signal $pid 2>/dev/null || fail "the backup was over in 0.4 s"
	code=0
	wait $pid || code=$?
	[ $code = 130 ] || fail "exit code $code after $signal"
done
expect 0 mastvault backup -q -c "$conf"
expect 0 mastvault check -c "$conf"
# 1: a full pipe or a closed stdout is no success.
expect 1 sh -c "'$MASTVAULT' snapshots -c '$conf' >/dev/full"
