# shellcheck shell=bash
# lib.sh - what the scripts that start and stop throw-away servers share.
#
#  - A server lives under one state directory, $STATE, that only it uses.
#  - A pid file holds "PID START-TIME"; a process is signalled only while both
#    still match, so a pid that was used again is never hit.
#  - Starting twice is the same as starting once.
#  - The last thing a start prints on stdout are lines of export NAME='value',
#    kept in $STATE/env too; everything else goes to stderr.
#  - Everything listens on a socket below $STATE or on 127.0.0.1.

say() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die() {
	say "error: $*"
	exit 1
}

# need PROGRAM PACKAGES
need() {
	command -v "$1" >/dev/null 2>&1 || [ -x "$1" ] ||
		die "$1 is missing; apt-get install --no-install-recommends $2"
}

# The kernel's start time of a process (field 22 of its stat); empty for one
# that is gone or only a zombie.
proc_start() {
	local stat
	stat=$(sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null) || return 0
	case $stat in Z* | X* | '') return 0 ;; esac
	# shellcheck disable=SC2086
	set -- $stat
	printf '%s' "${20}"
}

pid_save() {
	printf '%s %s\n' "$2" "$(proc_start "$2")" >"$1.tmp" && mv "$1.tmp" "$1"
}

pid_alive() {
	local pid start
	[ -s "$1" ] || return 1
	read -r pid start <"$1" || :
	[ -n "${start:-}" ] && [ "$(proc_start "$pid")" = "$start" ]
}

# pid_stop FILE [SECONDS [SIGNAL]] - ask, wait, then kill.
pid_stop() {
	local pid n
	if pid_alive "$1"; then
		read -r pid _ <"$1"
		kill "-${3:-TERM}" "$pid" 2>/dev/null || :
		n=$((${2:-15} * 20))
		while [ "$n" -gt 0 ] && pid_alive "$1"; do
			sleep 0.05
			n=$((n - 1))
		done
		if pid_alive "$1"; then
			say "pid $pid ignored ${3:-TERM}; killing it"
			kill -KILL "$pid" 2>/dev/null || :
			sleep 0.2
		fi
	fi
	rm -f "$1"
}

# pid_reaped PID - wait until even the zombie is gone: a server that probes an
# old lock file with kill(pid, 0) takes a zombie for a living rival.
pid_reaped() {
	local n=200
	while [ -e "/proc/$1" ] && [ "$n" -gt 0 ]; do
		sleep 0.05
		n=$((n - 1))
	done
}

# spawn PIDFILE LOG COMMAND... - away from our terminal, session and locks.
spawn() {
	local file=$1 log=$2
	shift 2
	setsid "$@" >>"$log" 2>&1 </dev/null 8<&- 9<&- &
	pid_save "$file" "$!"
}

port_busy() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# free_port FIRST - the first port from there on that nothing listens on.
free_port() {
	local port=$1
	while port_busy "$port"; do
		port=$((port + 1))
		[ "$port" -lt 65000 ] || die "no free port"
	done
	printf '%s' "$port"
}

# wait_for SECONDS PIDFILE COMMAND... - until it succeeds or the daemon dies.
wait_for() {
	local left=$(($1 * 20)) file=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		pid_alive "$file" || return 1
		sleep 0.05
	done
}

# One start or stop at a time, and never in a directory that is not ours.
state_lock() {
	if [ -d "$STATE" ] && [ ! -e "$STATE/.throwaway" ] &&
		[ -n "$(ls -A "$STATE")" ]; then
		die "$STATE is not empty and was not made by these scripts"
	fi
	# An existing one keeps its mode: a server may be running below it as
	# somebody else.
	[ -d "$STATE" ] || (umask 077 && mkdir -p "$STATE")
	: >>"$STATE/.throwaway"
	exec 9>"$STATE/.lock"
	flock -w 120 9 || die "another start or stop holds $STATE/.lock"
}

# One start at a time on this machine between choosing a port and taking it.
# Opened without O_CREAT: fs.protected_regular forbids that on a file of
# somebody else's.
PORT_LOCK=/tmp/.throwaway-servers.lock
ports_lock() {
	[ -e "$PORT_LOCK" ] || (umask 0 && : >"$PORT_LOCK") 2>/dev/null || :
	exec 8<"$PORT_LOCK"
	flock -w 300 8 || die "another start holds $PORT_LOCK"
}

ports_unlock() {
	exec 8<&-
}

# emit_env NAME=VALUE...
emit_env() {
	local pair
	(umask 077 && : >"$STATE/env.tmp")
	for pair; do
		printf "export %s='%s'\n" "${pair%%=*}" "${pair#*=}"
	done >>"$STATE/env.tmp"
	mv "$STATE/env.tmp" "$STATE/env"
	cat "$STATE/env"
}

# Removes the state directory, but only one that carries our mark.
wipe_state() {
	[ -f "$STATE/.throwaway" ] || {
		say "$STATE has no .throwaway mark; left alone"
		return 0
	}
	rm -rf -- "$STATE"
}
