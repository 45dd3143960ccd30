#!/bin/bash
# Goal: manual and completions say what the program's help says, and installing
# puts them in place.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
man=$B/man/mastvault.1
comp=$B/completion

# has WORD LIST - whole words only.
has() {
	case " $2 " in *" $1 "*) return 0 ;; esac
	fail "'$1' is missing in: $2"
}

# What mastvault's own help knows.
commands=$(mastvault help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ "$(wc -w <<<"$commands")" -ge 9 ] || fail "help lists no commands"
options() {
	mastvault help "$@" | sed -n 's/^  \(-., \|    \)\(--[a-z0-9-]*\).*/\2/p'
}

# complete_bash WORD... - the last one is being typed; says what is offered.
complete_bash() {
	# shellcheck disable=SC2016
	bash --norc -c '. "$1" && shift && COMP_WORDS=(mastvault "$@") &&
		COMP_CWORD=$# && _mastvault && printf "%s\n" "${COMPREPLY[@]}"' \
		- "$comp/mastvault.bash" "$@" | sort | paste -sd' '
}

complete_fish() {
	fish --no-config -c "source $comp/mastvault.fish; complete -C 'mastvault $*'" |
		cut -f 1 | tr '\n' ' '
}

fish=
! command -v fish >/dev/null || fish=1
common=$(options)
[ "$(wc -w <<<"$common")" -ge 7 ] || fail "help lists no options"
for c in $commands; do
	section=$(sed -n "/^\.Ss $c\$/,/^\.S[sh]/p" "$man")
	[ -n "$section" ] || fail "the manual has no section '$c'"
	known=$(options "$c")
	offered=$(complete_bash "$c" -)
	[ -z "$fish" ] || fished=$(complete_fish "$c --")
	for o in $known; do
		has "$o" "$offered"
		[ -z "$fish" ] || has "$o" "${fished//=/ }"
		grep -q -e "${o}[^a-z0-9-]" docs/cli.md || fail "docs/cli.md lacks '$o'"
		case " ${common//$'\n'/ } " in *" $o "*) continue ;; esac
		grep -qx "\.It \(Fl . , \)\?Fl Fl ${o#--}\( .*\)\?" <<<"$section" ||
			fail "the manual lacks '$o' of '$c'"
	done
	# And nothing that the command does not know.
	for o in $offered; do
		case $o in --*) has "$o" "${known//$'\n'/ }" ;; esac
	done
	has "$c" "$(complete_bash '')"
done
for o in $common; do
	grep -q "^\.It \(Fl . , \)\?Fl Fl ${o#--}\( .*\)\?\$" "$man" || fail "the manual lacks '$o'"
done
mastvault help | sed -n '/^Exit codes:/,/^$/s/^ *\([0-9]\{1,\}\) .*/\1/p' >"$T/codes"
[ "$(wc -l <"$T/codes")" = 10 ] || fail "help lists no exit codes"
while read -r code; do
	grep -qx "\.It $code" "$man" || fail "the manual lacks exit code $code"
done <"$T/codes"

# Values and operands.
printf '[one]\nmastodon = /x\n\n[two.2]\nstore = file:///x\n' >"$T/names.conf"
mkdir "$T/some dir"
touch "$T/some file"
is() {
	[ "$2" = "$1" ] || fail "offered '$2' instead of '$1'"
}
is 'one two.2' "$(complete_bash -c "$T/names.conf" backup -e '')"
is two.2 "$(complete_bash backup --config = "$T/names.conf" --env = t)"
is one "$(MASTVAULT_CONFIG=$T/names.conf complete_bash -e o)"
is '' "$(complete_bash -c "$T/absent" -e '')"
is "$T/some dir" "$(complete_bash init --key-dir "$T/some")"
is "$T/some dir $T/some file" "$(complete_bash -c "$T/some")"
is 'file:///' "$(complete_bash init --store f)"
is "//$T/some dir" "$(complete_bash init --store file : "//$T/so")"
is 'db,secrets' "$(complete_bash backup --only db,s)"
is 'db media redis secrets' "$(complete_bash backup --only '')"
is latest "$(complete_bash restore --kit file -v l)"
is 'db env redis' "$(complete_bash cat latest '')"
is 'accept add kit list new passphrase remove show test' "$(complete_bash key '')"
is "$T/some dir $T/some file" "$(complete_bash key show "$T/some")"
is "$T/some dir $T/some file" "$(complete_bash key show a b "$T/some")"
is restore "$(complete_bash help res)"
is '' "$(complete_bash backup --tag '')"
if [ -n "$fish" ]; then
	is 'one two.2 ' "$(complete_fish "-c $T/names.conf backup -e ")"
	is 'latest ' "$(complete_fish 'restore --kit file -v ')"
	is 'db env redis ' "$(complete_fish 'cat latest ')"
	is 'passphrase ' "$(complete_fish 'key p')"
	is 'backup ' "$(complete_fish '-e help b')"
fi
if command -v zsh >/dev/null; then
	zsh -f tests/support/complete.zsh "$comp" "$T/names.conf" || fail "completion of zsh"
fi

# A page that does not describe every key, or one too many, is not made.
grep -v '^@key level@$' docs/man/mastvault.conf.5.in >"$T/page.in"
expect 1 "$B/describe" "$T/page.in"
says level
sed 's/^@key level@$/@key levle@/' docs/man/mastvault.conf.5.in >"$T/page.in"
expect 1 "$B/describe" "$T/page.in"
says levle

# The examples are configurations: what is wrong with them is only that there
# is no such repository.
sed -n '/^\.Bd/,/^\.Ed/p' "$B/man/mastvault.conf.5" | awk -v dir="$T" '
	/^\[/ { file = dir "/example" ++n ".conf" }
	/^\.E/ { file = "" }
	file { print >file }'
cp docs/mastvault.conf.example "$T/example3.conf"
sed 's/^;\([a-z]\)/\1/; /^passphrase-command/d' docs/mastvault.conf.example >"$T/example4.conf"
for n in 1 2 3 4; do
	chmod 600 "$T/example$n.conf"
	# There are no keys, which is wrong usage, too; but no line is wrong.
	expect '1|2|10|11' mastvault -c "$T/example$n.conf" snapshots
	! grep -q "example$n.conf" "$T/err" || fail "example $n is refused"
done
sed -n 's/^\.It Ic \([a-z-]*\) .*/\1/p' "$B/man/mastvault.conf.5" >"$T/keys"
while read -r key; do
	grep -q "^;\?$key = " docs/mastvault.conf.example || fail "the example lacks '$key'"
	grep -qF "\`$key\`" docs/cli.md || fail "docs/cli.md lacks '$key'"
done <"$T/keys"

# No page makes a formatter complain, where there is one.
for page in "$B"/man/*; do
	if command -v man >/dev/null && command -v groff >/dev/null; then
		man --warnings -E UTF-8 -l "$page" >/dev/null 2>"$T/warnings"
		groff -ww -mdoc -Tutf8 -z "$page" 2>>"$T/warnings"
		[ ! -s "$T/warnings" ] || fail "$page: $(cat "$T/warnings")"
	fi
	if command -v mandoc >/dev/null; then
		mandoc -Tlint -W warning "$page" >"$T/warnings" 2>&1 ||
			fail "$page: $(cat "$T/warnings")"
	fi
done

# Installed and removed again, nothing is left.
make -s B="$B" install DESTDIR="$T/root" PREFIX=/usr
for f in bin/mastvault share/man/man1/mastvault.1 share/man/man5/mastvault.conf.5 \
	share/bash-completion/completions/mastvault share/doc/mastvault/format.md \
	lib/systemd/system/mastvault-backup@.timer; do
	[ -s "$T/root/usr/$f" ] || fail "'$f' is not installed"
done
! grep -r '@BINDIR@' "$T/root" || fail "a place is not filled in"
"$T/root/usr/bin/mastvault" --version >/dev/null
if command -v systemd-analyze >/dev/null; then
	sed -i "s|^ExecStart=/usr|ExecStart=$T/root/usr|" "$T/root/usr/lib/systemd/system/"*.service
	for unit in "$T/root/usr/lib/systemd/system/mastvault-backup@."*; do
		SYSTEMD_UNIT_PATH=$T/root/usr/lib/systemd/system: systemd-analyze verify --man=no \
			"${unit/@./@production.}" >"$T/warnings" 2>&1 || fail "$(cat "$T/warnings")"
		! grep mastvault "$T/warnings" || fail "$unit"
	done
fi
make -s B="$B" uninstall DESTDIR="$T/root" PREFIX=/usr
left=$(find "$T/root" -not -type d)
[ -z "$left" ] || fail "left: $left"
echo "the manual, three completions and the program agree"
