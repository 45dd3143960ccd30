#!/bin/bash
# Goal: docs/format.md is enough to get data back: a short reader that was
# written from that page alone restores the same bytes from the kit.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
python=/usr/bin/python3
"$python" -c 'import nacl, zstandard' 2>/dev/null || skip "python3-nacl and python3-zstandard are absent"
