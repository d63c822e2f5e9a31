package completion

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// completeBash writes the script for bash, which completes file names by itself.
func completeBash(w io.Writer, program *kong.Node) {
	var groupCases, valueCases, flagCases string
	for _, g := range groups(program) {
		groupCases += fmt.Sprintf("\t\t%s) ((COMP_CWORD > 2)) && command+=\" ${COMP_WORDS[2]}\" ;;\n", g.Name)
		flagCases += fmt.Sprintf("\t\t%s) words='%s' ;;\n", g.Name, commandNames(g))
	}
	for _, c := range program.Leaves(true) {
		words := ""
		for _, f := range flags(c) {
			words += " --" + f.Name
			if !f.IsBool() {
				valueCases += fmt.Sprintf("\t'%s --%s') words='%s' ;;\n", c.Path(), f.Name, values(f.Value))
			}
		}
		for _, p := range c.Positional {
			words += " " + values(p)
		}
		flagCases += fmt.Sprintf("\t\t'%s') words='%s' ;;\n", c.Path(), strings.TrimSpace(words))
	}
	fmt.Fprintf(w, `# bash completion for wildix-worker
_wildix_worker() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command= words=
	# Bash splits --flag=value into three words.
	if [[ $cur == = ]]; then
		cur=
	elif [[ $prev == = ]]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	if ((COMP_CWORD > 1)); then
		command=${COMP_WORDS[1]}
		case $command in
%s		esac
	fi
	case "$command $prev" in
	\ *) words='%s' ;;
%s	*)
		case $command in
%s		esac
		;;
	esac
	COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _wildix_worker wildix-worker
`, groupCases, commandNames(program), valueCases, flagCases)
}
