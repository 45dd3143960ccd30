#!/bin/bash
# Goal: how finely a table is cut comes from the list of Mastodon's tables,
# then from PostgreSQL's statistics, else is the middle, and stays.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2119
start_postgres
media_site "$T/live"
createdb site
(umask 077 && tests/gen/envfile.py --seed 7 "DB_HOST=$PGHOST" "DB_PORT=$PGPORT" \
	DB_USER=postgres DB_NAME=site >"$T/live/.env.production")
new_env cl "$T/live"

# table NAME [WHAT HAPPENS TO IT]
table() {
	sql -d site -c "CREATE TABLE $1 AS SELECT n AS id, md5(n::text) AS text
		FROM generate_series(1, 40000) n" -c "${2:-SELECT}" >"$T/sql"
}
classes() {
	/usr/bin/python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["classes"]["public"])' "$T/cl.state/state.json"
}
# is TABLE CLASS - 0 is 2 KiB, 1 is 16, 2 is 64.
is() {
	[ "$(field "$T/cl.state/state.json" "d['classes']['public']['$1']")" = "$2" ] ||
		fail "$1 is not of class $2: $(classes)"
}

# The list, whatever statistics say.
table statuses 'UPDATE statuses SET id = id'
table account_stats
# Statistics: hardly a row was changed, a fourth of them, all.
table mine_calm 'UPDATE mine_calm SET id = id WHERE id % 100 = 0'
table mine_mixed 'UPDATE mine_mixed SET id = id WHERE id % 4 = 0'
table mine_busy 'UPDATE mine_busy SET id = id'
# None: the middle.
sql -d site -c 'ALTER SYSTEM SET track_counts = off' -c 'SELECT pg_reload_conf()' >"$T/sql"
for _ in $(seq 50); do
	[ "$(sql -d site -c 'SHOW track_counts')" = on ] || break
	sleep 0.1
done
table mine_unknown
sql -d site -c 'ALTER SYSTEM RESET track_counts' -c 'SELECT pg_reload_conf()' >"$T/sql"
backup cl --only db
is statuses 2
is account_stats 0
is mine_calm 2
is mine_mixed 1
is mine_busy 0
is mine_unknown 1

# Sticky: what was calm is updated as a whole, what was busy is counted anew.
sql -d site -c 'UPDATE mine_calm SET id = id' -c 'UPDATE mine_calm SET id = id' \
	-c 'SELECT pg_stat_reset()' >"$T/sql"
sql -d site -c 'UPDATE mine_calm SET id = id' -c 'ANALYZE mine_calm' \
	-c 'ANALYZE mine_busy' -c 'ANALYZE mine_unknown'
backup cl --only db
is mine_calm 2
is mine_busy 0
is mine_unknown 1

# A host that has lost its state begins anew, and none of it is lost.
rm "$T/cl.state/state.json"
backup cl --only db
is mine_calm 0
is mine_busy 2
restore_db cl latest again
same_database site again
