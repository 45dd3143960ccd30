#!/bin/bash
# Goal: several people and hosts, each with a key of its own: made apart,
# admitted, tried, removed; and what each of them cannot do.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2119
start_postgres
make_site "$T/live" roles 81 0.003 40 0.1
new_env a "$T/live"
conf=$T/a.conf
run() {
	expect 0 mastvault "$@"
}

# host NAME KEY_FILE... - a configuration with these keys alone: no Mastodon.
host() {
	local name=$1 key
	shift
	mkdir -m 700 "$T/$name.keys"
	for key; do
		mv "$key" "$T/$name.keys/"
	done
	(umask 077 && printf '[a]\nstore = file://%s\nkey-dir = %s\nstate-dir = %s\n' \
		"$T/a.store" "$T/$name.keys" "$T/$name.state" >"$T/$name.conf")
}

# join ROLE - makes $T/ROLE.key, a member; its number is in $number.
join() {
	run key new --role "$1" --label "$1 of a friend" --no-passphrase --out "$T/$1.key" --json
	field "$T/out" 'd["line"]' >"$T/line"
	[ "$(wc -l <"$T/line")" = 1 ] || fail "a public line has several"
	run key add - --kit "$T/a.kit" --out "$T/$1.enrolment" --json <"$T/line"
	number=$(field "$T/out" 'd["number"]')
	run key accept "$T/$1.enrolment" "$T/$1.key"
	rm "$T/$1.enrolment"
}

# status CODE [option]...
status() {
	local code=$1
	shift
	expect "$code" mastvault status -c "$conf" --json "$@"
}

# What has no backup is an alarm; what was never tested, a warning.
status 4
[ "$(field "$T/out" 'd[0]["status"]')" = alarm ] || fail "no backup is no alarm"
backup a
status 0
[ "$(field "$T/out" 'd[0]["env_file_current"]')" = True ] || fail "the env-file is not current"
[ "$(field "$T/out" 'd[0]["kit_tested"]')" = None ] || fail "the kit was tested already"
field "$T/out" '"\n".join(d[0]["warnings"])' >"$T/warnings"
grep -q 'key test KIT' "$T/warnings" || fail "nothing asks to test the kit"
grep -q 'reader.key.*should not lie' "$T/warnings" || fail "reader.key lies here unnoticed"
grep -q 'owner.key.*should not lie' "$T/warnings" || fail "owner.key lies here unnoticed"

# A kit proves itself, and the host remembers; without -c it needs no host.
run key test "$T/a.kit"
grep -q 'Not remembered' "$T/out" || fail "remembered without a place for it"
run key test "$T/a.kit" -c "$conf" --json
[ "$(field "$T/out" 'd["bytes"] > 0 and d["vault"] == 1 and d["remembered"]')" = True ] ||
	fail "the kit's test proved too little"
mkdir -m 700 "$T/away"
mv "$T/a.keys/reader.key" "$T/a.keys/owner.key" "$T/away/"
status 0
[ "$(field "$T/out" 'd[0]["warnings"]')" = '[]' ] || fail "still warned: $(cat "$T/out")"

# A writer's file is no kit.
expect 11 mastvault key test "$T/a.keys/writer.key"

# The host that makes backups can neither read nor admit anybody.
run snapshots -c "$conf"
run check -c "$conf"
for part in db env avatars; do
	expect 11 mastvault cat latest "$part" -c "$conf"
	says 'cannot read backups' '--kit'
done
expect 11 mastvault restore latest --media "$T/nowhere" -c "$conf"
says 'cannot read backups'
[ ! -e "$T/nowhere" ] || fail "restored without a key"
expect 11 mastvault key remove 2 -c "$conf"
says 'neither admit nor remove'

# An env-file that changed.
printf '# touched\n' >>"$T/live/.env.production"
status 0
grep -q 'has changed since version 1' "$T/out" || fail "a changed env-file goes unnoticed"
backup a
status 0
[ "$(field "$T/out" 'd[0]["vault"]')" = 2 ] || fail "the new env-file was not taken"

# A second moderator's laptop: the line goes by chat, the enrolment back.
run key new --role reader --passphrase-file <(echo 'a long passphrase') --out "$T/laptop.key"
tail -n 1 "$T/out" >"$T/line"
grep -q '^mastvault-public-1 reader ' "$T/line" || fail "no public line"
expect 2 mastvault snapshots --kit "$T/laptop.key" --passphrase-file <(echo 'a long passphrase')
says 'no member'
sed 's/reader/writer/' "$T/line" >"$T/forged"
expect 2 mastvault key add - --kit "$T/a.kit" <"$T/forged"
# shellcheck disable=SC2046
run key add --kit "$T/a.kit" --out "$T/laptop.enrolment" -- $(cat "$T/line")
grep -q 'reads ALL backups' "$T/out" || fail "not said what a reader gets"
# Once more gives the enrolment again, and no other keyring.
run key add - --kit "$T/a.kit" --out "$T/again.enrolment" --json <"$T/line"
[ "$(field "$T/out" 'd["added"]')" = False ] || fail "admitted twice"
run key new --role reader --no-passphrase --out "$T/thief.key"
expect 11 mastvault key accept "$T/laptop.enrolment" "$T/thief.key"
expect 11 mastvault key accept "$T/laptop.enrolment" "$T/laptop.key" --passphrase-file <(echo 'a wrong passphrase')
run key accept "$T/laptop.enrolment" "$T/laptop.key" --passphrase-file <(echo 'a long passphrase')
grep -aq 'mastvault-key-1' "$T/laptop.key" || fail "no key file"
expect 2 mastvault key accept "$T/laptop.enrolment" "$T/laptop.key" --passphrase-file <(echo 'a long passphrase')

# Drill host: a reader's key alone.
join reader
laptop=$((number - 1)) drill=$number
host drill "$T/reader.key"
run snapshots -c "$T/drill.conf"
run restore latest --media "$T/drilled" -c "$T/drill.conf" --only media
diff -r -x cache -x backups "$T/live/public/system" "$T/drilled" || fail "the drill host restored something else"
run check --read-data -c "$T/drill.conf" --json
[ "$(field "$T/out" 'd["contents_verified"]')" = True ] || fail "a reader did not verify contents"
expect 11 mastvault backup -c "$T/drill.conf"
says 'cannot write backups'
expect '1 2 11' mastvault cat latest env -c "$T/drill.conf"

# Prune host: a maintainer's key alone.
join maintainer
host prune "$T/maintainer.key"
run snapshots -c "$T/prune.conf"
run check --read-data -c "$T/prune.conf" --json
[ "$(field "$T/out" 'd["contents_verified"], d["damaged"]')" = '(False, [])' ] ||
	fail "a maintainer saw contents, or damage"
expect 11 mastvault cat latest db -c "$T/prune.conf"
expect 11 mastvault backup -c "$T/prune.conf"
run status -c "$T/prune.conf"

# A writer of its own for the same Mastodon on another host, and its vault key.
join writer
writer2=$number
join vault
host second "$T/writer.key" "$T/vault.key"
sed -i "1a mastodon = $T/live" "$T/second.conf"
expect 0 mastvault backup -c "$T/second.conf" --json
[ "$(field "$T/out" 'd["secrets"]["added"]')" = True ] || fail "no secrets for the new vault key"
expect 11 mastvault cat latest db -c "$T/second.conf"

# Who is who.
run key list --kit "$T/a.kit" --json
[ "$(field "$T/out" '[k["state"] for k in d["keys"]] == ["active"] * 9')" = True ] || fail "not all are active"
[ "$(field "$T/out" "[k['label'] for k in d['keys'] if k['number'] == $drill][0]")" = 'reader of a friend' ] ||
	fail "the label was lost"
run key list -c "$T/prune.conf"
run key show "$T/second.keys/writer.key"

# The laptop is lost: a new epoch, and nobody else's file changes.
cp "$T/laptop.key" "$T/lost.key"
# Files that have only just changed are not taken over unread.
sleep 3
backup a
stored=$(du -sb "$T/a.store/packs" | cut -f 1)
run key remove "$laptop" --kit "$T/a.kit"
for word in 'Epoch 2' 'new identity' 'still reads'; do
	grep -q "$word" "$T/out" || fail "not said: $word"
done
printf 'after the laptop was lost\n' >"$T/live/public/system/new.txt"
backup a
[ "$(field "$T/out" 'd["media"]["unchanged"] == d["media"]["files"] - 1')" = True ] ||
	fail "unchanged media were read again"
new=$(field "$T/out" 'd["snapshot"]')
again=$(($(du -sb "$T/a.store/packs" | cut -f 1) - stored))
media=$(du -sb "$T/live/public/system" | cut -f 1)
[ "$again" -gt 65536 ] || fail "nothing was stored anew under the new identity"
printf 'stored anew in a new epoch: %s bytes; media %s bytes\n' "$again" "$media"
pass() { echo 'a long passphrase'; }
expect '0 12' mastvault snapshots --kit "$T/lost.key" --passphrase-file <(pass) --json \
	--store "file://$T/a.store"
says 'was removed'
old=$(field "$T/out" 'd[-1]["id"]')
[ "$old" != "$new" ] || fail "a removed key sees what came later"
# 3: there are snapshots that it does not open, which is said.
expect 3 mastvault restore "$old" --kit "$T/lost.key" --passphrase-file <(pass) --only media \
	--media "$T/lost" --store "file://$T/a.store"
[ ! -e "$T/lost/new.txt" ] || fail "a removed key read what came later"
expect 1 mastvault cat "$new" new.txt --kit "$T/lost.key" --passphrase-file <(pass) --store "file://$T/a.store"

# Everybody else goes on: kit, drill host, prune host, second writer.
run restore "$new" --kit "$T/a.kit" --only media --media "$T/by-kit"
diff -r -x cache -x backups "$T/live/public/system" "$T/by-kit" || fail "the kit restored something else"
run restore "$new" --kit "$T/a.kit" --only media --media "$T/by-kit"
run restore "$old" --kit "$T/a.kit" --only media --media "$T/by-kit-old"
diff -r "$T/by-kit-old" "$T/lost" || fail "the old snapshot is another"
run cat "$new" new.txt -c "$T/drill.conf"
restore_db a "$new" roles_new
same_database roles roles_new
run check --read-data --kit "$T/a.kit" --json
[ "$(field "$T/out" 'd["damaged"], d["contents_verified"]')" = '([], True)' ] || fail "damaged, or not verified"
run check -c "$T/prune.conf"
run backup -c "$T/second.conf"
run check -c "$conf"
status 0
grep -q 'since epoch 2 began' "$T/out" || fail "nothing asks to test the kit again"
run key test "$T/a.kit" -c "$conf"
status 0
[ "$(field "$T/out" 'd[0]["warnings"]')" = '[]' ] || fail "still warned: $(cat "$T/out")"

# A second epoch with the same identity: nothing is uploaded anew.
stored=$(du -sb "$T/a.store/packs" | cut -f 1)
run key remove "$drill" --keep-identity --kit "$T/a.kit"
grep -q 'test guesses' "$T/out" || fail "not said what --keep-identity leaves"
backup a
[ "$(field "$T/out" 'd["bytes_new"] < d["bytes_read"] // 10')" = True ] || fail "stored anew with the same identity"
newest=$(field "$T/out" 'd["snapshot"]')
expect 1 mastvault cat "$newest" new.txt -c "$T/drill.conf"
run cat "$newest" new.txt --kit "$T/a.kit"

# A writer is removed: its runs are refused, what it made stays.
run key remove "$writer2" --kit "$T/a.kit"
expect 11 mastvault backup -c "$T/second.conf"
says 'not write'
run status -c "$conf" --json
run key remove "$writer2" --kit "$T/a.kit"
grep -q already "$T/out" || fail "removed twice"
backup a
run check --read-data --kit "$T/a.kit"
run key list -c "$conf" --json
[ "$(field "$T/out" 'd["epoch"], len([k for k in d["keys"] if k["state"] == "removed"])')" = '(4, 3)' ] ||
	fail "the list shows something else"

# The reader's key that the kit shares is stolen: another kit removes it, and
# opens all secrets that the first did.
run key kit --kit "$T/a.kit" --out "$T/b.kit" --no-passphrase
expect 1 mastvault key kit --kit "$T/a.kit" --out "$T/b.kit" --no-passphrase
run key remove 2 --kit "$T/b.kit"
run key remove 4 --kit "$T/b.kit"
backup a
run key test "$T/b.kit" -c "$conf"
expect 11 mastvault key test "$T/a.kit"
run snapshots --kit "$T/b.kit" --json
run cat "$(field "$T/out" 'd[0]["id"]')" env --kit "$T/b.kit"
run cat latest env --kit "$T/b.kit"
cmp "$T/out" "$T/live/.env.production" || fail "the new kit opens other secrets"
run check --read-data --kit "$T/b.kit"
mv "$T/b.kit" "$T/a.kit"

# What would lock everybody out.
run key list --kit "$T/a.kit" --json
reader=$(($(field "$T/out" 'max(k["number"] for k in d["keys"])') - 1))
expect 1 mastvault key remove "$reader" --kit "$T/a.kit"
says 'one of those'
expect 1 mastvault key remove 99 --kit "$T/a.kit"
expect 2 mastvault key remove two --kit "$T/a.kit"
expect 2 mastvault key new
expect 2 mastvault key new --role moderator
expect 2 mastvault key lits
says list

# Nothing to look at is no good news, and -q says nothing while all is well.
run status -c "$conf" -q
[ ! -s "$T/out" ] || fail "-q said something"
sed 's/^key-dir/max-age = 1m\nkey-dir/' "$conf" >"$T/short.conf"
chmod 600 "$T/short.conf"
run status -c "$T/short.conf"
mv "$T/a.store" "$T/a.gone"
expect '1 10' mastvault status -c "$conf"
mv "$T/a.gone" "$T/a.store"

# No key may be found in the store, and none in a state directory.
grep -raFq mastvault-key "$T/a.store" "$T"/*.state && fail "a key lies in the store"
echo ok
