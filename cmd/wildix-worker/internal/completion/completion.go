// Package completion is the command completion: it writes the completion script of a
// shell, made from the definition of the command line.
package completion

import (
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

// values returns the values that a flag or argument can have, separated by spaces: those of
// its tag `values` or, for an argument, of its enum. It is empty if any value is allowed. With
// the tag `file`, the name of a file is allowed too.
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

// commandNames returns the names of the subcommands of a command or the program.
func commandNames(parent *kong.Node) string {
	var names []string
	for _, c := range parent.Children {
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
