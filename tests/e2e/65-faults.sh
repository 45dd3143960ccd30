#!/bin/bash
# Goal: whatever call of mastvault fails, a backup or restore either does all
# of its work or ends with a sentence and a code other than 0; the store stays
# clean, what was there is still there, and the next run succeeds.  Calls that
# are interrupted or cut short are not noticed at all.
#
#   FAULTS   how many calls to fail (40; 200 in tests/long)
#   SEED     which
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
FAULTS=${FAULTS:-40}
SEED=${SEED:-65}
RANDOM=$SEED
SHIM=${MASTVAULT%/*}/tests/e2e/preload_fault.so
OPS=(backup files database media)
KINDS=(memory read write sync name open meta remove net spawn)
# shellcheck disable=SC2119
start_postgres
make_site "$T/live" faulty 65 0.003 40 0.2
new_env clean "$T/live"
sed -e "s|clean\.store|store|" -e "s|clean\.state|state|" "$T/clean.conf" >"$T/run.conf"
chmod 600 "$T/run.conf"
backup clean
first=$(field "$T/out" 'd["snapshot"]')
cp -a "$T/live/public/system" "$T/first"
# A day later there is something of every kind to store.
tests/gen/media.py day "$T/live/public/system" --seed 65 --files 40
sql -d faulty -c 'UPDATE accounts SET note = note || $$, a day later$$'

again() {
	rm -rf "$T/store" "$T/state"
	cp -a "$T/clean.store" "$T/store"
	cp -a "$T/clean.state" "$T/state"
}

# run OP COMMAND... - the operation, with whatever stands before it.
run() {
	local op=$1
	shift
	case $op in
	backup) "$@" backup -c "$T/run.conf" --json ;;
	files) "$@" backup -c "$T/run.conf" --only media,secrets --json ;;
	media) "$@" restore -c "$T/run.conf" --kit "$T/clean.kit" --store "file://$T/store" "$first" \
		--media "$T/restored" --env-file "$T/restored.env" ;;
	database) "$@" restore --kit "$T/clean.kit" --store "file://$T/store" "$first" \
		--only db --database "$(conninfo restored)" ;;
	esac
}

# prepare OP - what it starts from.
prepare() {
	case $1 in
	backup | files) again ;;
	media) rm -rf "$T/restored" "$T/restored.env" ;;
	database) sql -d postgres -c 'DROP DATABASE IF EXISTS restored' ;;
	esac
}

# The rows and the definitions, without the dump's random words.
digest() {
	grep -v '^\\\(un\)\?restrict' | sha256sum
}

same_files() {
	tests/compare/media.py "$T/first" "$T/restored" --ignore cache --ignore backups
	cmp "$T/live/.env.production" "$T/restored.env"
}

# verify OP - that what it says it did is true.
verify() {
	case $1 in
	backup | files)
		rm -rf "$T/check"
		expect 0 mastvault restore --kit "$T/clean.kit" --store "file://$T/store" latest \
			--only media --media "$T/check"
		tests/compare/media.py "$T/live/public/system" "$T/check" --ignore cache \
			--ignore backups
		[ "$1" = files ] || {
			expect 0 mastvault cat --kit "$T/clean.kit" --store "file://$T/store" latest db
			[ "$(digest <"$T/out")" = "$today" ] || fail "the database was not backed up whole"
		}
		;;
	media) same_files ;;
	database)
		[ "$(pg_dump --restrict-key=x -d restored 2>/dev/null | digest)" = "$restored" ] ||
			[ "$(pg_dump -d restored | digest)" = "$restored" ] || fail "the database differs"
		;;
	esac
}

# What a run without faults does, and how many calls of each kind it makes.
declare -A calls
export MV_FAULT_COUNT=$T/count
again
for op in "${OPS[@]}"; do
	prepare "$op"
	expect 0 run "$op" env LD_PRELOAD="$SHIM" "$MASTVAULT"
	while read -r kind n; do
		calls[$op $kind]=$n
	done <"$T/count"
	case $op in
	backup)
		expect 0 mastvault cat --kit "$T/clean.kit" --store "file://$T/store" latest db
		today=$(digest <"$T/out")
		;;
	database) restored=$(pg_dump -d restored | digest) ;;
	esac
	verify "$op"
done

# Interrupted and short transfers: the same, and nothing is said.
for op in "${OPS[@]}"; do
	prepare "$op"
	expect 0 run "$op" env LD_PRELOAD="$SHIM" MV_FAULT="interrupt:$RANDOM" "$MASTVAULT"
	! grep -q 'warning' "$T/err" || fail "a warning: $(cat "$T/err")"
	verify "$op"
done

declare -A ended
with_fault=0
again
for i in $(seq "$FAULTS"); do
	# All pairs of operation and kind in turn, but the slow ones less often.
	op=${OPS[i % 3 == 0 ? (i / 3) % 2 * 2 : 1 + i % 3 % 2 * 2]}
	kind=${KINDS[RANDOM % ${#KINDS[@]}]}
	[ "${calls[$op $kind]}" -gt 0 ] || kind=memory
	n=$((1 + (RANDOM * 32768 + RANDOM) % ${calls[$op $kind]}))
	fault=$kind:$n
	[ $((RANDOM % 4)) -gt 0 ] || [ "$kind" = net ] || fault+=+
	prepare "$op"
	rc=0
	run "$op" env LD_PRELOAD="$SHIM" MV_FAULT="$fault" timeout -k 5 60 "$MASTVAULT" \
		>"$T/out" 2>"$T/err" || rc=$?
	met=$(sed -n 's/^met //p' "$T/count" 2>/dev/null || :)
	what="$op with $fault ($met), exit code $rc"
	[ -z "${V:-}" ] || echo "$what: $(head -c 300 "$T/err" | tr '\n' ' ')"
	[ "$met" = nothing ] || with_fault=$((with_fault + 1))
	ended[$rc]=$((${ended[$rc]:-0} + 1))
	case $rc in
	0) (verify "$op") || fail "$what, but it did not all it should" ;;
	1 | 2 | 3 | 5)
		grep -q '[a-z]' "$T/err" || fail "$what, and not a word"
		;;
	134)
		# Looking up a user without memory ends in the C library itself.
		grep -q 'nss_database.c.*Assertion' "$T/err" || fail "$what: $(cat "$T/err")"
		;;
	*)
		cat "$T/err"
		fail "$what"
		;;
	esac
	case $op in
	backup | files)
		expect 0 mastvault check -c "$T/run.conf" --read-data --json
		[ "$(field "$T/out" 'd["damaged"]')" = '[]' ] || fail "$what: damaged"
		expect 0 run files "$MASTVAULT"
		[ "$(find "$T/store" -path '*/.tmp/*' -type f | wc -l)" = 0 ] ||
			fail "$what: temporary files are left"
		[ $((i % 4)) -gt 0 ] || {
			prepare media
			expect 0 run media "$MASTVAULT"
			same_files
		}
		;;
	*)
		# Once more, over what the first left; a database that is
		# there is refused.
		case $op$rc in database[03]) prepare "$op" ;; esac
		expect 0 run "$op" "$MASTVAULT"
		verify "$op"
		;;
	esac
done
for rc in "${!ended[@]}"; do
	echo "${ended[$rc]} of $FAULTS ended with $rc"
done
echo "$with_fault met their fault"
[ $with_fault -ge $((FAULTS * 3 / 4)) ] || fail "too few of them met their fault"
# All that was restored on the way came out of the store as it is now.
expect 0 mastvault check -c "$T/run.conf" --kit "$T/clean.kit" --read-data 2>/dev/null ||
	expect 0 mastvault check -c "$T/run.conf" --read-data
