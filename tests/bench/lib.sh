# shellcheck shell=bash
# lib.sh - what the benchmarks share.  Source it from the top of the tree,
# after choosing T.  The database under backup is mastodon_bench, its Mastodon
# is in $T/live; mastodon_other and $T/other are the same one day later.

# shellcheck source=tests/lib.sh
. tests/lib.sh
[ -x "$MASTVAULT" ] || fail "'$MASTVAULT' is not built; run make"
export RESTIC_PASSWORD=bench BORG_PASSPHRASE=bench BORG_RELOCATED_REPO_ACCESS_IS_OK=yes

# bench_in DIR - where everything lies from now on.
bench_in() {
	T=$1
	export RESTIC_CACHE_DIR=$T/restic-cache BORG_BASE_DIR=$T/borg-base
}

media() {
	echo "$T/live/public/system"
}

dump() {
	pg_dump -Fc -Z0 -d "$(conninfo mastodon_bench)"
}

mastvault_init() {
	rm -f "$T/mastvault.conf"
	"$MASTVAULT" init -q -c "$T/mastvault.conf" -e bench --mastodon "$T/live" \
		--store "file://$T/repo" --key-dir "$T/keys" --state-dir "$T/state" \
		--kit "$T/kit" --no-passphrase
}

# mastvault_backup [OPTION...], mastvault_restore TARGET...
mastvault_backup() {
	"$MASTVAULT" backup -q -c "$T/mastvault.conf" "$@"
}
mastvault_restore() {
	"$MASTVAULT" restore -q --kit "$T/kit" latest "$@"
}

restic_init() {
	restic -q -r "$T/repo" init
}
restic_backup_db() {
	dump | restic -q -r "$T/repo" backup --stdin --stdin-filename db --tag db
}

# Sets $recipient, for age.
age_key() {
	[ -e "$T/age.key" ] || age-keygen -o "$T/age.key" 2>/dev/null
	recipient=$(age-keygen -y "$T/age.key")
}

# zstd_age - the end of a plain pipe.
zstd_age() {
	zstd -q -3 -T2 | age -r "$recipient"
}

# empty - no repository, nothing restored, no keys of the last round.
empty() {
	rm -rf "$T/repo" "$T/age.key" "$T/keys" "$T/state" "$T/kit" "$T/new" \
		"$RESTIC_CACHE_DIR" "$BORG_BASE_DIR"
	mkdir "$T/new"
}

empty_database() {
	sql -d postgres -c 'DROP DATABASE IF EXISTS restored' \
		-c 'CREATE DATABASE restored' 2>/dev/null
}

# same_statuses WHO - as many in the restored database as in the other.
same_statuses() {
	[ "$(sql -d restored -c 'SELECT count(*) FROM statuses')" = \
		"$(sql -d mastodon_bench -c 'SELECT count(*) FROM statuses')" ] ||
		fail "$1 did not restore the database"
}

# swap_database - today's for tomorrow's, or back.
swap_database() {
	sql -d postgres -c 'ALTER DATABASE mastodon_bench RENAME TO x' \
		-c 'ALTER DATABASE mastodon_other RENAME TO mastodon_bench' \
		-c 'ALTER DATABASE x RENAME TO mastodon_other'
}

# make_tomorrow_database SEED SCALE
make_tomorrow_database() {
	createdb -T mastodon_bench mastodon_other
	PGDATABASE=mastodon_other PGUSER=mastodon tests/gen/database.py day \
		--seed "$1" --scale "$2"
	sql -d mastodon_bench -c VACUUM
	sql -d mastodon_other -c VACUUM
}

# stored - bytes in the repository, 0 where there is none.
stored() {
	[ ! -e "$T/repo" ] || du -sb "$T/repo" | cut -f1
}

# measure ROUND TOOL STEP COMMAND... - microseconds until what it wrote is on
# the disk, and how many bytes the repository grew, into $T/figures.
measure() {
	local round=$1 tool=$2 step=$3 before after from us
	shift 3
	before=$(stored)
	sync -f "$T"
	from=${EPOCHREALTIME/./}
	"$@" >"$T/log" 2>&1 || {
		cat "$T/log"
		fail "$tool could not $step"
	}
	sync -f "$T"
	us=$((${EPOCHREALTIME/./} - from))
	after=$(stored)
	echo "$round $tool $step $us $((${after:-0} - ${before:-0}))" >>"$T/figures"
}

# versions - of the tools that are there.
versions() {
	[ ! -x "$(command -v restic)" ] || restic version
	[ ! -x "$(command -v borg)" ] || borg --version
	[ ! -x "$(command -v age)" ] || age --version
}
