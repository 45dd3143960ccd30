#!/bin/bash
# Goal: a restore that is killed leaves the wanted name free, and the next one
# names what it left; interrupted ones leave nothing.
. "$(dirname "$0")/lib.sh"
start_postgres
make_site "$T/live" mastodon_production 3 0.05 20 1
new_env killed "$T/live"
expect 0 mastvault backup -c "$T/killed.conf"

databases() {
	sql -d postgres -c "SELECT datname FROM pg_database WHERE datname LIKE 'r\_%' OR datname = 'r'"
}

# Wait for the database beside, then end the restore with signal $1.
cut_off() {
	local pid i
	"$MASTVAULT" restore --kit "$T/killed.kit" latest --only db \
		--database "$(conninfo r)" >"$T/cut.out" 2>&1 &
	pid=$!
	for ((i = 0; i < 400; i++)); do
		[ -z "$(databases)" ] || break
		sleep 0.01
	done
	[ "$(databases)" != r ] || fail 'the restore was over too early'
	kill "-$1" $pid
	code=0
	wait $pid || code=$?
}

cut_off INT
[ $code = 130 ] || { cat "$T/cut.out"; fail "exit code $code"; }
[ -z "$(databases)" ] || fail "left: $(databases)"
cut_off KILL
left=$(databases)
case $left in r_mv????????) ;; *) fail "left is '$left'" ;; esac
# A killed client's server process ends by itself, in its own time.
for ((i = 0; i < 300; i++)); do
	[ "$(sql -d postgres -c "SELECT count(*) FROM pg_stat_activity WHERE datname = '$left'")" != 0 ] || break
	sleep 0.1
done
restore_db killed latest r
grep -qF "'$left' is left of a restore that was killed" "$T/out" || fail "'$left' is not named"
[ "$(sql -d postgres -c "SELECT count(*) FROM pg_database WHERE datname = '$left'")" = 1 ] ||
	fail 'it was dropped, and nobody had asked'
same_database mastodon_production r
