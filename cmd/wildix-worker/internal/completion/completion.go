// Package completion is the command completion: it writes the completion script of a
// shell, made from the definition of the command line.
package completion

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Command is the command completion.
type Command struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is what --help shows below the summary.
func (*Command) Help() string {
	return `For bash: source <(wildix-worker completion bash), in ~/.bashrc. For zsh: write it to a
file _wildix-worker in a folder of $fpath. For fish: write it to
~/.config/fish/completions/wildix-worker.fish. The packages install all three.`
}

// Run writes the script.
func (cmd *Command) Run(ctx *kong.Context) error {
	var script strings.Builder
	shells := map[string]func(io.Writer, *kong.Node){"bash": completeBash, "zsh": completeZsh, "fish": completeFish}
	shells[cmd.Shell](&script, ctx.Model.Node)
	_, err := io.WriteString(os.Stdout, script.String())
	return err
}

// flags returns the flags of a command, including --help.
func flags(command *kong.Node) []*kong.Flag { return slices.Concat(command.AllFlags(true)...) }

// values returns the values of a flag or argument that has a list of them, by the tag
// `values` or an argument's enum.
func values(v *kong.Value) string {
	list := v.Tag.Get("values")
	if v.Flag == nil && list == "" {
		list = v.Enum
	}
	return strings.ReplaceAll(list, ",", " ")
}

// isFile reports whether a flag or argument is the name of a file.
func isFile(v *kong.Value) bool {
	if v.Flag != nil {
		return v.Flag.PlaceHolder == "FILE"
	}
	return values(v) == ""
}

// summary returns the first sentence of a help text.
func summary(help string) string {
	sentence, _, _ := strings.Cut(help, ". ")
	return strings.TrimSuffix(sentence, ".")
}

// quote quotes a text for a shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// commandNames returns the names of the commands beneath a command or the program.
func commandNames(of *kong.Node) string {
	var names []string
	for _, c := range of.Children {
		names = append(names, c.Name)
	}
	return strings.Join(names, " ")
}

// groups returns the commands that have subcommands.
func groups(program *kong.Node) (all []*kong.Node) {
	for _, c := range program.Children {
		if len(c.Children) > 0 {
			all = append(all, c)
		}
	}
	return all
}

// completeBash leaves names of files to bash.
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
	# Bash makes a word of the = in --flag=value.
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

func completeZsh(w io.Writer, program *kong.Node) {
	fmt.Fprint(w, "#compdef wildix-worker\n_wildix-worker() {\n\tlocal -a commands\n\tlocal command\n")
	completeZshAfter(w, program)
	// The first time that zsh loads the file from $fpath, it must complete as well.
	fmt.Fprint(w, "}\nif [[ $funcstack[1] == _wildix-worker ]]; then\n\t_wildix-worker\nelse\n\tcompdef _wildix-worker wildix-worker\nfi\n")
}

// completeZshAfter completes what follows a command or the program's name.
func completeZshAfter(w io.Writer, of *kong.Node) {
	fmt.Fprint(w, "\tcommands=(\n")
	for _, c := range of.Children {
		fmt.Fprintf(w, "\t\t%s\n", quote(c.Name+":"+summary(c.Help)))
	}
	fmt.Fprint(w, "\t)\n\tif ((CURRENT == 2)); then\n\t\t_describe command commands\n\t\treturn\n\tfi\n"+
		"\tcommand=$words[2]\n\tshift words\n\t((CURRENT--))\n\tcase $command in\n")
	for _, c := range of.Children {
		fmt.Fprintf(w, "\t%s)\n", c.Name)
		if len(c.Children) > 0 {
			completeZshAfter(w, c)
		} else {
			completeZshFlags(w, c)
		}
		fmt.Fprint(w, "\t;;\n")
	}
	fmt.Fprint(w, "\tesac\n")
}

func completeZshFlags(w io.Writer, c *kong.Node) {
	escape := strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, ":", `\:`)
	action := func(v *kong.Value) string {
		switch {
		case values(v) != "":
			return "(" + values(v) + ")"
		case isFile(v):
			return "_files"
		default:
			return " "
		}
	}
	fmt.Fprint(w, "\t_arguments")
	for _, f := range flags(c) {
		help := "[" + escape.Replace(summary(f.Help)) + "]"
		if !f.IsBool() {
			help = "=" + help + ":" + f.Name + ":" + action(f.Value)
		}
		fmt.Fprintf(w, " \\\n\t\t%s", quote("--"+f.Name+help))
	}
	for i, p := range c.Positional {
		fmt.Fprintf(w, " \\\n\t\t%s", quote(fmt.Sprintf("%d:%s:%s", i+1, p.Name, action(p))))
	}
	fmt.Fprintln(w)
}

func completeFish(w io.Writer, program *kong.Node) {
	how := func(v *kong.Value) string {
		switch {
		case values(v) != "":
			return "-x -a '" + values(v) + "'"
		case isFile(v):
			return "-r -F"
		default:
			return "-x"
		}
	}
	offer := func(condition string, c *kong.Node) {
		fmt.Fprintf(w, "complete -c wildix-worker -n '%s' -a %s -d %s\n", condition, c.Name, quote(summary(c.Help)))
	}
	fmt.Fprint(w, "complete -c wildix-worker -f\n")
	for _, c := range program.Children {
		offer("__fish_use_subcommand", c)
	}
	for _, g := range groups(program) {
		for _, c := range g.Children {
			offer(fmt.Sprintf("__fish_seen_subcommand_from %s; and not __fish_seen_subcommand_from %s", g.Name, commandNames(g)), c)
		}
	}
	for _, c := range program.Leaves(true) {
		seen := "__fish_seen_subcommand_from " + strings.ReplaceAll(c.Path(), " ", "; and __fish_seen_subcommand_from ")
		condition := "complete -c wildix-worker -n '" + seen + "'"
		for _, f := range flags(c) {
			takes := ""
			if !f.IsBool() {
				takes = how(f.Value) + " "
			}
			fmt.Fprintf(w, "%s -l %s %s-d %s\n", condition, f.Name, takes, quote(summary(f.Help)))
		}
		for _, p := range c.Positional {
			fmt.Fprintf(w, "%s %s\n", condition, strings.TrimPrefix(how(p), "-r "))
		}
	}
}
