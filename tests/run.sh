#!/bin/bash
# run.sh [KIND...] - run what `make tests` built, and count.
#
#   KIND   unit vectors contract fuzz e2e; all of them when none is named
#   B      the build tree, build/default unless said otherwise
#   JOBS   how many at once (2); a test must not depend on another
#   ONLY   a word that the name of a suite must contain
#   UNDER  what to run compiled tests under, as "valgrind -q"
#   V=1    name every suite with its time, not only slow and failing ones
#
# A compiled suite counts each of its cmocka tests, a fuzz target (its corpus
# is replayed) and an end-to-end script count one each.  A script that exits
# with 77 was skipped; its last line says why.  The last line printed is
# "N passed, N failed", with ", N skipped" when something was.
set -u
cd "$(dirname "$0")/.." || exit 1
export B=${B:-build/default}
export LC_ALL=C.UTF-8
LIMIT=${LIMIT:-900}
SLOW=5
SHOWN=60

# "passed failed skipped" from what cmocka wrote on stderr.  A name is listed
# again below "N test(s) run", where it must not count twice.
count_cmocka() {
	awk '
	/^\[==========\].*Running/ { on = 1 }
	/^\[==========\].* run\.$/ { on = 0 }
	on && /^\[ +OK \]/ { ok++ }
	on && /^\[ +(FAILED|ERROR) +\]/ && !/ --- / { bad++ }
	on && /^\[ +SKIPPED +\]/ { skip++ }
	END { print ok + 0, bad + 0, skip + 0 }' "$1"
}

# What says why a suite failed, wherever in its log that is: assertions of
# cmocka and of scripts, and the beginning of what a sanitizer found; then the
# end of the log.  A report of leaks would hide an assertion otherwise.
show_log() {
	[ "$(wc -l <"$1")" -gt "$SHOWN" ] || {
		cat "$1"
		return
	}
	awk -v max="$SHOWN" '
	function want(from, to) { for (; from <= to; from++) wanted[from] = 1 }
	{ line[NR] = $0 }
	/^\[ +(ERROR|LINE|FAILED) +\]/ || /error: Failure!/ || /^failed: / { want(NR - 2, NR + 2) }
	/(ERROR|WARNING): [A-Za-z]+Sanitizer|runtime error: / { want(NR, NR + 8) }
	/^SUMMARY: / { want(NR, NR) }
	END {
		for (i = 1; i <= NR && n < max; i++) {
			if (!(i in wanted))
				continue
			if (n++ > 0 && i != last + 1)
				print "..."
			print line[i]
			last = i
		}
	}' "$1"
	echo "... and the last lines of it:"
	tail -n "$SHOWN" "$1"
}

# run_one KIND NAME COMMAND... - run it; counts and time go to $LOGS.
run_one() {
	local kind=$1 name=$2 log start took rc ok=0 bad=0 skip=0 word=ok under=
	shift 2
	log=$LOGS/${name//\//_}
	[ "$kind" = e2e ] || under=${UNDER:-}
	start=${EPOCHREALTIME/./}
	{
		# shellcheck disable=SC2086
		CMOCKA_MESSAGE_OUTPUT=stdout timeout -k 10 "$LIMIT" $under "$@"
		rc=$?
	} >"$log.log" 2>&1 </dev/null
	took=$(((${EPOCHREALTIME/./} - start) / 1000))
	case $kind in
	unit | vectors | contract)
		read -r ok bad skip < <(count_cmocka "$log.log")
		# It crashed, or ran nothing: that is a failure with no name.
		[ $rc = 0 ] || [ "$bad" -gt 0 ] || bad=1
		[ $((ok + bad + skip)) -gt 0 ] || bad=1
		;;
	*)
		case $rc in
		0) ok=1 ;;
		77) skip=1 ;;
		*) bad=1 ;;
		esac
		;;
	esac
	echo "$ok $bad $skip" >"$log.count"
	[ "$skip" = 0 ] || word=skipped
	[ "$bad" = 0 ] || word=FAILED
	{
		if [ $word != ok ] || [ -n "${V:-}" ] || [ $took -ge $((SLOW * 1000)) ]; then
			printf '%-8s %4d.%03d s  %s\n' $word $((took / 1000)) \
				$((took % 1000)) "$name"
		fi
		[ $rc != 77 ] || tail -n 1 "$log.log" | sed 's/^/                    /'
		[ "$kind" = e2e ] || awk '
			/^\[==========\].* run\.$/ { exit }
			sub(/^\[ +SKIPPED +\]/, "") { print "                   " $0 }' "$log.log"
		[ $word != FAILED ] || {
			show_log "$log.log"
			[ $rc != 124 ] || echo "stopped after $LIMIT s"
			echo "exit code $rc"
		} | sed 's/^/    | /'
	} >"$log.said"
	# At once, so that two suites do not mix their lines.
	cat "$log.said"
}

# Lines of "kind TAB name TAB command [TAB argument]".
list() {
	local src name
	for src in tests/unit/*/test_*.c tests/vectors/test_*.c tests/contract/test_*.c; do
		[ -e "$src" ] || continue
		name=${src%.c}
		name=${name#tests/}
		printf '%s\t%s\t%s\n' "${name%%/*}" "$name" "$B/tests/$name"
	done
	for src in tests/fuzz/fuzz_*.c; do
		[ -e "$src" ] || continue
		name=$(basename "$src" .c)
		printf 'fuzz\tfuzz/%s\t%s\t%s\n' "${name#fuzz_}" \
			"$B/tests/fuzz/$name" "tests/fuzz/corpus/${name#fuzz_}"
	done
	for src in tests/e2e/[0-9]*.sh; do
		[ -e "$src" ] || continue
		printf 'e2e\te2e/%s\t%s\n' "$(basename "$src" .sh)" "$src"
	done
}

if [ "${1:-}" = --one ]; then
	IFS=$'\t' read -r -a job <<<"$2"
	run_one "${job[@]}"
	exit 0
fi

kinds=" $* "
[ $# -gt 0 ] || kinds=" unit vectors contract fuzz e2e "
LOGS=$(mktemp -d "${TMPDIR:-/tmp}/mv-run.XXXXXX") || exit 1
export LOGS
trap 'rm -rf "$LOGS"' EXIT
trap 'exit 130' INT TERM
while IFS=$'\t' read -r kind name rest; do
	case $kinds in *" $kind "*) ;; *) continue ;; esac
	case $name in *"${ONLY:-}"*) printf '%s\t%s\t%s\0' "$kind" "$name" "$rest" ;; esac
done < <(list) >"$LOGS/jobs"
xargs -0 -r -n 1 -P "${JOBS:-2}" "$0" --one <"$LOGS/jobs"

total=(0 0 0)
for f in "$LOGS"/*.count; do
	[ -e "$f" ] || continue
	read -r ok bad skip <"$f"
	total=($((total[0] + ok)) $((total[1] + bad)) $((total[2] + skip)))
done
asked=$(tr -cd '\0' <"$LOGS/jobs" | wc -c)
answered=$(find "$LOGS" -name '*.count' | wc -l)
# A suite that left no count was lost: never report less than was asked for.
total[1]=$((total[1] + asked - answered))
line="${total[0]} passed, ${total[1]} failed"
[ "${total[2]}" = 0 ] || line="$line, ${total[2]} skipped"
echo "$line"
[ "${total[1]}" = 0 ] && [ "${total[0]}" -gt 0 ]
