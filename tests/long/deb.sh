#!/bin/bash
# deb.sh - the package, from `make deb` to its purge, on an empty Debian.
#
#   DEB   a package made before (made now)
#   DIR   where to make the Debian; gone afterwards (a new one in /var/tmp)
#
# Looks with lintian, where it is installed, makes a minimal Debian of this
# machine's release in a directory, installs the package there with apt, backs
# a throw-away Mastodon up and restores it, also with no more capabilities than
# the unit of systemd leaves, and purges: nothing is left but keys.  Needs
# root, debootstrap, debhelper and the mirror that this machine's apt uses.
set -euo pipefail
cd "$(dirname "$0")/../.."

fail() {
	echo "failed: $*" >&2
	exit 1
}

[ "$(id -u)" = 0 ] || {
	echo "needs root"
	exit 77
}
for program in debootstrap dh; do
	command -v $program >/dev/null || {
		echo "needs $program"
		exit 77
	}
done
# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Created-By: Packages' |
	awk '$2 == "Debian" { print $1; exit }')
[ -n "$mirror" ] || fail "apt's configuration names no mirror of Debian"
# shellcheck source=/dev/null
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")

deb=${DEB:-}
if [ -z "$deb" ]; then
	scripts/deb.sh
	deb=$(echo build/mastvault_*.deb)
fi
if command -v lintian >/dev/null; then
	lintian --allow-root --fail-on error,warning "$deb" || fail lintian
fi

dir=${DIR:-$(mktemp -d /var/tmp/mv-deb.XXXXXX)}
finish() {
	rc=$?
	trap '' INT TERM
	if grep -qF " $dir/" /proc/self/mounts; then
		echo "something is still mounted below $dir; left alone" >&2
	else
		rm -rf --one-file-system -- "$dir"
	fi
	exit $rc
}
trap finish EXIT
trap 'exit 130' INT TERM
# It becomes the root of others, too.
chmod 755 "$dir"

echo "debootstrap $suite into $dir"
debootstrap --variant=minbase "$suite" "$dir" "$mirror" >"$dir.log" 2>&1 || {
	tail -n 5 "$dir.log" >&2
	rm -f "$dir.log"
	fail "debootstrap"
}
rm -f "$dir.log"
cp -L /etc/resolv.conf "$dir/etc/resolv.conf"
apt-config dump | grep -i '^Acquire::[a-z]*::Proxy' >"$dir/etc/apt/apt.conf.d/99proxy" ||
	rm -f "$dir/etc/apt/apt.conf.d/99proxy"
# No service starts, and PostgreSQL's package makes no cluster.
printf '#!/bin/sh\nexit 101\n' >"$dir/usr/sbin/policy-rc.d"
chmod 755 "$dir/usr/sbin/policy-rc.d"
mkdir -p "$dir/etc/postgresql-common/createcluster.d" "$dir/root/test"
echo 'create_main_cluster = false' >"$dir/etc/postgresql-common/createcluster.d/none.conf"
# The package, and of this tree only what makes a Mastodon and compares.
cp "$deb" "$dir/root/package.deb"
cp -R tests "$dir/root/test/"

# inside COMMAND... - with nothing in the environment but what a shell needs.
inside() {
	# shellcheck disable=SC2016
	unshare --mount --pid --fork --kill-child --propagation private sh -c '
		mount -t proc proc "$1/proc" &&
		mount --rbind /dev "$1/dev" &&
		d=$1 && shift &&
		exec chroot "$d" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			TERM=dumb DEBIAN_FRONTEND=noninteractive "$@"' sh "$dir" "$@"
}
quietly() {
	inside "$@" >"$dir/root/log" 2>&1 </dev/null || {
		tail -n 20 "$dir/root/log" >&2
		fail "$*"
	}
}
# Everything of ours in the system, without what this script put there.
ours() {
	(cd "$dir" && find . -xdev \( -path ./root -o -path ./proc -o -path ./dev \
		-o -path ./srv -o -path ./home \) -prune -o -path '*mastvault*' -print) | sort
}

quietly apt-get -q update
quietly apt-get -q -y install /root/package.deb
version=$(sed -n 's/^#define MV_PROGRAM_VERSION "\(.*\)"$/\1/p' cmd/mastvault/cli.h)
[ "$(inside mastvault --version)" = "mastvault $version" ] || fail "it is another version"
[ "$(stat -c %a "$dir/etc/mastvault" "$dir/var/lib/mastvault" | paste -sd' ')" = '700 700' ] ||
	fail "the directories can be looked into"
[ -x "$dir/usr/bin/pg_dump" ] || fail "apt brought no PostgreSQL client"
! find "$dir/etc/systemd" -name '*mastvault*' | grep . || fail "something was enabled"
echo "installed; now a Mastodon"
quietly apt-get -q -y --no-install-recommends install postgresql python3
quietly useradd --create-home mastodon

caps=$(sed -n 's/^CapabilityBoundingSet=//p' \
	"$dir"/usr/lib/systemd/system/mastvault-backup@.service | tr ' ' '\n' |
	sed 's/^CAP_/+/' | tr '[:upper:]' '[:lower:]' | paste -sd,)
cat >"$dir/root/test/use.sh" <<-'END'
	set -eu
	cd /root/test
	B=/usr/bin
	. tests/lib.sh
	scratch mv-deb
	start_postgres
	make_site /home/mastodon/live site 12 0.003 60 0.1
	chown -R mastodon: /home/mastodon
	chmod 700 /home/mastodon
	mkdir /srv/backup
	mastvault init -e production --mastodon /home/mastodon/live \
		--store file:///srv/backup/production --no-passphrase
	mastvault -q backup
	# As the unit does, and PostgreSQL believes only the kernel.
	hba=$(find "$T/pg" -name pg_hba.conf)
	sed -i '1i local site mastodon peer' "$hba"
	sql -d postgres -c 'SELECT pg_reload_conf()'
	setpriv --bounding-set "-all,$1" --inh-caps -all --no-new-privs \
		mastvault -q -e production backup
	! setpriv --bounding-set -all --inh-caps -all --no-new-privs \
		mastvault -q -e production backup 2>/dev/null || fail "capabilities change nothing"
	mastvault snapshots --json >"$T/list"
	[ "$(field "$T/list" 'len(d)')" = 2 ] || fail "not two snapshots"
	mastvault check --read-data --kit /etc/mastvault/production/recovery.kit
	mastvault restore --kit /etc/mastvault/production/recovery.kit latest \
		--database "$(conninfo restored)" --media "$T/media" --env-file "$T/env"
	same_database site restored
	tests/compare/media.py /home/mastodon/live/public/system "$T/media" --ignore cache --ignore backups
	cmp /home/mastodon/live/.env.production "$T/env"
END
quietly bash /root/test/use.sh "$caps"
echo "backed up, restored, the same"

quietly apt-get -q -y purge mastvault
left=$(ours)
grep -q '/writer\.key$' <<<"$left" || fail "the keys are gone"
! grep -v -e '^\./etc/mastvault$' -e '^\./etc/mastvault/production$' \
	-e '^\./etc/mastvault/production/[a-z]*\.\(key\|kit\)$' <<<"$left" || fail "left behind"
grep -q 'keys were left' "$dir/root/log" || fail "nothing was said about the keys"
[ -d "$dir/srv/backup/production" ] || fail "the backups are gone"
rm -r "$dir/etc/mastvault"
quietly apt-get -q -y install /root/package.deb
quietly apt-get -q -y purge mastvault
left=$(ours)
[ -z "$left" ] || fail "left behind: $left"
echo "$suite: installed, used, purged"
