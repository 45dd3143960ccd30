#!/bin/bash
# Goal: OTP_SECRET of a Mastodon 4.2: the rows that the real Ruby libraries
# wrote (tests/vectors) are encrypted anew, open with nothing else afterwards,
# and one that does not open stops the rotation or is left alone.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2119
start_postgres
make_site "$T/live" mastodon 98 0 5 1 >/dev/null
env=$T/live/.env.production

# The rows of one env-file, and its secret.
/usr/bin/python3 - "$T" <<'PY'
import json
import sys

t = sys.argv[1]
d = json.load(open("tests/vectors/mastodon-columns.json", encoding="utf-8"))
rows = [r["columns"] for r in d["rows"]
        if r["kind"] == "legacy" and r["env"] == "E1" and r["expect"] == "ok"]
names = ["encrypted_otp_secret", "encrypted_otp_secret_iv", "encrypted_otp_secret_salt"]
with open(t + "/rows.sql", "w", encoding="utf-8") as f:
    for i, row in enumerate(rows, 1):
        f.write("UPDATE users SET %s WHERE id = %d;\n" % (", ".join(
            "%s = $$%s$$" % (n, row[n]) for n in names), i))
with open(t + "/secret", "w", encoding="utf-8") as f:
    f.write("OTP_SECRET=" + d["envs"]["E1"]["vars"]["OTP_SECRET"] + "\n")
PY
sql -d mastodon >/dev/null <<-'END2'
	DELETE FROM schema_migrations WHERE version > '20230907150100';
	INSERT INTO schema_migrations VALUES ('20230907150100');
	ALTER TABLE users ADD encrypted_otp_secret varchar, ADD encrypted_otp_secret_iv varchar,
		ADD encrypted_otp_secret_salt varchar, DROP otp_secret;
	DROP TABLE keypairs CASCADE;
END2
sql -d mastodon -f "$T/rows.sql"
n=$(sql -d mastodon -c 'SELECT count(*) FROM users WHERE encrypted_otp_secret IS NOT NULL')
[ "$n" = "$(grep -c ^UPDATE "$T/rows.sql")" ] && [ "$n" -gt 5 ] || fail "$n rows"
sed -i "s/^OTP_SECRET=.*/$(<"$T/secret")/" "$env"
new_env prod "$T/live" --database "$(conninfo mastodon)"
cat >>"$T/prod.conf" <<-'END2'
	stop-command = /bin/true
	start-command = /bin/true
END2
expect 0 mastvault secrets import -c "$T/prod.conf"
expect 0 mastvault secrets check --database -c "$T/prod.conf"
rows() {
	sql -d mastodon -c "SELECT replace(concat_ws(' ', id, encrypted_otp_secret, encrypted_otp_secret_iv,
		encrypted_otp_secret_salt), E'\\n', '') FROM users WHERE encrypted_otp_secret IS NOT NULL ORDER BY id"
}

rows >"$T/before"
expect 0 mastvault secrets rotate OTP_SECRET --yes -c "$T/prod.conf" --json
[ "$(field "$T/out" 'd["rows"]["users.encrypted_otp_secret"]')" = "$n" ] || fail "not all rows"
rows >"$T/after"
[ "$(grep -cFf "$T/before" "$T/after" || :)" = 0 ] || fail "a row is as it was"
if grep -qf "$T/secret" "$env"; then fail "the env-file has the old secret"; fi
expect 0 mastvault secrets check --database -c "$T/prod.conf" --json
[ "$(field "$T/out" '[c["current"] for c in d["columns"]]')" = "[$n]" ] || fail "rows do not open"

# The old secret opens nothing any more.
expect 0 mastvault secrets rollback 1 --yes -c "$T/prod.conf"
expect 4 mastvault secrets check --database -c "$T/prod.conf" --json
[ "$(field "$T/out" '[c["current"] for c in d["columns"]]')" = '[0]' ] || fail "the old secret opens rows"
expect 0 mastvault secrets rollback 2 --yes -c "$T/prod.conf" || :

# One that does not open.
sql -d mastodon -c "UPDATE users SET encrypted_otp_secret_iv = 'AAAAAAAAAAAAAAAA' WHERE id = 3"
rows >"$T/before"
expect 1 mastvault secrets rotate OTP_SECRET --yes -c "$T/prod.conf"
says --skip-undecryptable
rows | cmp -s - "$T/before" || fail "rows were touched"
expect 3 mastvault secrets rotate OTP_SECRET --yes --skip-undecryptable -c "$T/prod.conf" --json
[ "$(field "$T/out" 'd["undecryptable"]["users.encrypted_otp_secret"]')" = '[3]' ] || fail "row 3 is not named"
expect 4 mastvault secrets check --database -c "$T/prod.conf" --json
[ "$(field "$T/out" '[c["current"] for c in d["columns"]]')" = "[$((n - 1))]" ] || fail "rows do not open"
