# shellcheck shell=bash
# lib.sh - for the end-to-end scripts: a scratch directory, $T, and mastvault.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/lib.sh
. tests/lib.sh
[ -x "$MASTVAULT" ] || fail "'$MASTVAULT' is not built"
scratch mv-e2e

mastvault() {
	"$MASTVAULT" "$@"
}

# expect CODE COMMAND... - output to $T/out and $T/err, both shown if the exit
# code is another.
expect() {
	local want=$1 got=0
	shift
	"$@" >"$T/out" 2>"$T/err" || got=$?
	case " ${want//|/ } " in
	*" $got "*) return 0 ;;
	esac
	printf -- '--- stdout\n'
	tail -n 20 "$T/out"
	printf -- '--- stderr\n'
	tail -n 20 "$T/err"
	fail "exit code $got instead of $want: $*"
}

# says WORD... - the last expect wrote each of these to stderr.
says() {
	local word
	for word; do
		grep -qF -e "$word" "$T/err" || {
			cat "$T/err"
			fail "the message lacks '$word'"
		}
	done
}

# new_env NAME DIR [init option]... - makes $T/NAME.conf and $T/NAME.kit.
new_env() {
	local name=$1 dir=$2
	shift 2
	expect 0 mastvault init -c "$T/$name.conf" -e "$name" --mastodon "$dir" \
		--store "file://$T/$name.store" --key-dir "$T/$name.keys" \
		--state-dir "$T/$name.state" --kit "$T/$name.kit" --no-passphrase "$@"
}

# backup NAME [option]... - its JSON is in $T/out.
backup() {
	local name=$1
	shift
	expect 0 mastvault backup -c "$T/$name.conf" --json "$@"
}

# restore_db NAME SNAP DATABASE [option]...
restore_db() {
	local name=$1 snap=$2 db=$3
	shift 3
	expect 0 mastvault restore --kit "$T/$name.kit" "$snap" --only db \
		--database "$(conninfo "$db")" "$@"
}

# Files only: what has no database to back up needs no server.
media_site() {
	mkdir -p "$1/public/system"
	(umask 077 && tests/gen/envfile.py --seed 7 "DB_HOST=$T/nowhere" >"$1/.env.production")
}
