#!/bin/bash
# Goal: a disk that is full, where the env-file is or where state is kept,
# keeps a rotation from being made, and never from being undone.
# shellcheck source=tests/e2e/rotate_lib.sh
. "$(dirname "$0")/rotate_lib.sh"
# shellcheck disable=SC2119
start_postgres
new_site
sed -i 's/^command-timeout.*/command-timeout = 3s/' "$T/prod.conf"
live=$T/live/.env.production
old=$(value "$PRIMARY")

# No room for the env-file, or for state and journal.
mkdir "$T/small"
if mount -t tmpfs -o size=256k,mode=711 tmpfs "$T/small" 2>/dev/null; then
	MOUNTED+=("$T/small")
	fill() { cat /dev/zero >"$T/small/fill" 2>/dev/null || :; }
	cp -a "$live" "$T/small/.env.production"
	sed -e "s|^mastodon = .*|&\nenv-file = $T/small/.env.production|" "$T/prod.conf" >"$T/full.conf"
	chmod 600 "$T/full.conf"
	mv "$live" "$T/live/away"
	ln -s "$T/small/.env.production" "$live"
	fill
	expect 1 mastvault secrets rotate -c "$T/full.conf" --yes "$PRIMARY"
	says 'undone, all is as it was before' 'No space left'
	undone
	rm "$T/small/fill" "$live"
	mv "$T/live/away" "$live"
	expect 0 secrets import
	cp -a "$T/prod.state" "$T/small/state"
	sed -e "s|^state-dir = .*|state-dir = $T/small/state|" "$T/prod.conf" >"$T/full.conf"
	fill
	expect 1 mastvault secrets rotate -c "$T/full.conf" --yes "$PRIMARY"
	says 'No space left'
	undone
	# Filled up in the middle: the journal has its room.
	rm "$T/small/fill"
	cp "$T/apply.sh" "$T/apply.kept"
	echo "cat /dev/zero >'$T/small/fill' 2>/dev/null; true" >>"$T/apply.sh"
	touch "$T/verify.fails"
	expect 1 mastvault secrets rotate -c "$T/full.conf" --yes "$PRIMARY"
	says 'undone, all is as it was before' verify-command
	cp "$T/apply.kept" "$T/apply.sh"
	[ ! -e "$T/small/state/rotation.journal" ] || fail "a journal is left"
	undone
else
	echo "not tried, no file system may be mounted: a full disk"
fi

