#!/bin/bash
# Goal: one SIGINT or SIGTERM ends what waits for somebody else, too: a hook, a
# passphrase, a line, an answer; and the code is 130.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2119
start_postgres
make_site "$T/live" stop 83 0.003 20 0.1
new_env a "$T/live"
backup a
echo 'a long passphrase' >"$T/pass"
chmod 600 "$T/pass"
expect 0 mastvault key passphrase "$T/a.keys/reader.key" --new-passphrase-file "$T/pass"

# The same, with more of a configuration.
with() {
	cp -p "$T/a.conf" "$T/$1.conf"
	printf '%s\n' "${@:2}" >>"$T/$1.conf"
}

# stopped SIGNAL COMMAND... - is over soon after one signal, with 130.
stopped() {
	local signal=$1 pid code=0 left=60
	shift
	env --default-signal=INT "$@" <&0 >"$T/out" 2>"$T/err" &
	pid=$!
	sleep 0.7
	kill "-$signal" $pid
	while kill -0 $pid 2>/dev/null && [ $((left -= 1)) -gt 0 ]; do
		sleep 0.1
	done
	[ $left -gt 0 ] || {
		kill -KILL $pid
		fail "one $signal did not end: $*"
	}
	wait $pid || code=$?
	[ $code = 130 ] || fail "exit code $code after $signal: $* ($(cat "$T/err"))"
}

mkfifo "$T/silent"
exec 9<>"$T/silent"
for signal in INT TERM; do
	with before 'before-backup = sleep 30083' 'hook-timeout = 1h'
	stopped $signal "$MASTVAULT" backup -q -c "$T/before.conf"
	with command 'passphrase-command = sleep 30083'
	stopped $signal "$MASTVAULT" ls latest -c "$T/command.conf"
	stopped $signal "$MASTVAULT" key add - --kit "$T/a.kit" <&9
	stopped $signal "$MASTVAULT" secrets set SMTP_PASSWORD -c "$T/a.conf" <&9
done
! pgrep -f '^sleep 30083$' >/dev/null || fail "a command was left behind"

# The hook that tells of it is not itself ended.
with told "before-backup = sleep 30083" 'hook-timeout = 1h' "on-failure = $T/tell"
# shellcheck disable=SC2016
printf '#!/bin/sh\nsleep 1\necho "$MASTVAULT_RESULT" >"%s/result"\n' "$T" >"$T/tell"
chmod +x "$T/tell"
stopped TERM "$MASTVAULT" backup -q -c "$T/told.conf"
[ "$(cat "$T/result")" = interrupted ] || fail "on-failure was not told"

# On a terminal: Ctrl-C where the environment's name is asked for.
with rotate 'stop-command = true' 'start-command = true'
env --default-signal=INT /usr/bin/python3 - "$MASTVAULT" secrets rotate SECRET_KEY_BASE -c "$T/rotate.conf" >"$T/out" <<'PY' ||
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
seen = b""
try:
    while chunk := os.read(fd, 4096):
        seen += chunk
        if b"go on: " in seen and b"\x03" not in seen:
            os.write(fd, b"\x03")
            seen += b"\x03"
except OSError:
    pass
print(seen.decode(errors="replace"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 130)
PY
	fail "not 130: $(cat "$T/out")"
grep -q 'nothing was changed' "$T/out" || fail "not said what was changed"
