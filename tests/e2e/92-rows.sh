#!/bin/bash
# Goal: vault and database are proved to fit, by `secrets check --database` and
# by every backup; `restore --reencrypt` brings an old backup under the secrets
# in force, whole or not at all.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
start_postgres
make_site "$T/live" first 92 0.001 3 0.01
new_env live "$T/live"

check() {
	local code=$1
	shift
	expect "$code" mastvault secrets check -c "$T/live.conf" --json "$@"
}

# is EXPRESSION WANT - of the last answer.
is() {
	local got
	got=$(field "$T/out" "$1")
	[ "$got" = "$2" ] || fail "'$1' is '$got' instead of '$2'"
}

column() {
	printf '[c for c in d["%s"]["columns"] if c["column"] == "users.otp_secret"][0]["%s"]' "$1" "$2"
}

encrypted=$(sql -d first -c 'SELECT count(otp_secret) FROM users')
[ "$encrypted" -gt 3 ] || fail "only $encrypted rows are encrypted"

# They fit, and the backup says so in the snapshot.
backup live
is 'd["encrypted"]["fits"]' True
is "$(column encrypted current)" "$encrypted"
first=$(field "$T/out" 'd["snapshot"]')
check 0 --database
is 'd["fits"]' True
is 'd["version"]' 1
expect 2 mastvault secrets check -c "$T/live.conf"
says "wants --database"
# Options may stand before the command.
expect 0 mastvault -c "$T/live.conf" "--database=$(conninfo first)" secrets check
expect 2 mastvault -c "$T/live.conf" "--database=$(conninfo first)" secrets list
says --database

# Another key comes into force, and nobody converts the rows.
sed -i 's/^\(ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY\)=.*/\1=KeyOfTheSecondGeneration12345678/' \
	"$T/live/.env.production"
expect 0 mastvault secrets import -c "$T/live.conf"
check 4 --database
is 'd["fits"]' False
is '[c["older"] for c in d["columns"] if c["column"] == "users.otp_secret"][0]' "$encrypted"
expect 3 mastvault backup -c "$T/live.conf" --json
says "$encrypted rows of 'users.otp_secret'" "decrypt with no secrets of the vault"
is 'd["encrypted"]["fits"]' False

# The old backup, under the new key: every row, and the rest as it was.
expect 0 mastvault restore -c "$T/live.conf" --kit "$T/live.kit" "$first" --json --reencrypt \
	--database "$(conninfo second)" --env-file "$T/restored.env"
is 'd["reencrypted"]["rows"]' "$encrypted"
is 'd["reencrypted"]["version"]' 2
cmp "$T/restored.env" "$T/live/.env.production" || fail "the env-file is not the one in force"
check 0 "--database=$(conninfo second)"
is 'd["version"]' 2
users='SELECT md5(string_agg(u::text, chr(10) ORDER BY id)) FROM (SELECT *, otp_secret IS NULL AS none FROM users) u'
for db in first second; do
	sql -d "$db" -c 'UPDATE users SET otp_secret = NULL WHERE otp_secret IS NOT NULL' \
		-c "$users" >"$T/users-$db"
done
cmp "$T/users-first" "$T/users-second" || fail "other columns were changed"

# Without the vault's key: said before anything is touched.
mv "$T/live.keys/vault.key" "$T/vault.key"
expect "1|11" mastvault restore -c "$T/live.conf" "$first" --reencrypt --database "$(conninfo third)"
mv "$T/vault.key" "$T/live.keys/vault.key"
[ -z "$(sql -d postgres -c "SELECT datname FROM pg_database WHERE datname LIKE 'third%'")" ] ||
	fail "a database was made all the same"

# A row that is nothing is named, and stays what it is.
expect 0 mastvault restore -c "$T/live.conf" --kit "$T/live.kit" "$first" --reencrypt \
	--database "$(conninfo broken)"
sql -d broken -c "UPDATE users SET otp_secret = 'JBSWY3DPEHPK3PXP' WHERE id = 4"
check 4 "--database=$(conninfo broken)"
is '[c["undecryptable"] for c in d["columns"] if c["column"] == "users.otp_secret"][0]' '[4]'
sed -i "s/^DB_NAME=.*/DB_NAME=broken/" "$T/live/.env.production"
expect 3 mastvault backup -c "$T/live.conf" --json
is "$(column encrypted undecryptable)" '[4]'
bad=$(field "$T/out" 'd["snapshot"]')
sql -d broken -c 'CREATE FUNCTION old() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN NEW.otp_secret := OLD.otp_secret; RETURN NEW; END $$' \
	-c 'CREATE TRIGGER old BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION old()'
expect 3 mastvault backup -c "$T/live.conf" --json
worse=$(field "$T/out" 'd["snapshot"]')
expect 0 mastvault secrets set -c "$T/live.conf" --yes ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY --generate
expect 3 mastvault restore -c "$T/live.conf" --kit "$T/live.kit" "$bad" --json --reencrypt \
	--database "$(conninfo fourth)"
says "1 row of 'users.otp_secret'" "id 4"
is 'd["reencrypted"]["rows"]' "$((encrypted - 1))"
[ "$(sql -d fourth -c 'SELECT otp_secret FROM users WHERE id = 4')" = JBSWY3DPEHPK3PXP ] ||
	fail "the row was changed"

# What cannot be converted is not restored at all.
expect 1 mastvault restore -c "$T/live.conf" --kit "$T/live.kit" "$worse" --reencrypt \
	--database "$(conninfo fifth)"
says "does a trigger change them?"
[ -z "$(sql -d postgres -c "SELECT datname FROM pg_database WHERE datname LIKE 'fifth%'")" ] ||
	fail "half a restore was left"

# Neither yes nor no.
check 5 "--database=$(conninfo nowhere)"
is 'd["fits"]' None
check 5 "--database=$(conninfo postgres)"
says "no Mastodon's"
