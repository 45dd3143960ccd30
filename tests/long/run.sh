#!/bin/bash
# run.sh [PART...] - what takes too long for every change; all of it when no
# part is named.
#
#   media      a file of 3 GB, in 30-awkward-media.sh
#   kill       30 backups and restores that are killed
#   check      a large repository, checked
#   defused    40 defused restores that are killed
#   faults     200 failing calls, end to end
#   cuts       100 power cuts
#   rotate-faults, rotate-kill   rotations with commands that hang; 50 killed
#   valgrind   the compiled tests under memcheck
#   threads    the compiled tests, a backup and a restore under ThreadSanitizer
#   fuzz       every target, FUZZ_SECONDS each (60; make fuzz gives ten minutes)
#   columns    encrypted columns beside the Ruby libraries of two Debians
#   deb        the package: made, installed, used and purged
#   bookworm   the README's commands on an empty Debian 12
#   trixie     the same on an empty Debian 13
#
#   B          the build tree, build/default unless said otherwise
#   LOGS       keep what each part said in this directory
#   V=1        show it as it comes
#
# A line for each part with its time and the last that it said; what a part
# that failed said at its end is shown below.  A part that cannot run on this
# machine is skipped, and says why.
set -u
cd "$(dirname "$0")/../.." || exit 1
export B=${B:-build/default}
export FUZZ_SECONDS=${FUZZ_SECONDS:-60}
PARTS=(media kill check defused faults cuts rotate-faults rotate-kill valgrind threads fuzz columns deb bookworm trixie)

part() {
	case $1 in
	media) exec env BIG=3221225472 tests/e2e/30-awkward-media.sh ;;
	kill) exec env KILLS=30 tests/e2e/50-kill.sh ;;
	check) exec env MV_LONG=1 "$B/tests/unit/repo/test_check" ;;
	defused) exec env KILLS=40 tests/e2e/87-defused.sh ;;
	faults) exec env FAULTS=200 tests/e2e/65-faults.sh ;;
	cuts) exec env CUTS=100 tests/e2e/66-power-cut.sh ;;
	rotate-faults) exec env HANGS='stop apply start verify' tests/e2e/92-rotate-faults.sh ;;
	rotate-kill) exec env KILLS=50 tests/e2e/93-rotate-kill.sh ;;
	valgrind) exec tests/long/valgrind.sh ;;
	threads) exec tests/long/threads.sh ;;
	fuzz) exec tests/fuzz/run.sh ;;
	columns) exec tests/long/ruby-columns.sh ;;
	deb) exec tests/long/deb.sh ;;
	bookworm | trixie) exec tests/long/bare-debian.sh "$1" demo check ;;
	*)
		sed -n '2,/^set/s/^# \{0,1\}//p' tests/long/run.sh | sed '/^set/d' >&2
		exit 2
		;;
	esac
}

# A part in a process of its own, which is the one to end when we have to.
if [ "${1:-}" = --part ]; then
	part "$2"
	exit
fi

[ $# -gt 0 ] || set -- "${PARTS[@]}"
for name; do
	[[ " ${PARTS[*]} " == *" $name "* ]] || part "$name"
done
logs=${LOGS:-$(mktemp -d "${TMPDIR:-/tmp}/mv-long.XXXXXX")} || exit 1
mkdir -p "$logs" || exit 1
child=
finish() {
	rc=$?
	trap '' INT TERM
	# A part cleans up after itself when it is asked to end.
	[ -z "$child" ] || {
		kill "$child" 2>/dev/null
		wait "$child"
	}
	[ -n "${LOGS:-}" ] || rm -rf -- "$logs"
	exit $rc
}
trap finish EXIT
trap 'exit 130' INT TERM

count=(0 0 0)
words=(ok FAILED skipped)
for name; do
	start=$SECONDS
	log=$logs/$name
	if [ -n "${V:-}" ]; then
		tests/long/run.sh --part "$name" > >(tee "$log") 2>&1 </dev/null &
	else
		tests/long/run.sh --part "$name" >"$log" 2>&1 </dev/null &
	fi
	child=$!
	rc=0
	wait "$child" || rc=$?
	child=
	how=1
	[ $rc != 0 ] || how=0
	[ $rc != 77 ] || how=2
	count[how]=$((count[how] + 1))
	printf '%-8s %5d s  %-9s %s\n' "${words[how]}" $((SECONDS - start)) "$name" \
		"$(grep -v '^ *$' "$log" | tail -n 1)"
	[ $how != 1 ] || {
		tail -n 60 "$log"
		echo "exit code $rc"
	} | sed 's/^/    | /'
done
line="${count[0]} passed, ${count[1]} failed"
[ "${count[2]}" = 0 ] || line="$line, ${count[2]} skipped"
echo "$line"
[ "${count[1]}" = 0 ] && [ "${count[0]}" -gt 0 ]
