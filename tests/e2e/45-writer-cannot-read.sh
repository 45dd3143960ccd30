#!/bin/bash
# Goal: nothing that lies on the host which makes backups - keys and state, at
# every offset - opens a segment, a pack key or a reader's grant.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
mkdir -p "$T/live/public/system"
tests/gen/media.py tree "$T/live/public/system" --seed 45 --files 30 --size-scale 0.05
(umask 077 && tests/gen/envfile.py --seed 45 >"$T/live/.env.production")
new_env host "$T/live"
backup host --only media,secrets
backup host --only media,secrets

# Snapshots kept beside the index are objects of the store as they are there.
mapfile -t state < <(find "$T/host.state" -type f ! -path '*/snapshots/*' -size +0)
[ "${#state[@]}" -ge 3 ] || fail "the state directory is not what it was"
tests/e2e/writer_windows.py "$T/host.kit" "$T/host.store" \
	"$T/host.keys/writer.key" "$T/host.keys/vault.key" "${state[@]}"

# The trial finds what is there to find.
if tests/e2e/writer_windows.py "$T/host.kit" "$T/host.store" "$T/host.keys/reader.key" 2>/dev/null; then
	fail "not even the reader's own key opens anything"
fi
