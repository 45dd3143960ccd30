#!/bin/bash
# ruby-columns.sh - encrypted columns, by the Ruby libraries that Mastodon uses.
#
#   ROWS   of each format (200)
#   DIR    where the two Debians are made, and kept for the next time; else
#          they are in a new directory in /var/tmp and gone afterwards
#   B      the build tree, build/default unless said otherwise
#
# Rows are written by devise-two-factor and attr_encrypted of Debian 12 and by
# ActiveRecord::Encryption of Debian 13, encrypted anew by tool_column, read
# back by those libraries under the new secrets, and refused under the old
# ones; then the same backwards.  And once more in a PostgreSQL, where they
# write their rows into tables themselves, tool_convert converts all of them at
# once, and they read what is there then.  Secrets go through pipes and files of a
# private directory, never through arguments.  Needs root, debootstrap and the
# mirror that this machine's apt uses.
set -euo pipefail
cd "$(dirname "$0")/../.."
ROWS=${ROWS:-200}
tool=${B:-build/default}/tests/e2e/tool_column
rows_tool=${B:-build/default}/tests/e2e/tool_convert

fail() {
	echo "failed: $*" >&2
	exit 1
}

[ "$(id -u)" = 0 ] || {
	echo "needs root"
	exit 77
}
command -v debootstrap >/dev/null || {
	echo "needs debootstrap"
	exit 77
}
for program in "$tool" "$rows_tool"; do
	[ -x "$program" ] || fail "'$program' is not built; run make tests"
done
# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Created-By: Packages' |
	awk '$2 == "Debian" { print $1; exit }')
[ -n "$mirror" ] || fail "apt's configuration names no mirror of Debian"

umask 077
work=$(mktemp -d /var/tmp/mv-ruby.XXXXXX)
dir=${DIR:-$work}
finish() {
	rc=$?
	trap '' INT TERM
	[ ! -e "$work/pg" ] || tests/servers/pg-stop.sh --state "$work/pg" --wipe || :
	rm -rf --one-file-system -- "$work"
	exit $rc
}
trap finish EXIT
trap 'exit 130' INT TERM

# inside SUITE COMMAND... - there, with mounts that end with the command.
inside() {
	local root=$dir/$1
	shift
	# shellcheck disable=SC2016
	unshare --mount --propagation private bash -c '
		mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" || exit 1
		if [ -n "$PGHOST" ]; then
			mkdir -p "$1/run/pg" && mount --bind "$PGHOST" "$1/run/pg" || exit 1
			export PGHOST=/run/pg
		fi
		root=$1
		shift
		exec chroot "$root" "$@"' sh "$root" "$@"
}

# debian SUITE PACKAGE...
debian() {
	local suite=$1
	shift
	if [ ! -e "$dir/$suite/.made" ]; then
		echo "debootstrap $suite into $dir/$suite"
		mkdir -p "$dir"
		(umask 022 && debootstrap --variant=minbase "$suite" "$dir/$suite" "$mirror") \
			>"$work/log" 2>&1 || fail "debootstrap: $(tail -n 3 "$work/log")"
		printf '#!/bin/sh\nexit 101\n' >"$dir/$suite/usr/sbin/policy-rc.d"
		chmod 755 "$dir/$suite/usr/sbin/policy-rc.d"
		touch "$dir/$suite/.made"
	fi
	cp -L /etc/resolv.conf "$dir/$suite/etc/resolv.conf"
	(umask 022 && DEBIAN_FRONTEND=noninteractive inside "$suite" sh -c \
		'apt-get -q update && apt-get -q -y --no-install-recommends install "$@"' \
		sh "$@") >"$work/log" 2>&1 || fail "apt-get: $(tail -n 3 "$work/log")"
	inside "$suite" dpkg-query -W "$@"
}

# ruby SUITE SCRIPT ARGUMENT... - the script is on descriptor 3, the document
# on stdin.
ruby() {
	local suite=$1 script=$2
	shift 2
	inside "$suite" ruby -W0 /dev/fd/3 "$@" 3<"tests/long/ruby/$script"
}

check() {
	ruby bookworm legacy.rb check "$2" "$3" <"$1"
	ruby trixie active_record.rb check "$2" "$3" <"$1"
}

export PGHOST=
debian bookworm ruby ruby-activerecord ruby-attr-encrypted ruby-devise-two-factor ruby-sqlite3 ruby-pg
debian trixie ruby ruby-activerecord ruby-sqlite3 ruby-pg

"$tool" keys | ruby bookworm legacy.rb write "$ROWS" |
	ruby trixie active_record.rb write "$ROWS" >"$work/written"
check "$work/written" old ok
said=$("$tool" rotate <"$work/written" 2>&1 >"$work/rotated")
echo "$said"
[ "$said" = "$((2 * ROWS)) rows, of them $((ROWS / 2)) under the SHA-1 key" ] ||
	fail "other rows than were written"
check "$work/rotated" new ok
check "$work/rotated" old fail

# And back: what was written here is read here, with the two sides exchanged.
python3 -c 'import json, sys
doc = json.load(sys.stdin)
doc["old"], doc["new"] = doc["new"], doc["old"]
json.dump(doc, sys.stdout)' <"$work/rotated" | "$tool" rotate >"$work/back"
check "$work/back" new ok
check "$work/back" old fail
echo "$((2 * ROWS)) rows were rotated there and back"

# In tables: Ruby writes them, PostgreSQL holds them, nothing else is between.
chmod 711 "$work"
eval "$(tests/servers/pg-start.sh --state "$work/pg")"
export PGHOST PGPORT PGUSER PGDATABASE
# sql STATEMENT
sql() {
	"$PG_BIN/psql" -XqAt -v ON_ERROR_STOP=1 -c "$1"
}
sql 'CREATE TABLE users (id bigserial PRIMARY KEY, email varchar, encrypted_password varchar,
	encrypted_otp_secret varchar, encrypted_otp_secret_iv varchar, encrypted_otp_secret_salt varchar,
	consumed_timestep integer, otp_required_for_login boolean, otp_secret varchar);
	CREATE TABLE keypairs (id bigserial PRIMARY KEY, public_key varchar, private_key varchar);
	CREATE TABLE schema_migrations (version varchar PRIMARY KEY);
	INSERT INTO schema_migrations VALUES ('"'20241007071624'"')'
"$tool" keys | ruby bookworm legacy.rb write "$ROWS" |
	ruby trixie active_record.rb write "$ROWS" >"$work/tables"
for side in old new; do
	python3 -c 'import json, sys
for name, value in json.load(sys.stdin)[sys.argv[1]].items():
    print("%s=%s" % (name, value))' "$side" <"$work/tables" >"$work/$side.env"
done
check "$work/tables" old ok
# convert FROM TO
convert() {
	local said
	said=$("$rows_tool" convert "host=$PGHOST port=$PGPORT user=$PGUSER dbname=$PGDATABASE" \
		"$work/$1.env" "$work/$2.env")
	echo "from $1 to $2: $said"
	case " $said " in
	*" users.encrypted_otp_secret $ROWS users.otp_secret $ROWS "*) ;;
	*) fail "other rows than were written" ;;
	esac
}
convert old new
check "$work/tables" new ok
check "$work/tables" old fail
convert new old
check "$work/tables" old ok
check "$work/tables" new fail
echo "$((2 * ROWS)) rows in tables were rotated there and back"
