#!/bin/bash
# bare-debian.sh SUITE [MODE...] - the README's commands on an empty Debian.
#
#   SUITE   bookworm or trixie
#   MODE    what to give to scripts/setup.sh, one after the other (demo check)
#   DIR     where to make it; gone afterwards (a new directory in /var/tmp)
#
# Makes a minimal Debian in a directory, puts a fresh clone of HEAD there, and
# runs scripts/setup.sh in it, with a process table and mounts of its own that
# end with it.  Then looks whether anything was installed twice, and whether a
# cluster, a service or a file of ours stayed behind.  Needs root, debootstrap
# and the mirror that this machine's apt uses.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -ge 1 ] || {
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | sed '/^set/d' >&2
	exit 2
}
suite=$1
shift
[ $# -gt 0 ] || set -- demo check

fail() {
	echo "failed: $*" >&2
	exit 1
}

[ "$(id -u)" = 0 ] || {
	echo "needs root"
	exit 77
}
command -v debootstrap >/dev/null || {
	echo "needs debootstrap"
	exit 77
}
# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Created-By: Packages' |
	awk '$2 == "Debian" { print $1; exit }')
[ -n "$mirror" ] || fail "apt's configuration names no mirror of Debian"

dir=${DIR:-$(mktemp -d /var/tmp/mv-bare.XXXXXX)}
finish() {
	rc=$?
	trap '' INT TERM
	# Through no mount: there is none left once the namespace is gone.
	if grep -qF " $dir/" /proc/self/mounts; then
		echo "something is still mounted below $dir; left alone" >&2
	else
		rm -rf --one-file-system -- "$dir"
	fi
	exit $rc
}
trap finish EXIT
trap 'exit 130' INT TERM

echo "debootstrap $suite into $dir"
debootstrap --variant=minbase "$suite" "$dir" "$mirror" >"$dir.log" 2>&1 || {
	tail -n 5 "$dir.log" >&2
	rm -f "$dir.log"
	fail "debootstrap"
}
rm -f "$dir.log"
# mktemp made it for us alone; the server runs as another account.
chmod 755 "$dir"
cp -L /etc/resolv.conf "$dir/etc/resolv.conf"
apt-config dump | grep -i '^Acquire::[a-z]*::Proxy' >"$dir/etc/apt/apt.conf.d/99proxy" ||
	rm -f "$dir/etc/apt/apt.conf.d/99proxy"
git clone -q --no-local "file://$PWD" "$dir/root/mastvault"

# inside COMMAND... - with nothing in the environment but what a shell needs.
inside() {
	# shellcheck disable=SC2016
	unshare --mount --pid --fork --kill-child --propagation private sh -c '
		mount -t proc proc "$1/proc" &&
		mount --rbind /dev "$1/dev" &&
		cd "$1/root/mastvault" && d=$1 && shift &&
		exec chroot "$d" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			TERM=dumb ${DEVELOPER:+DEVELOPER="$DEVELOPER"} \
			sh -c "cd /root/mastvault && exec \"\$@\"" sh "$@"' sh "$dir" "$@"
}

# What a user would not expect to find afterwards.
leftovers() {
	(cd "$dir" && find etc/postgresql var/lib/postgresql usr/sbin/policy-rc.d \
		etc/postgresql-common/createcluster.d -mindepth 1 2>/dev/null
	cd "$dir/tmp" && find . -mindepth 1) | sort
}

! inside sh -c 'command -v make || command -v gcc || command -v psql' ||
	fail "that is no empty Debian"
for mode; do
	echo "=== $suite: scripts/setup.sh $mode"
	start=$SECONDS
	inside scripts/setup.sh "$mode" || fail "$suite: setup.sh $mode"
	echo "=== $suite: scripts/setup.sh $mode took $((SECONDS - start)) s"
	inside scripts/setup.sh --install "$mode" | tee "$dir/second"
	grep -qx 'setup: nothing to install' "$dir/second" ||
		fail "$suite: a second run installs again"
done
left=$(leftovers)
[ -z "$left" ] || fail "left behind: $left"
[ -z "$(git -C "$dir/root/mastvault" status --porcelain)" ] || fail "the tree is not clean"
echo "$suite: $* from nothing, and nothing left behind"
