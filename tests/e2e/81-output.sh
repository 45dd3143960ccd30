#!/bin/bash
# Goal: lists are whole and one JSON document; who has seen enough of them is
# not told that a pipe is closed; a server's refusal is no wrong key.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2119
start_postgres
make_site "$T/live" output 81 0.02 3000 0.02
new_env a "$T/live"
kit=$T/a.kit
backup a

# Every table is listed, rows only for those that are not in the archive.
expect 0 mastvault ls --kit "$kit" latest db --json
listed=$(field "$T/out" 'len({(t["schema"], t["name"]) for t in d})')
there=$(sql -d output -c "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
[ "$listed" = "$there" ] || fail "$listed tables are listed, $there are there"
[ "$(field "$T/out" 'any(t["rows"] is None and t["bytes"] > 0 for t in d)')" = True ] ||
	fail "no table of the archive is listed"
rows=$(sql -d output -c 'SELECT count(*) FROM statuses')
[ "$(field "$T/out" '[t["rows"] for t in d if t["name"] == "statuses"][0]')" = "$rows" ] ||
	fail "statuses has not $rows rows"

expect 0 mastvault ls --kit "$kit" latest --json
n=$(find "$T/live/public/system" -path '*/cache' -prune -o -path '*/backups' -prune -o -print | wc -l)
[ "$(field "$T/out" 'len(d), d[0]["path"]')" = "($n, '.')" ] ||
	fail "not $n entries: $(field "$T/out" 'len(d), d[0]["path"]')"
expect 1 mastvault ls --kit "$kit" latest no/such --json
[ ! -s "$T/out" ] || fail "half a document"

# quiet COMMAND - its reader goes away after a line: it ends as cat(1) would.
quiet() {
	local codes
	"$@" 2>"$T/err" | head -n 1 >"$T/out"
	codes=("${PIPESTATUS[@]}")
	[ "${codes[0]}" = 141 ] || fail "exit code ${codes[0]} instead of 141: $*"
	[ ! -s "$T/err" ] || fail "it complains: $(cat "$T/err")"
	[ -s "$T/out" ] || fail "nothing was printed: $*"
}
quiet mastvault ls --kit "$kit" latest
quiet mastvault ls --kit "$kit" latest --json
quiet mastvault cat --kit "$kit" latest db
"$MASTVAULT" secrets get SECRET_KEY_BASE --kit "$kit" 2>"$T/err" | :
[ "${PIPESTATUS[0]}" = 141 ] && [ ! -s "$T/err" ] || fail "secrets get: $(cat "$T/err")"

# PostgreSQL's refusals are failures (1), not wrong keys (11).
sql -d postgres -c "ALTER ROLE mastodon PASSWORD 'wet'"
hba=$(sql -d postgres -c 'SHOW hba_file')
cp -p "$hba" "$T/hba"
printf 'local all mastodon scram-sha-256\nlocal all all trust\n' >"$T/new-hba"
cat "$T/new-hba" >"$hba"
sql -d postgres -c 'SELECT pg_reload_conf()' >/dev/null
sleep 0.5
expect 1 mastvault backup -c "$T/a.conf"
says password

# DB_PASS is offered where the configuration names the same user.
sed -i '/^DB_PASS=/d' "$T/live/.env.production"
echo DB_PASS=wet >>"$T/live/.env.production"
expect 0 mastvault backup -c "$T/a.conf"
echo "database = host=$PGHOST port=$PGPORT dbname=output user=mastodon" >>"$T/a.conf"
expect 0 mastvault backup -c "$T/a.conf"
sed -i 's/^database = .*/& password=dry/' "$T/a.conf"
expect 1 mastvault backup -c "$T/a.conf"
sed -i 's/^database = .*/database = host='"${PGHOST//\//\\/} port=$PGPORT"' dbname=output user=postgres/' "$T/a.conf"
expect 0 mastvault backup -c "$T/a.conf"
