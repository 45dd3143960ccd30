#!/bin/sh
# columns.sh [SECONDS] - rows a second that are encrypted anew, by one thread,
# beside what libcrypto's PBKDF2 alone takes for a legacy row.
set -eu
cd "$(dirname "$0")/../.."
exec "${B:-build/default}/tests/e2e/tool_column" bench "${1:-3}"
