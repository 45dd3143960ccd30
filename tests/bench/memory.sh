# shellcheck shell=bash
# memory.sh - the peak of our own processes' memory, at two sizes; part of
# aims.sh.  Files are small and rows narrow, for their number is what counts:
# at ten times the size 160,000 files in 930,000 directories, and 36 million
# rows, most of them in a table whose chunks are the smallest.

MEMORY_MIB=150

# rows FACTOR - the database mastodon_bench.
rows() {
	sql -d postgres -c 'DROP DATABASE IF EXISTS mastodon_bench' \
		-c 'CREATE DATABASE mastodon_bench' 2>/dev/null
	sql -d mastodon_bench -c "CREATE TABLE statuses AS SELECT n AS id,
		md5(n::text) || md5((n * 7)::text) AS text
		FROM generate_series(1, $((1600000 * $1))) n" \
		-c "CREATE TABLE account_stats AS SELECT n AS id, n * 31 AS account_id,
		n % 90000 AS statuses_count, now() - n * interval '1 s' AS updated_at
		FROM generate_series(1, $((2000000 * $1))) n" -c ANALYZE
}

# peak SIZE WHAT COMMAND... - prints a line, and notes when it is too much.
peak() {
	local size=$1 what=$2 kib
	shift 2
	tests/bench/peak.py "$T/peak" "$MASTVAULT" "$@" >"$T/log" 2>&1 || {
		cat "$T/log"
		fail "could not $what"
	}
	kib=$(cat "$T/peak")
	printf '%-6s %-22s %6d MiB\n' "$size" "$what" $((kib / 1024))
	[ "$kib" -le $((MEMORY_MIB * 1024)) ] || missed="$missed, $size $what"
}

# memory_at FACTOR
memory_at() {
	local conf=(-q -c "$T/mastvault.conf") kit=(-q --kit "$T/kit" latest)
	rm -rf "$T/live"
	mkdir -p "$(media)"
	tests/gen/media.py wide "$(media)" --seed "$SEED" --files $((FILES * $1)) \
		--size-scale 0.05
	(umask 077 && tests/gen/envfile.py --seed "$SEED" "DB_HOST=$PGHOST" \
		"DB_PORT=$PGPORT" DB_USER=postgres DB_NAME=mastodon_bench >"$T/live/.env.production")
	empty
	mastvault_init >/dev/null
	peak "$1x" 'media, first' backup "${conf[@]}" --only media
	peak "$1x" 'media, unchanged' backup "${conf[@]}" --only media
	peak "$1x" 'media, restore' restore "${kit[@]}" --media "$T/new/media"
	rm -rf "$T/new" "$T/live/public"
	rows "$1"
	empty
	mastvault_init >/dev/null
	peak "$1x" 'database, first' backup "${conf[@]}" --only db
	peak "$1x" 'database, unchanged' backup "${conf[@]}" --only db
	peak "$1x" 'database, restore' restore "${kit[@]}" \
		--database "$(conninfo restored)"
	sql -d postgres -c 'DROP DATABASE restored' -c 'DROP DATABASE mastodon_bench'
}

memory() {
	missed=
	rm -f "$T/made"
	memory_at 1
	memory_at 10
	empty
	[ -z "$missed" ] || fail "more than $MEMORY_MIB MiB: ${missed#, }"
}
