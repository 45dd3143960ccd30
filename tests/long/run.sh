#!/bin/bash
# run.sh - what takes too long for every change: more kills, fuzzing, the
# package, and the README on empty systems.
#
#   FUZZ_SECONDS   per target (60)
set -u
cd "$(dirname "$0")/../.." || exit 1
export B=${B:-build/default}
passed=0
failed=0
skipped=0

run() {
	local rc=0 start=$SECONDS
	echo "=== $*"
	"$@" || rc=$?
	case $rc in
	0) passed=$((passed + 1)) ;;
	77) skipped=$((skipped + 1)) ;;
	*) failed=$((failed + 1)) ;;
	esac
	echo "=== exit code $rc after $((SECONDS - start)) s"
}

run env BIG=3221225472 tests/e2e/30-awkward-media.sh
run env KILLS=30 tests/e2e/50-kill.sh
run env MV_LONG=1 "$B/tests/unit/repo/test_check"
run env KILLS=40 tests/e2e/87-defused.sh
run env FAULTS=200 tests/e2e/65-faults.sh
run env HANGS='stop apply start verify' tests/e2e/92-rotate-faults.sh
run env KILLS=50 tests/e2e/93-rotate-kill.sh
run env CUTS=100 tests/e2e/66-power-cut.sh
for target in tests/fuzz/fuzz_*.c; do
	run tests/fuzz/run.sh "$target"
done
run tests/long/deb.sh
run tests/long/bare-debian.sh bookworm demo check
run tests/long/bare-debian.sh trixie demo check
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
