#!/bin/bash
# Goal: a rotation that is killed at any moment leaves a journal from which
# 'secrets recover', or the next rotation, brings database, env-file, vault and
# whoever got the values to one generation.
#
#   KILLS   how many moments (3; 50 in tests/long)
#   SEED    which
# shellcheck source=tests/e2e/rotate_lib.sh
. "$(dirname "$0")/rotate_lib.sh"
KILLS=${KILLS:-3}
SEED=${SEED:-93}
RANDOM=$SEED
SHIM=${MASTVAULT%/*}/tests/e2e/preload_fault.so
KINDS=(write sync name net spawn remove)
NAMES=("$PRIMARY" SECRET_KEY_BASE VAPID_PUBLIC_KEY)
# shellcheck disable=SC2119
start_postgres
new_site

# step - what the journal says of the rotation that was killed.
step() {
	/usr/bin/python3 - "$T/prod.state/rotation.journal" <<-'END'
		import json, os, struct, sys
		if not os.path.exists(sys.argv[1]):
		    print("none")
		    sys.exit()
		raw = open(sys.argv[1], "rb").read()
		best = None
		for half in raw[:16384], raw[16384:]:
		    magic, seq, n = struct.unpack_from("<8sQI", half)
		    if magic == b"mvjrnl1\n" and (best is None or seq > best[0]):
		        best = seq, json.loads(half[52:52 + n])
		print(("undo-" if best[1]["undo"] else "") + best[1]["step"])
	END
}

# killed KIND N - a rotation that kills itself before the N-th such call.
killed() {
	expect '0|1|137' env LD_PRELOAD="$SHIM" MV_FAULT="$1:$2:-9" \
		"$MASTVAULT" secrets rotate -c "$T/prod.conf" --yes "${NAMES[@]}"
}

expect 0 env LD_PRELOAD="$SHIM" MV_FAULT_COUNT="$T/count" \
	"$MASTVAULT" secrets rotate -c "$T/prod.conf" --yes "${NAMES[@]}"
agree "${NAMES[@]}"
running
for n in $(seq "$KILLS"); do
	kind=${KINDS[RANDOM % ${#KINDS[@]}]}
	calls=$(sed -n "s/^$kind //p" "$T/count")
	at=$((1 + (RANDOM * 32768 + RANDOM) % calls))
	# Every third fails first, so that the way back is what is killed.
	[ $((n % 3)) != 0 ] || touch "$T/verify.fails"
	killed "$kind" $at
	where=$(step)
	echo "$where" >>"$T/where"
	rm -f "$T/verify.fails"
	old=$(value SECRET_KEY_BASE)
	if [ $((n % 2)) = 0 ]; then
		expect 0 secrets recover --json
		echo "$kind $at of $calls: killed at $where, $(field "$T/out" 'd["outcome"]')"
	else
		expect 0 secrets rotate --yes --json "${NAMES[@]}"
		echo "$kind $at of $calls: killed at $where, rotated again"
		[ "$(value SECRET_KEY_BASE)" != "$old" ] || fail "nothing was rotated"
	fi
	agree "${NAMES[@]}"
	running
done
sort "$T/where" | uniq -c
steps=$(sort -u "$T/where" | wc -l)
[ "$KILLS" -lt 50 ] || [ "$steps" -ge 8 ] || fail "only $steps steps were hit"
