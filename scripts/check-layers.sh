#!/bin/sh
# Every file of lib/ includes only its own module and those before it in
# LAYERS; backends/ see base, secret and store's backend interface.
set -u
: "${LAYERS:?the order of the modules, lowest first}"
bad=0
allowed=
for layer in $LAYERS; do
	allowed="$allowed $layer"
	for file in lib/"$layer"/*.[ch]; do
		[ -e "$file" ] || continue
		for inc in $(sed -n 's/^#include "\([a-z]*\)\/.*/\1/p' "$file" | sort -u); do
			case " $allowed " in
			*" $inc "*) ;;
			*) echo "$file includes $inc/, which stands above $layer"; bad=1 ;;
			esac
		done
	done
done
for file in backends/*/*.[ch]; do
	[ -e "$file" ] || continue
	for inc in $(sed -n 's/^#include "\([^"]*\)"/\1/p' "$file"); do
		case $inc in
		base/* | secret/* | store/backend.h | local/* | sftp/* | s3/*) ;;
		*) echo "$file includes $inc"; bad=1 ;;
		esac
	done
done
exit $bad
