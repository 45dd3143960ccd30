#!/bin/sh
# run.sh [TARGET...] - coverage-guided fuzzing of each decoder with clang.
#
#   FUZZ_SECONDS  per target (60)
#
# Starts from the corpus in the tree; what is found new stays in build/fuzz,
# and an input that fails is copied to tests/fuzz/corpus, where `make check`
# replays it from then on.
set -eu
cd "$(dirname "$0")/../.."
seconds=${FUZZ_SECONDS:-60}
out=build/fuzz
command -v clang >/dev/null || {
	echo "fuzzing needs clang: apt-get install --no-install-recommends clang" >&2
	exit 1
}
san=address,undefined
tree=build/fuzzer
libs="$tree/libcmd.a $tree/libbackends.a $tree/libmastvault.a"

# build FILE... - instrumented, in a tree of its own.
build() {
	make --no-print-directory -j2 CC=clang B="$tree" \
		CFLAGS="-O1 -g -U_FORTIFY_SOURCE -fsanitize=fuzzer-no-link,$san -fno-sanitize-recover=undefined" \
		"$@"
}

# shellcheck disable=SC2086
build $libs
[ $# -gt 0 ] || set -- tests/fuzz/fuzz_*.c
failed=0
for target; do
	name=$(basename "$target" .c)
	what=${name#fuzz_}
	[ -e "tests/fuzz/fuzz_$what.c" ] || {
		echo "no target '$what' in tests/fuzz" >&2
		exit 2
	}
	mkdir -p "$out/$what" "$tree/tests/fuzz"
	build "$tree/obj/tests/fuzz/fuzz_$what.o"
	# shellcheck disable=SC2046,SC2086
	clang -fsanitize=fuzzer,$san -pthread -o "$tree/tests/fuzz/fuzz_$what" \
		"$tree/obj/tests/fuzz/fuzz_$what.o" $libs \
		$(pkg-config --libs $(sed -n 's/^PKGS *:= *//p' Makefile))
	echo "fuzz: $what for $seconds s"
	if ! "$tree/tests/fuzz/fuzz_$what" -max_total_time="$seconds" -timeout=10 \
		-rss_limit_mb=1024 -print_final_stats=0 -verbosity=0 \
		-artifact_prefix="$out/$what-" "$out/$what" "tests/fuzz/corpus/$what"; then
		failed=$((failed + 1))
		for f in "$out/$what"-*; do
			[ -f "$f" ] || continue
			kept=tests/fuzz/corpus/$what/${f##*/"$what"-}
			mv "$f" "$kept"
			echo "kept as $kept" >&2
		done
	fi
done
[ $failed = 0 ] || {
	echo "$failed targets failed" >&2
	exit 1
}
