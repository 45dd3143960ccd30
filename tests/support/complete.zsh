# complete.zsh COMPLETIONS CONFIGURATION - types into a zsh of its own and looks
# at what it offers.
zmodload zsh/zpty || exit 1
emulate -R zsh
completions=$1 configuration=$2
bad=0

zpty shell zsh -f -i
line() {
	zpty -w shell "$1"
}
line "PS1= RPS1= TERM=dumb; fpath=($completions:A \$fpath); autoload -Uz compinit; compinit -u -D"
line 'zstyle ":completion:*" list-grouped false; zstyle ":completion:*" verbose no; LISTMAX=1000; COLUMNS=200; setopt no_list_beep; stty -echo'
line 'echo ready'
zpty -r shell out '*ready*ready*'

# offers TEXT WORD... - with the cursor behind TEXT.
offers() {
	local text=$1 out= all= word
	shift
	zpty -w -n shell "$text"$'\t'
	while zpty -r -t shell out 2>/dev/null || { sleep 0.3; zpty -r -t shell out 2>/dev/null }; do
		all+=$out
	done
	# Nothing typed stays.
	zpty -w -n shell $'\x15'
	for word; do
		[[ $all == *"$word"* ]] || {
			print -r -- "'$text' does not offer '$word', but: $all"
			bad=1
		}
	done
}

offers 'mastvault ' backup restore snapshots
offers 'mastvault restore --' --create-roles --expect --kit
offers "mastvault -c $configuration backup -e " one two.2
offers 'mastvault cat latest ' db env
offers 'mastvault key ' show passphrase
zpty -d shell
exit $bad
