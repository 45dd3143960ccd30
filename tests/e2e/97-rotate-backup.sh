#!/bin/bash
# Goal: a backup that runs across a rotation, or in the middle of one, is
# restored with the secrets that its rows are under.
# shellcheck source=tests/e2e/rotate_lib.sh
. "$(dirname "$0")/rotate_lib.sh"
# shellcheck disable=SC2119
start_postgres
new_site
sed -i 's/^command-timeout.*/command-timeout = 5s/' "$T/prod.conf"

# restored SNAP - its rows open with its env-file.
restored() {
	rm -f "$T/restored.env"
	sql -d postgres -c 'DROP DATABASE IF EXISTS restored'
	expect 0 mastvault restore --kit "$T/prod.kit" "$1" --database "$(conninfo restored)" \
		--env-file "$T/restored.env" --only db,secrets
	rows_fit restored "$T/restored.env"
}

# It begins before the rotation and ends after it.
mastvault backup -c "$T/prod.conf" --only db,secrets --limit-read 300K --json >"$T/across" 2>"$T/across.err" &
across=$!
until sql -d mastodon -c "SELECT 1 FROM pg_stat_activity WHERE application_name IN ('mastvault', 'pg_dump')" | grep -q 1; do :; done
sleep 0.3
expect 0 secrets rotate --yes "$PRIMARY"
kill -0 $across || fail "the backup ended before the rotation did"
rc=0
wait $across || rc=$?
[ $rc = 0 ] || { cat "$T/across.err"; fail "the backup across it ended with $rc"; }
agree "$PRIMARY"
running
restored "$(field "$T/across" 'd["snapshot"]')"
! cmp -s "$T/restored.env" "$T/live/.env.production" || fail "the rows were under the old secrets"

# In the middle, once with the rotation undone afterwards, once with it done.
for end in undone "done"; do
	rm -f "$T/verified"
	if [ $end = undone ]; then
		touch "$T/verify.hangs"
	else
		echo "sleep 3" >>"$T/verify.sh"
	fi
	secrets rotate --yes "$PRIMARY" >"$T/first.out" 2>&1 &
	first=$!
	until [ -s "$T/verified" ]; do sleep 0.05; done
	expect 3 mastvault backup -c "$T/prod.conf" --only db,secrets --json
	says 'both generations are in this backup'
	snap=$(field "$T/out" 'd["snapshot"]')
	wait $first || [ $end = undone ] || fail "the rotation failed"
	agree "$PRIMARY"
	running
	restored "$snap"
done
