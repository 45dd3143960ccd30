#!/bin/bash
# pg-stop.sh --state DIR [--crash] [--wipe] - stop what pg-start.sh started.
#
#   --crash   at once: the next start has to recover
#   --wipe    remove the state directory too
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/servers/lib.sh
. "$HERE/lib.sh"
STATE=
WIPE=0
SIGNAL=INT
while [ $# -gt 0 ]; do
	case $1 in
	--state) STATE=$2 && shift ;;
	--crash) SIGNAL=QUIT ;;
	--wipe) WIPE=1 && SIGNAL=QUIT ;;
	*) die "unknown option $1" ;;
	esac
	shift
done
[ -n "$STATE" ] || die "--state DIR is missing"
[ -d "$STATE" ] || exit 0
state_lock
pid=$(cut -d' ' -f1 "$STATE/pg.pid" 2>/dev/null) || pid=
pid_stop "$STATE/pg.pid" 30 $SIGNAL
[ $WIPE = 1 ] || [ -z "$pid" ] || pid_reaped "$pid"
rm -f "$STATE/env"
[ $WIPE = 0 ] || wipe_state
