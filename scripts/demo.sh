#!/bin/bash
# demo.sh - one backup and one restore of a Mastodon that does not exist.
#
#   SEED, SCALE, FILES   another one, or a larger (1, 0.12, 3000)
#   KEEP=1               leave the directory to look around in
#
# A PostgreSQL of its own, on a socket of its own, below a temporary directory
# that is gone afterwards.  Nothing else on this machine is touched.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tests/lib.sh
. tests/lib.sh
SEED=${SEED:-1}
SCALE=${SCALE:-0.12}
FILES=${FILES:-3000}
scratch mastvault-demo
if [ -n "${KEEP:-}" ]; then
	trap 'tests/servers/pg-stop.sh --state "$T/pg"; echo "kept: $T"' EXIT
fi
[ -x "$MASTVAULT" ] || fail "'$MASTVAULT' is not built; run make"

if [ -t 1 ]; then
	bold=$(printf '\033[1m') plain=$(printf '\033[0m')
else
	bold='' plain=''
fi
start=${EPOCHREALTIME/./}
step=0
took=

title() {
	step=$((step + 1))
	printf '\n%s%d. %s%s\n' "$bold" $step "$*" "$plain"
}

row() {
	local what=$1
	shift
	printf '   %-10s %s\n' "$what" "$*"
}

# As it would be typed, with the scratch directory left out.
shell() {
	local line="\$ mastvault $*"
	printf '   %s\n' "${line//$T\//}"
}

# timed NAME COMMAND... - its seconds go to the variable NAME.
timed() {
	local name=$1 from=${EPOCHREALTIME/./} ms
	shift
	"$@" || fail "'$(basename "$1") ${2:-}' ended with exit code $?"
	ms=$(((${EPOCHREALTIME/./} - from) / 1000))
	printf -v "$name" '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100))
}

mb() {
	awk -v n="$1" 'BEGIN { printf "%.1f MB", n / 1e6 }'
}

backup() {
	shell backup -c mastvault.conf
	timed took "$MASTVAULT" backup -c "$T/mastvault.conf" --json >"$T/backup.json"
	row read "$(mb "$(field "$T/backup.json" 'd["bytes_read"]')")"
	row stored "$(mb "$(field "$T/backup.json" 'd["bytes_added"]')")" in "$took"
	row snapshot "$(field "$T/backup.json" 'd["snapshot"][:16]')"
}

# tree_size [find argument]... - of the media
tree_size() {
	find "$T/live/public/system" "$@" -type f -printf '%s\n' |
		awk '{ n++; s += $1 } END { printf "%d files, %.1f MB\n", n, s / 1e6 }'
}

printf '%sA Mastodon is backed up, a day passes, the machine is lost, and it comes back.%s\n' \
	"$bold" "$plain"
printf 'Seed %s, scale %s; everything is below %s.\n' "$SEED" "$SCALE" "$T"

title 'A server with a past'
# shellcheck disable=SC2119
start_postgres
timed took make_site "$T/live" mastodon_production "$SEED" "$SCALE" "$FILES" 1
sql -d mastodon_production -F ' ' -c "SELECT
	'   database  ', count(*) || ' tables,',
	(SELECT count(*) FROM statuses) || ' statuses,',
	(SELECT count(*) FROM accounts) || ' accounts,',
	(SELECT count(*) FROM users) || ' users,',
	pg_size_pretty(pg_database_size(current_database()))
	FROM pg_tables WHERE schemaname = 'public'"
row media "$(tree_size), of which $(tree_size -not -path '*/cache/*') are not copies of other servers'"
row secrets "$(grep -c = "$T/live/.env.production") settings in .env.production"
row made "in $took"

title 'Keys, store and recovery kit'
shell init -e production --mastodon live --store file:///store --kit recovery.kit
"$MASTVAULT" init -c "$T/mastvault.conf" -e production --mastodon "$T/live" \
	--store "file://$T/store" --key-dir "$T/keys" --state-dir "$T/state" \
	--kit "$T/recovery.kit" --no-passphrase >"$T/init.out"
sed "s|$T/||g; s/^/   | /" "$T/init.out"

title 'The first night'
backup

title 'A day of posts, likes, uploads and deletions'
PGDATABASE=mastodon_production PGUSER=mastodon \
	tests/gen/database.py day --seed "$SEED" --scale "$SCALE"
tests/gen/media.py day "$T/live/public/system" --seed "$SEED" --files "$FILES"
row database "1 % more posts; counters of 5 % of the accounts moved; some rows gone"
row media "1 % more files; some deleted, some made private"

title 'The second night'
backup

title 'Is it all there?'
shell check --read-data --kit recovery.kit
timed took "$MASTVAULT" check --read-data --kit "$T/recovery.kit" --json >"$T/check.json"
row damaged "$(field "$T/check.json" 'len(d["damaged"])') objects; every byte read, decrypted and hashed in $took"

title 'The machine is lost: configuration, keys and state are gone'
mkdir "$T/lost"
mv "$T/mastvault.conf" "$T/keys" "$T/state" "$T/lost/"
shell snapshots --kit recovery.kit
"$MASTVAULT" snapshots --kit "$T/recovery.kit" | sed 's/^/   | /'
shell restore --kit recovery.kit latest --database dbname=restored \
	--media new/public/system --env-file new/.env.production
mkdir -p "$T/new/public"
timed took "$MASTVAULT" restore -q --kit "$T/recovery.kit" latest \
	--database "$(conninfo restored)" --media "$T/new/public/system" \
	--env-file "$T/new/.env.production"
row restored "in $took, from the kit and the store alone"

title 'Is it the same?'
same_database mastodon_production restored
row database "$(awk '/^  [0-9]+ rows, / { n++; s += $1 } END {
	print s " rows in " n " tables, schema and sequences are identical" }' "$T/compare-a")"
same=$(tests/compare/media.py "$T/live/public/system" "$T/new/public/system" \
	--ignore cache --ignore backups) || fail "media differ: $same"
row media "$same"
cmp "$T/live/.env.production" "$T/new/.env.production" || fail "secrets differ"
row secrets 'identical, byte for byte'

total=$(((${EPOCHREALTIME/./} - start) / 1000000))
printf '\n%sAll of it came back. %d seconds; nothing is left behind.%s\n' "$bold" $total "$plain"
