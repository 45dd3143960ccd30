#!/bin/bash
# run.sh [TARGET...] - coverage-guided fuzzing of each decoder with clang.
# run.sh --record    - add to HOURS.md what ran since it was last asked to
#
#   FUZZ_SECONDS  per target (600)
#   FUZZ_JOBS     how many targets at a time (2)
#
# Starts from the corpus in the tree; what is found new stays in build/fuzz,
# and an input that fails is copied to tests/fuzz/corpus, where `make check`
# replays it from then on.  What each run took is noted in build/fuzz/spent;
# the tree itself changes by --record alone.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${FUZZ_SECONDS:-600}
jobs=${FUZZ_JOBS:-2}
out=build/fuzz
hours=tests/fuzz/HOURS.md
san=address,undefined
tree=build/fuzzer
libs="$tree/libcmd.a $tree/libbackends.a $tree/libmastvault.a"

# build FILE... - instrumented, in a tree of its own.
build() {
	make --no-print-directory -j2 CC=clang B="$tree" \
		CFLAGS="-O1 -g -U_FORTIFY_SOURCE -fsanitize=fuzzer-no-link,$san -fno-sanitize-recover=undefined" \
		"$@"
}

link() {
	# shellcheck disable=SC2046,SC2086
	clang -fsanitize=fuzzer,$san -pthread -o "$tree/tests/fuzz/fuzz_$1" \
		"$tree/obj/tests/fuzz/fuzz_$1.o" $libs \
		$(pkg-config --libs $(sed -n 's/^PKGS *:= *//p' Makefile))
}

# note WHAT TIMES LOG - a line "WHAT CPU-SECONDS INPUTS" in spent.
note() {
	awk -v what="$1" '
	FILENAME == ARGV[1] { cpu = $1 + $2; next }
	/^stat::number_of_executed_units:/ { n = $2 }
	END { printf "%s %.1f %d\n", what, cpu, n }' "$2" "$3" >>"$out/spent"
}

# one WHAT - fuzz it; what it said is printed at the end, in one piece.
one() {
	local what=$1 rc=0 log=$out/$1.log tmp f kept TIMEFORMAT='%U %S'
	# Some decoders read files of their own: in memory, where there is any.
	tmp=$(mktemp -d /dev/shm/mv-fuzz.XXXXXX 2>/dev/null || mktemp -d)
	{ time TMPDIR=$tmp "$tree/tests/fuzz/fuzz_$what" -max_total_time="$seconds" \
		-timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -verbosity=0 \
		-artifact_prefix="$out/$what-" "$out/$what" \
		"tests/fuzz/corpus/$what" >"$log" 2>&1; } 2>"$out/$what.times" || rc=$?
	rm -rf -- "$tmp"
	note "$what" "$out/$what.times" "$log"
	echo "fuzz: $(tail -n 1 "$out/spent")"
	[ $rc != 0 ] || return 0
	grep -v '^stat::' "$log" | sed 's/^/    | /'
	for f in "$out/$what"-*; do
		[ -f "$f" ] || continue
		kept=tests/fuzz/corpus/$what/${f##*/"$what"-}
		mv "$f" "$kept"
		echo "fuzz: kept as $kept"
	done
	return 1
}

# The table and what is in spent, added up; then spent begins anew.
record() {
	[ -s "$out/spent" ] || {
		echo "nothing was fuzzed since the last time" >&2
		exit 1
	}
	{
		sed '/^| [a-z_]* | [0-9.]* | [0-9]* |$/d' "$hours"
		{
			sed -n 's/^| \([a-z][a-z_]*\) | \([0-9.]*\) | \([0-9]*\) |$/\1 \2 \3/p' "$hours"
			awk '{ printf "%s %.6f %d\n", $1, $2 / 3600, $3 }' "$out/spent"
		} | awk '
			{ cpu[$1] += $2; n[$1] += $3 }
			END {
				for (what in cpu)
					printf "| %s | %.3f | %d |\n", what, cpu[what], n[what]
			}' | sort
	} >"$out/hours"
	mv "$out/hours" "$hours"
	rm "$out/spent"
}

case ${1:-} in
--one)
	one "$2"
	exit
	;;
--record)
	record
	exit
	;;
esac
command -v clang >/dev/null || {
	echo "fuzzing needs clang: apt-get install --no-install-recommends clang" >&2
	exit 1
}
[ $# -gt 0 ] || set -- tests/fuzz/fuzz_*.c
targets=()
for target; do
	name=$(basename "$target" .c)
	what=${name#fuzz_}
	[ -e "tests/fuzz/fuzz_$what.c" ] || {
		echo "no target '$what' in tests/fuzz" >&2
		exit 2
	}
	targets+=("$what")
	mkdir -p "$out/$what" "$tree/tests/fuzz"
done
objects=()
for what in "${targets[@]}"; do
	objects+=("$tree/obj/tests/fuzz/fuzz_$what.o")
done
# shellcheck disable=SC2086
build $libs "${objects[@]}"
for what in "${targets[@]}"; do
	link "$what"
done
echo "fuzz: ${#targets[@]} targets for $seconds s each, $jobs at a time; each with CPU seconds and inputs:"
printf '%s\0' "${targets[@]}" | xargs -0 -n 1 -P "$jobs" tests/fuzz/run.sh --one || {
	echo "fuzz: a target failed" >&2
	exit 1
}
