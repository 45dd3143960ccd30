#!/bin/bash
# Goal: what the state directory lacks costs time and no backup, and a status
# says the rest; a tree that lost most of its files is refused however small it was.
. "$(dirname "$0")/lib.sh"
media_site "$T/live"
tree=$T/live/public/system
mkdir "$tree/a"
for i in 1 2 3; do head -c 5000 /dev/urandom >"$tree/a/$i"; done
new_env st "$T/live"
run=(mastvault backup -c "$T/st.conf" --only media)
expect 0 "${run[@]}"

rm "$tree/a/2" "$tree/a/3"
expect 1 "${run[@]}"
says '--allow-shrink'
expect 0 "${run[@]}" --allow-shrink
rm "$tree/a/1"
expect 1 "${run[@]}"
says '--allow-shrink'

for ((i = 0; i < 3000; i++)); do echo $i >"$tree/a/file-with-a-longer-name-$i"; done
rm -rf "$T/st.state"
mkdir "$T/st.state"
if mount -t tmpfs -o size=64k tmpfs "$T/st.state" 2>/dev/null; then
	MOUNTED+=("$T/st.state")
	expect 0 "${run[@]}"
	says 'will read all media files again'
	# Nor may it keep 'status' from saying how things stand.
	rm -f "$T/st.state/highwater"
	dd if=/dev/zero of="$T/st.state/full" bs=4k status=none 2>/dev/null || :
	for how in full read-only; do
		[ $how = full ] || mount -o remount,ro "$T/st.state"
		expect 0 mastvault status -c "$T/st.conf"
		grep -q 'warning: what the stores show is not noted' "$T/out" ||
			fail "$how: $(cat "$T/out")"
		expect 0 mastvault status -c "$T/st.conf" --json
		[ "$(field "$T/out" 'd[0]["status"]')" = warning ] || fail "$how: no warning"
	done
	umount "$T/st.state"
	MOUNTED=()
	expect 0 mastvault restore --kit "$T/st.kit" latest --media "$T/got"
	diff -r "$tree" "$T/got"
fi

# Closed output is an error, not success.
expect 1 sh -c "exec '$MASTVAULT' snapshots -c '$T/st.conf' >&-"
