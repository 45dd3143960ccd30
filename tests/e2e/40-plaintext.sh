#!/bin/bash
# Goal: nothing that was backed up can be read in the store, compressed or not,
# and two repositories with the same contents have nothing in common.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2119
start_postgres
make_site "$T/live" marked 40 0.003 40 0.2
row='marker-in-a-row-5f1a'
large='marker-in-a-large-object-0c7e'
name='marker-in-a-file-name-91d2'
content='marker-in-a-file-77b0'
secret='marker-in-a-secret-e35a'
table='marker_in_a_table_name_28c4'
sql -d marked -U mastodon -c "UPDATE accounts SET note = note || '$row' WHERE id % 3 = 0;
	CREATE TABLE $table AS SELECT '$row' AS a; SELECT lo_from_bytea(0, '$large')" >/dev/null
mkdir -p "$T/live/public/system/media_attachments/files/000"
for n in 1 2 3; do
	yes "$content" | head -n 3000 >"$T/live/public/system/media_attachments/files/000/$name-$n.jpg"
done
echo "SMTP_PASSWORD_OLD=$secret" >>"$T/live/.env.production"
new_env one "$T/live"
backup one
backup one --tag "$row"
tests/e2e/grep_store.py "$T/one.store" "$row" "$large" "$name" "$content" "$secret" "$table" \
	media_attachments schema_migrations social.example .env.production DB_HOST PGDMP COPY
# The grep finds what is there to find.
if tests/e2e/grep_store.py "$T/live" "$content" >/dev/null 2>&1; then
	fail "the search finds nothing anywhere"
fi
zstd_proof=$(/usr/bin/python3 -c 'import sys, zstandard
sys.stdout.buffer.write(b"junk" + zstandard.compress(b"x" * 999 + sys.argv[1].encode()) + b"junk")' \
	"$content" | base64 -w0)
mkdir "$T/proof"
echo "$zstd_proof" | base64 -d >"$T/proof/packed"
if tests/e2e/grep_store.py "$T/proof" "$content" >/dev/null 2>&1; then
	fail "the search does not look into frames"
fi
# Neither do the files that stay on the host name contents.
tests/e2e/grep_store.py "$T/one.state" "$row" "$content" "$secret" "$name"

new_env two "$T/live"
backup two
tests/e2e/grep_store.py --apart "$T/one.store" "$T/two.store"
