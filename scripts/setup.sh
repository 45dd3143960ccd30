#!/bin/sh
# setup.sh [--install] [--runtime] [build|demo|check] - from a bare system to a
# result: installs what is missing, builds, and runs.
#
#   build       the program (default)
#   demo        ... and `make demo`: one backup and restore of a throw-away
#               Mastodon
#   check       ... and `make check`: every test
#   --install   only install what the given one needs
#   --runtime   only install what the finished program needs; no compiler
#
# With DEVELOPER=1 in the environment, as for make, clang, shellcheck and
# valgrind too.
#
# Knows Debian 12 and 13 and Ubuntu 24.04; elsewhere it names the packages and
# stops.  Works as root or with sudo.  A second run finds nothing to install.
# No service is started and no database cluster made: the tests bring up their
# own PostgreSQL below a temporary directory.
#
# Exit code: 0 done, 1 failed, 2 wrong usage, 3 not a system it knows.
set -eu
cd "$(dirname "$0")/.."

# What Debian calls it, who needs it, and what for.
packages() {
	cat <<-'END'
	gcc                 build          compiles
	libc6-dev           build          compiles
	make                build          compiles
	pkg-config          build          finds the libraries below
	libsodium-dev       build          encryption and signatures
	libzstd-dev         build          compression
	libarchive-dev      build          extended attributes, ACLs, extraction
	libacl1-dev         build          ACLs
	libpq-dev           build          talks to PostgreSQL
	libssl-dev          build          what Mastodon itself encrypts with
	zlib1g-dev          build          columns that Rails compressed
	libjansson-dev      build          JSON
	libhiredis-dev      build          talks to Redis
	libsodium23         runtime        encryption and signatures
	libzstd1            runtime        compression
	libarchive13        runtime        extended attributes, ACLs, extraction
	libacl1             runtime        ACLs
	libpq5              runtime        talks to PostgreSQL
	libssl3             runtime        what Mastodon itself encrypts with
	zlib1g              runtime        columns that Rails compressed
	libjansson4         runtime        JSON
	libhiredis0.14      runtime        talks to Redis
	postgresql-client   runtime        pg_dump and pg_restore
	postgresql          demo           server for the throw-away cluster
	python3             demo           generates the data
	libcmocka-dev       check          unit tests
	python3-nacl        check          independent reader of the format
	python3-zstandard   check          independent reader of the format
	acl                 check          ACLs to back up
	attr                check          extended attributes to back up
	redis-server        check          changes its password, and restarts
	strace              check          interrupts a restore where it hurts
	clang               developer      second compiler, sanitizers, fuzzing
	shellcheck          developer      reads the scripts
	valgrind            developer      memcheck over the tests
	END
}

usage() {
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | sed '/^set/d' >&2
	exit 2
}

install_only=0
mode=
for arg; do
	case $arg in
	--install) install_only=1 ;;
	--runtime) mode=runtime ;;
	build | demo | check)
		[ -z "$mode" ] || usage
		mode=$arg
		;;
	*) usage ;;
	esac
done
: "${mode:=build}"
case $mode in
runtime) roles='runtime' install_only=1 ;;
build) roles='build' ;;
demo) roles='build demo' ;;
check) roles='build demo check' ;;
esac
[ -z "${DEVELOPER:-}" ] || roles="$roles developer"

# "package reason" for each that this run needs.
needed() {
	packages | while read -r package role reason; do
		case " $roles " in
		*" $role "*) printf '%-18s %s\n' "$package" "$reason" ;;
		esac
	done
}

# shellcheck source=/dev/null
system=$(. /etc/os-release 2>/dev/null && echo "${ID:-} ${VERSION_ID:-}") || system=
case $system in
'debian 12' | 'debian 13' | 'ubuntu 24.04') ;;
*)
	cat >&2 <<-END
	This system ('${system:-unknown}') is not one that setup.sh knows: Debian 12, Debian
	13 and Ubuntu 24.04.  Nothing was changed.  Install what answers to these
	packages of Debian, then run 'make $([ "$mode" = build ] || echo "$mode")':

	$(needed)
	END
	exit 3
	;;
esac

# A PostgreSQL of any version will do, from wherever it came.
is_installed() {
	case $1 in
	postgresql) set -- "$1" initdb ;;
	postgresql-client) set -- "$1" pg_dump ;;
	esac
	if [ $# = 2 ]; then
		for program in /usr/lib/postgresql/*/bin/"$2"; do
			[ ! -x "$program" ] || return 0
		done
	fi
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Debian 13 and Ubuntu 24.04 renamed some libraries when time_t grew.
real_name() {
	# hiredis 1 came after Debian 12, and under another name.
	if [ "$1" = libhiredis0.14 ] && ! apt-cache show "$1" >/dev/null 2>&1; then
		echo libhiredis1.1.0
	elif ! is_installed "$1" && apt-cache show "$1t64" >/dev/null 2>&1; then
		echo "$1t64"
	else
		echo "$1"
	fi
}

missing() {
	needed | while read -r package reason; do
		case $package in
		lib*[0-9]) package=$(real_name "$package") ;;
		esac
		is_installed "$package" || printf '  %-18s %s\n' "$package" "$reason"
	done
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# While packages are installed: no service starts and PostgreSQL's package
# makes no cluster.  A policy-rc.d of the system's own is left alone, and so
# is every file that does not carry our mark.
mark='# mastvault setup.sh, temporary'
policy=/usr/sbin/policy-rc.d
nocluster_dir=/etc/postgresql-common/createcluster.d
nocluster=$nocluster_dir/mastvault-setup.conf

quiet_on() {
	if [ ! -e $policy ]; then
		printf '#!/bin/sh\n%s\nexit 101\n' "$mark" | as_root tee $policy >/dev/null
		as_root chmod 755 $policy
	fi
	as_root mkdir -p $nocluster_dir
	printf '%s\ncreate_main_cluster = false\n' "$mark" |
		as_root tee $nocluster >/dev/null
}

quiet_off() {
	if grep -qsxF "$mark" $policy; then
		as_root rm -f $policy
	fi
	as_root rm -f $nocluster
	# Gone only if nobody else keeps something there.
	as_root rmdir --ignore-fail-on-non-empty $nocluster_dir 2>/dev/null || :
}

apt() {
	log=$(mktemp)
	as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
		apt-get -q -y -o DPkg::Lock::Timeout=600 "$@" >"$log" 2>&1 </dev/null || {
		tail -n 20 "$log" >&2
		rm -f "$log"
		return 1
	}
	rm -f "$log"
}

install_missing() {
	list=$(missing)
	if [ -z "$list" ]; then
		echo "setup: nothing to install"
		return 0
	fi
	if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
		printf 'setup: these are missing, and only root can install them:\n%s\n' \
			"$list" >&2
		exit 1
	fi
	echo "setup: fetching the lists of packages"
	apt update || echo "setup: that failed; going on with the lists at hand" >&2
	# Again: only fresh lists know what a library is called here.
	list=$(missing)
	printf 'setup: installing, without services:\n%s\n' "$list"
	trap quiet_off EXIT
	trap 'exit 130' INT TERM
	quiet_on
	# shellcheck disable=SC2046
	apt --no-install-recommends install \
		$(printf '%s\n' "$list" | awk '{ print $1 }') || {
		echo "setup: the packages could not be installed" >&2
		exit 1
	}
	quiet_off
	trap - EXIT INT TERM
}

install_missing
[ $install_only = 0 ] || exit 0
jobs=$(nproc 2>/dev/null || echo 2)
case $mode in
build) exec make -j"$jobs" ;;
demo)
	make -j"$jobs"
	exec make --no-print-directory demo
	;;
check)
	make -j"$jobs" tests
	exec make --no-print-directory check
	;;
esac
