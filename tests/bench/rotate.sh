#!/bin/bash
# rotate.sh - how long encrypted rows take to be converted, beside the crypto
# of the same rows alone by all processors: the floor.
#
#   USERS    with a row of ActiveRecord::Encryption (100000)
#   LEGACY   with one of attr_encrypted (10000)
#   ROUNDS   there and back, interleaved with the floor (5)
#   B        the build tree, build/default unless said otherwise
#
# Every round converts all rows to new secrets in one transaction, committed,
# in a PostgreSQL with fsync on.  A row of attr_encrypted costs two keys of
# PBKDF2 with 2,000 rounds, and nothing that reads and writes it less.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib.sh
. tests/lib.sh
USERS=${USERS:-100000} LEGACY=${LEGACY:-10000} ROUNDS=${ROUNDS:-5}
tool=${B:-build/default}/tests/e2e/tool_convert
[ -x "$tool" ] || fail "'$tool' is not built; run make tests"
scratch mv-bench-rotate
start_postgres --durable

(umask 077 && tests/gen/envfile.py --seed 1 >"$T/a.env" && tests/gen/envfile.py --seed 2 >"$T/b.env")
createdb bench
PGDATABASE=bench sql -f tests/gen/schema.sql >/dev/null
sql -d bench -c 'ALTER TABLE users ADD encrypted_otp_secret varchar, ADD encrypted_otp_secret_iv varchar,
	ADD encrypted_otp_secret_salt varchar' \
	-c "INSERT INTO schema_migrations VALUES ('20260611150940')" \
	-c "ALTER TABLE users ALTER created_at SET DEFAULT now(), ALTER updated_at SET DEFAULT now(),
		ALTER account_id SET DEFAULT 1" \
	-c 'CREATE UNIQUE INDEX ON users (email)' -c 'CREATE INDEX ON users (account_id)'

# fill AR LEGACY
fill() {
	sql -d bench -c 'TRUNCATE users'
	"$tool" fill "$T/a.env" "$1" "$2" | sql -d bench -c 'COPY users (email, otp_secret, encrypted_otp_secret,
		encrypted_otp_secret_iv, encrypted_otp_secret_salt) FROM STDIN'
	sql -d bench -c 'VACUUM ANALYZE users'
}

median() {
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# measure NAME AR LEGACY
measure() {
	local from=a to=b i took floor
	fill "$2" "$3"
	: >"$T/took"
	: >"$T/ratio"
	for ((i = 0; i < ROUNDS; i++)); do
		floor=$("$tool" floor "$T/a.env" "$2" "$3")
		took=$("$tool" convert "host=$PGHOST port=$PGPORT user=postgres dbname=bench" \
			"$T/$from.env" "$T/$to.env") || fail "not converted"
		case " $took " in *" $(($2 + $3)) "*) ;; *) fail "other rows than $2 and $3: $took" ;; esac
		took=${took%% *}
		echo "$took" >>"$T/took"
		echo "$took $floor" | awk '{ print $1 / $2 }' >>"$T/ratio"
		sql -d bench -c 'VACUUM users'
		[ $from = a ] && from=b to=a || from=a to=b
	done
	printf '%-10s %7d rows: %6.2f s, %.2f times the floor (median of %d, %s processors)\n' \
		"$1" "$(($2 + $3))" "$(median <"$T/took")" "$(median <"$T/ratio")" "$ROUNDS" "$(nproc)"
}

measure ar "$USERS" 0
measure legacy 0 "$LEGACY"
