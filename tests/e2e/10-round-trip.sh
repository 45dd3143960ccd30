#!/bin/bash
# Goal: what was backed up on each of two days comes back as it was on that
# day, from the kit alone, whole or in parts, and nothing is overwritten.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2119
start_postgres
make_site "$T/live" first 11 0.03 600 0.3
new_env production "$T/live"

backup production
first=$(field "$T/out" 'd["snapshot"]')
full=$(field "$T/out" 'd["bytes_added"]')
createdb -T first kept
cp -a "$T/live/public/system" "$T/kept"

# Unchanged: almost nothing is added.
backup production
added=$(field "$T/out" 'd["bytes_added"]')
[ "$added" -lt $((full / 5)) ] || fail "an unchanged backup added $added of $full bytes"

PGDATABASE=first PGUSER=mastodon tests/gen/database.py day --seed 11 --scale 0.03
tests/gen/media.py day "$T/live/public/system" --seed 11 --files 600
backup production --tag second-day
added=$(field "$T/out" 'd["bytes_added"]')
echo "first backup stored $full bytes, a day added $added"

expect 0 mastvault snapshots -c "$T/production.conf" --json
[ "$(field "$T/out" 'len(d)')" = 3 ] || fail "not three snapshots"
[ "$(field "$T/out" 'sorted(d, key=lambda s: s["time"]) == d')" = True ] ||
	fail "snapshots are not in order"
expect 0 mastvault check -c "$T/production.conf" --read-data --json
[ "$(field "$T/out" 'd["damaged"]')" = '[]' ] || fail "damaged"

# The newest, all three, with nothing but kit and store.
mkdir "$T/away"
mv "$T/production.conf" "$T/production.keys" "$T/production.state" "$T/away"
expect 0 mastvault restore --kit "$T/production.kit" latest --database "$(conninfo second)" \
	--media "$T/new" --env-file "$T/new.env"
same_database first second
tests/compare/media.py "$T/live/public/system" "$T/new" --ignore cache --ignore backups
cmp "$T/live/.env.production" "$T/new.env"
[ "$(stat -c %a "$T/new.env")" = 600 ] || fail "the env-file can be read by others"

# The first day's, by id.
expect 0 mastvault restore --kit "$T/production.kit" "$first" --database "$(conninfo third)" \
	--media "$T/old"
same_database kept third
tests/compare/media.py "$T/kept" "$T/old" --ignore cache --ignore backups

# Again over what is there: identical files stay, tables are refused.
expect 0 mastvault restore --kit "$T/production.kit" latest --only media --media "$T/new"
changed=$(find "$T/new" -name '*.jpg' | sort | head -n 1)
echo changed >"$changed"
expect '1 2' mastvault restore --kit "$T/production.kit" latest --only media --media "$T/new"
[ "$(cat "$changed")" = changed ] || fail "a changed file was overwritten"
expect 0 mastvault restore --kit "$T/production.kit" latest --only media --media "$T/new" --overwrite
tests/compare/media.py "$T/live/public/system" "$T/new" --ignore cache --ignore backups
expect '1 2' mastvault restore --kit "$T/production.kit" latest --only db --database "$(conninfo third)"
same_database kept third
restore_db production latest third --replace
same_database first third

# One SQL script, and one file.
createdb fourth
expect 0 mastvault cat --kit "$T/production.kit" latest db
psql -X -q -v ON_ERROR_STOP=1 -d fourth -f "$T/out" >/dev/null
same_database first fourth
path=$(cd "$T/live/public/system" && find media_attachments -name '*.jpg' | sort | head -n 1)
expect 0 mastvault cat --kit "$T/production.kit" latest "$path"
cmp "$T/live/public/system/$path" "$T/out"
expect 0 mastvault ls --kit "$T/production.kit" latest
grep -qF "$path" "$T/out" || fail "ls does not name '$path'"
