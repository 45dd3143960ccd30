#!/bin/bash
# threads.sh - the compiled tests, a backup and a restore under ThreadSanitizer.
#
#   JOBS   how many at once (2)
#
# Builds with clang in a tree of its own.  Everything that has threads in it is
# run: the unit and contract suites, and of the end-to-end scripts one with two
# stores and one with a database, each with several workers.
set -u
cd "$(dirname "$0")/../.." || exit 1
command -v clang >/dev/null || {
	echo "needs clang"
	exit 77
}
# ThreadSanitizer finds its shadow only where addresses are not randomised too
# far, which newer kernels do.
[ -n "${MV_FIXED_ADDRESSES:-}" ] || MV_FIXED_ADDRESSES=1 exec setarch -R "$0" "$@"
make --no-print-directory -s -j2 CC=clang SAN=thread tests || exit 1
export B=build/thread-clang
export TSAN_OPTIONS="halt_on_error=1 exitcode=66 second_deadlock_stack=1 suppressions=$PWD/tests/long/threads.supp"
export LIMIT=${LIMIT:-3000}
rc=0
tests/run.sh unit contract || rc=1
for script in 10-round-trip 85-two-stores; do
	ONLY=$script tests/run.sh e2e || rc=1
done
exit $rc
