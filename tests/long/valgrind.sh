#!/bin/bash
# valgrind.sh - the compiled tests and the corpora of the fuzz targets under
# memcheck: no invalid access, no use of what was never set, nothing leaked.
#
#   B      the build tree, build/default unless said otherwise
#   ONLY   a word that the name of a suite must contain
#   JOBS   how many at once (2)
set -u
cd "$(dirname "$0")/../.." || exit 1
command -v valgrind >/dev/null || {
	echo "needs valgrind"
	exit 77
}
export B=${B:-build/default}
case $B in
*address* | *thread*)
	echo "sanitizers and valgrind do not go together: '$B'"
	exit 77
	;;
esac
# Children become other programs, which are not ours to look at.
export UNDER="valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,possible
	--errors-for-leak-kinds=definite,possible --num-callers=24 --trace-children=no
	--suppressions=tests/long/valgrind.supp"
export LIMIT=${LIMIT:-7200}
exec tests/run.sh unit vectors contract fuzz
