#!/bin/bash
# Goal: staging cannot read production's vault or backups with any combination
# of its own files; a configuration that mixes the two is refused file by file;
# production's kit alone, on an empty machine, opens its vault.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
media_site "$T/live"
media_site "$T/stage"
echo a >"$T/live/public/system/a"
echo b >"$T/stage/public/system/b"
sed -i 's/^SECRET_KEY_BASE=.*/SECRET_KEY_BASE=of-production-and-of-nobody-else-in-the-whole-wide-world-12345678/' \
	"$T/live/.env.production"
new_env production "$T/live"
new_env staging "$T/stage"
for env in production staging; do
	expect 0 mastvault secrets import -c "$T/$env.conf"
	backup "$env" --only media,secrets
done
MARK=of-production-and-of-nobody-else
files=("$T"/staging.keys/*.key "$T/staging.kit")
[ ${#files[@]} -ge 5 ] || fail "not all of staging's files are there: ${files[*]}"

# shut_out COMMAND... - it fails, and shows nothing.
shut_out() {
	local got=0
	"$@" >"$T/out" 2>"$T/err" </dev/null || got=$?
	[ $got != 0 ] || fail "it works: $*"
	[ $got != 12 ] || fail "it is called damage: $*: $(cat "$T/err")"
	if grep -q "$MARK" "$T/out" "$T/err"; then fail "it shows a value: $*"; fi
}

# Every subset of its keys, under its own name and under production's, with its
# state directory and with a new one, at production's store.
tried=0
for subset in $(seq 0 $(((1 << ${#files[@]}) - 1))); do
	rm -rf "$T/mix"
	mkdir -m 700 "$T/mix"
	for i in "${!files[@]}"; do
		if [ $((subset >> i & 1)) = 1 ]; then
			# A kit holds several keys: it may be called like any of them.
			case ${files[i]} in
			*.kit) for name in vault reader writer; do
				[ -e "$T/mix/$name.key" ] || cp "${files[i]}" "$T/mix/$name.key"
			done ;;
			*) cp "${files[i]}" "$T/mix/" ;;
			esac
		fi
	done
	for name in staging production; do
		state=$T/staging.state
		[ $name = staging ] || state=$T/mix.state
		(umask 077 && printf '%s\n' "[$name]" "mastodon = $T/stage" "store = file://$T/production.store" \
			"key-dir = $T/mix" "state-dir = $state" >"$T/mix.conf")
		shut_out mastvault secrets get -c "$T/mix.conf" SECRET_KEY_BASE
		tried=$((tried + 1))
	done
done
[ $tried -ge 64 ] || fail "only $tried combinations"
# Each file by itself as a kit; and all of them through other commands.
for file in "${files[@]}"; do
	shut_out mastvault secrets get SECRET_KEY_BASE --kit "$file" --store "file://$T/production.store"
	shut_out mastvault cat latest env --kit "$file" --store "file://$T/production.store"
	shut_out mastvault restore latest --kit "$file" --store "file://$T/production.store" \
		--only secrets --env-file "$T/stolen.env"
done
[ ! -e "$T/stolen.env" ] || fail "an env-file was written"
sed "s|staging.store|production.store|" "$T/staging.conf" >"$T/other.conf"
chmod 600 "$T/other.conf"
for command in 'secrets list' 'secrets history' 'secrets import' 'secrets audit' snapshots check; do
	# shellcheck disable=SC2086
	shut_out mastvault $command -c "$T/other.conf"
done

# One of production's files among staging's is enough for a refusal.
for file in "$T"/production.keys/*.key; do
	rm -rf "$T/mix"
	cp -rp "$T/staging.keys" "$T/mix"
	cp -p "$file" "$T/mix/"
	sed "s|^key-dir = .*|key-dir = $T/mix|" "$T/staging.conf" >"$T/mix.conf"
	chmod 600 "$T/mix.conf"
	case $file in
	*/writer.key) expect 2 mastvault backup -c "$T/mix.conf" --only media ;;
	*/vault.key) expect 2 mastvault secrets list -c "$T/mix.conf" ;;
	*/reader.key) expect 2 mastvault ls latest -c "$T/mix.conf" ;;
	*/owner.key) expect 2 mastvault key kit --no-passphrase --out "$T/stolen.kit" -c "$T/mix.conf" ;;
	esac
	says "'production'"
done

# Where one configuration has both, a kit is tested as that of its own.
(umask 077 && cat "$T/staging.conf" "$T/production.conf" >"$T/both.conf")
for env in staging production; do
	expect 0 mastvault key test "$T/$env.kit" -c "$T/both.conf" --json
	[ "$(field "$T/out" 'd["environment"], d["remembered"]')" = "('$env', True)" ] ||
		fail "$env's kit was tested as $(cat "$T/out")"
done
expect 11 mastvault key test "$T/production.kit" -c "$T/both.conf" -e staging
sed 's/^\[production\]/[renamed]/' "$T/both.conf" >"$T/renamed.conf"
chmod 600 "$T/renamed.conf"
expect 2 mastvault key test "$T/production.kit" -c "$T/renamed.conf"
says "'production'" renamed

# The kit alone, without configuration, state or environment.
mkdir "$T/empty"
cp "$T/production.kit" "$T/empty/kit"
chmod 600 "$T/empty/kit"
cd "$T/empty"
env -i PATH=/usr/bin:/bin HOME="$T/empty" "$MASTVAULT" secrets get SECRET_KEY_BASE --kit kit \
	--store "file://$T/production.store" >"$T/out" || fail "the kit does not open the vault"
grep -q "$MARK" "$T/out" || fail "the kit reads something else"
