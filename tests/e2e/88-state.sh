#!/bin/bash
# Goal: what the state directory lacks costs time and no backup; a tree that
# lost most of its files is refused however small it was.
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
	umount "$T/st.state"
	MOUNTED=()
	expect 0 mastvault restore --kit "$T/st.kit" latest --media "$T/got"
	diff -r "$tree" "$T/got"
fi

# Closed output is an error, not success.
expect 1 sh -c "exec '$MASTVAULT' snapshots -c '$T/st.conf' >&-"
