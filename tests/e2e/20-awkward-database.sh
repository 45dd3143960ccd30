#!/bin/bash
# Goal: a database with everything that makes copying hard, read while others
# write, comes back as one instant saw it.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2119
start_postgres
media_site "$T/live"
tests/gen/media.py tree "$T/live/public/system" --files 10 --size-scale 0.1
tests/gen/envfile.py "DB_HOST=$PGHOST" "DB_PORT=$PGPORT" DB_NAME=awkward DB_USER=postgres \
	>"$T/live/.env.production"
createdb awkward
sql -d awkward -v rows="${ROWS:-1000000}" -f tests/gen/awkward.sql >/dev/null
new_env awkward "$T/live"

writer() {
	exec "$PG_BIN/pgbench" -n -c 2 -T 300 -f tests/gen/writer.sql awkward >/dev/null 2>&1
}
background writer
moves() {
	sql -d awkward -c 'SELECT count(*) FROM ledger_log'
}
until [ "$(moves)" -gt 100 ]; do
	kill -0 "${BACKGROUND[0]}" || fail "the writer did not start"
	sleep 0.1
done

# One instant, held by us: pg_dump's word against ours.
coproc HOLDER { exec psql -XqAt -d awkward; }
echo 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_export_snapshot();' >&"${HOLDER[1]}"
read -r -t 20 instant <&"${HOLDER[0]}" || fail "no snapshot was exported"
before=$(moves)
tests/compare/database.py "$(conninfo awkward)" "--snapshot=$instant" >"$T/instant"
backup awkward --pg-snapshot "$instant"
[ "$(moves)" -gt "$before" ] || fail "the writer did not write"
echo 'COMMIT;' >&"${HOLDER[1]}"
restore_db awkward latest restored
tests/compare/database.py "$(conninfo restored)" >"$T/restored"
# What the writer consumes belongs to no transaction: at least as far.
moving="setval('public\.\(orphan_seq\|ledger_log_id_seq\)'"
diff <(grep -v "$moving" "$T/instant") <(grep -v "$moving" "$T/restored") >"$T/diff" || {
	head -n 40 "$T/diff"
	fail "what came back is not what the instant saw"
}
echo "schema, $(awk '/^  [0-9]+ rows/ { s += $1 } END { print s }' "$T/instant") rows, large objects: the same"

# sequences DATABASE: in what it holds no value is beyond its sequence.
sequences() {
	[ "$(sql -d "$1" -c "SELECT (SELECT last_value FROM orphan_seq) >= max(orphan)
		AND (SELECT last_value FROM ledger_log_id_seq) >= max(id) FROM ledger_log")" = t ] ||
		fail "a sequence of '$1' is behind its values"
	[ "$(sql -d "$1" -c 'SELECT last_value, is_called FROM unused_seq')" = '42|f' ] ||
		fail "an unused sequence was used"
}

total() {
	sql -d "$1" -c 'SELECT sum(amount) FROM
		(SELECT amount FROM ledger_a UNION ALL SELECT amount FROM ledger_b) x'
}
sequences restored

# Several instants of our own choice.
for n in 1 2 3; do
	backup awkward --only db
	restore_db awkward latest "r$n"
	[ "$(total "r$n")" = 1000000 ] || fail "the sum is $(total "r$n")"
	[ "$(sql -d "r$n" -c 'SELECT (SELECT sum(moved) FROM ledger_log) = (SELECT sum(amount) FROM ledger_b)')" = t ] ||
		fail "the log is of another instant than the amounts"
	sequences "r$n"
	dropdb "r$n"
done
stop_background

# Standing still, everything is the same, and it works as it did.
backup awkward --only db
restore_db awkward latest still
same_database awkward still
psql -X -q -v ON_ERROR_STOP=1 -d still <<'SQL' >/dev/null
INSERT INTO generated (price, amount) VALUES (1, 1);
INSERT INTO audited VALUES (9999, 'new');
INSERT INTO measures VALUES ('2025-06-01', 9, 1, '');
REFRESH MATERIALIZED VIEW by_n;
SQL
[ "$(sql -d still -c 'SELECT count(*) FROM audit WHERE audited_id = 9999')" = 1 ] ||
	fail "the trigger does not work any more"
