#!/bin/bash
# Goal: whichever command of a rotation fails or hangs, all is on the old
# generation afterwards and services run; two rotations at once do not happen,
# and what would get in the way of one refuses.
#
#   HANGS   which commands hang, too (verify; all four in tests/long)
# shellcheck source=tests/e2e/rotate_lib.sh
. "$(dirname "$0")/rotate_lib.sh"
HANGS=${HANGS:-verify}
# shellcheck disable=SC2119
start_postgres
new_site
sed -i 's/^command-timeout.*/command-timeout = 3s/' "$T/prod.conf"
old=$(value "$PRIMARY")

# Commands that fail, and commands that hang.
for step in stop apply start verify; do
	for how in fails hangs; do
		[ $how = fails ] || case " $HANGS " in *" $step "*) ;; *) continue ;; esac
		touch "$T/$step.$how"
		# What cannot be stopped is stopped on the way back neither, but was
		# not needed then.
		[ $step != stop ] || { failing "$step-command"; rm -f "$T/stop.$how"; continue; }
		failing "$step-command"
	done
done
echo "undone after every command"

# Ctrl-C, and a terminal that goes away.
touch "$T/verify.hangs"
rm -f "$T/verified"
"$MASTVAULT" secrets rotate -c "$T/prod.conf" --yes "$PRIMARY" >"$T/first.out" 2>&1 &
first=$!
until [ -s "$T/verified" ] && [ ! -e "$T/verify.hangs" ]; do sleep 0.05; done
kill -HUP $first
kill -INT $first
rc=0
wait $first || rc=$?
[ $rc = 130 ] || { cat "$T/first.out"; fail "exit code $rc instead of 130"; }
undone
rm -f "$T/verified"

# Two at once: the second refuses, on this host and on another.
touch "$T/verify.hangs"
secrets rotate --yes "$PRIMARY" >"$T/first.out" 2>&1 &
first=$!
until [ -s "$T/verified" ] && [ ! -e "$T/verify.hangs" ]; do sleep 0.05; done
expect 1 secrets rotate --yes "$PRIMARY"
says 'another rotation is running on this host'
expect 1 secrets rotate "$PRIMARY" </dev/null
says 'under way or was not finished' 'secrets recover'
sed "s|prod.state|other.state|" "$T/prod.conf" >"$T/other.conf"
chmod 600 "$T/other.conf"
expect 1 mastvault secrets rotate -c "$T/other.conf" --yes "$PRIMARY"
says 'maybe on another host'
for action in import 'rollback 1' render "set --generate SECRET_KEY_BASE"; do
	# shellcheck disable=SC2086
	expect 1 secrets ${action% *} ${action#"${action% *}"}
	says 'under way or was not finished'
done
expect 4 mastvault status -c "$T/prod.conf"
says 'a rotation of secrets is under way' 'secrets recover'
expect 4 secrets audit
grep -q '^rotation ' "$T/out" || fail "the audit does not know"
# A backup in the middle holds both generations, and says why.
expect 3 mastvault backup -c "$T/prod.conf" --json
says 'both generations are in this backup'
wait $first && fail "it was to hang and to be undone"
undone
