#!/bin/bash
# Goal: on an empty machine the recovery kit brings a Mastodon back that runs;
# what stands in the way is told before anything is restored, or by name.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2119
start_postgres
make_site "$T/live" source 88 0.003 40 0.1
new_env a "$T/live"
backup a
kit=$T/a.kit
new=$T/new/live

there() {
	sql -d postgres -c "SELECT count(*) FROM pg_database WHERE datname = '$1'"
}

# Mastodon's directory is not there yet: nothing is touched, and the same
# command does it all once it is.
all=(mastvault restore --kit "$kit" latest --database "$(conninfo target)"
	--media "$new/public/system" --env-file "$new/.env.production")
expect 1 "${all[@]}"
says 'nothing was restored' "'$new/public/system'"
mkdir -p "$new/public"
# A directory of Mastodon's account, where somebody can have one.
[ "$(id -u)" != 0 ] || chown 65534:65534 "$new"
expect 1 mastvault restore --kit "$kit" latest --only db,secrets --database "$(conninfo target)" \
	--env-file "$new/typo/env"
says 'nothing was restored' "'$new/typo/env'"
[ "$(there target)" = 0 ] || fail "the database was restored first"
expect 0 "${all[@]}"
cmp "$T/live/.env.production" "$new/.env.production" || fail "secrets differ"
[ "$(stat -c %u:%g:%a "$new/.env.production")" = "$(stat -c %u:%g "$new"):600" ] ||
	fail "the env-file is $(stat -c %U:%a "$new/.env.production")'s"

# Interrupted behind the database, a second run is told how to go on.
rm -r "$new/public/system"
expect 1 "${all[@]}"
says 'not empty' 'leave --database out'
expect 0 mastvault restore --kit "$kit" latest --media "$new/public/system" --env-file "$new/.env.production"

# A server that has never heard of Mastodon's role: its tables are not left to
# somebody else in silence.
dropdb source
dropdb target
sql -d postgres -c 'DROP ROLE mastodon'
expect 3 mastvault restore -q --kit "$kit" latest --database "$(conninfo orphan)"
says 'belongs to the role that restored it' "not to 'mastodon'" --create-roles --no-owner
expect 0 mastvault restore -q --kit "$kit" latest --no-owner --database "$(conninfo meant)"
[ ! -s "$T/err" ] || fail "-q complains: $(cat "$T/err")"

# As the kit has it: the role is made, and what it still lacks is said.
grep -q -- '--create-roles' "$kit" || fail "the kit does not say --create-roles"
expect 0 mastvault restore --kit "$kit" latest --create-roles --database "$(conninfo target)"
grep -q "role 'mastodon' was made and cannot log in" "$T/out" || fail "not said: $(cat "$T/out")"
sql -d postgres -c 'ALTER ROLE mastodon LOGIN'
psql -XqAt -U mastodon -d target -c 'SELECT count(*) FROM users' >"$T/out" || fail "Mastodon cannot read"
