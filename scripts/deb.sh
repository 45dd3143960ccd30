#!/bin/sh
# deb.sh - a Debian package of what is in this tree, as build/mastvault_*.deb.
#
#   DEBFULLNAME, DEBEMAIL   who makes it; stands in the package
#   SOURCE_DATE_EPOCH       when; the time of the last commit unless said
#
# Works on a copy in build/deb, with scripts/debian as its debian directory.
# The version is the program's own.
set -eu
cd "$(dirname "$0")/.."
command -v dh >/dev/null || {
	echo "needs debhelper: apt-get install debhelper" >&2
	exit 1
}
version=$(sed -n 's/^#define MV_PROGRAM_VERSION "\(.*\)"$/\1/p' cmd/mastvault/cli.h)
[ -n "$version" ] || {
	echo "cmd/mastvault/cli.h names no version" >&2
	exit 1
}
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || date +%s)}"
export SOURCE_DATE_EPOCH
# Who gives a package to others says who they are; one's own needs no address.
maintainer="${DEBFULLNAME:-the mastvault authors} <${DEBEMAIL:-mastvault@example.org}>"

rm -rf build/deb
stage=build/deb/mastvault-$version
mkdir -p "$stage"
cp -R Makefile README.md LICENSE cmd lib backends docs scripts "$stage"
cp -R scripts/debian "$stage/debian"
for f in control changelog.in; do
	sed "s|@VERSION@|$version|g; s|@MAINTAINER@|$maintainer|
		s|@DATE@|$(date -u -R -d "@$SOURCE_DATE_EPOCH")|" \
		"scripts/debian/$f" >"$stage/debian/${f%.in}"
done
rm "$stage/debian/changelog.in"
# Our own build's settings are not the package's.
(cd "$stage" && env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u B -u CC -u CFLAGS -u SAN -u DEVELOPER \
	dpkg-buildpackage -b -us -uc -j"$(nproc)") >build/deb/log 2>&1 || {
	tail -n 40 build/deb/log >&2
	exit 1
}
rm -f build/mastvault_*.deb
cp build/deb/mastvault_*.deb build/
ls build/mastvault_*.deb
