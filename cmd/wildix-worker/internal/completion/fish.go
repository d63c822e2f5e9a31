package completion

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

func completeFish(w io.Writer, program *kong.Node) {
	valueOptions := func(v *kong.Value) string {
		switch {
		case values(v) != "" && v.Tag.Has("file"):
			return "-r -F -a '" + values(v) + "'"
		case values(v) != "":
			return "-x -a '" + values(v) + "'"
		case isFile(v):
			return "-r -F"
		default:
			return "-x"
		}
	}
	completeCommand := func(condition string, c *kong.Node) {
		fmt.Fprintf(w, "complete -c wildix-worker -n '%s' -a %s -d %s\n", condition, c.Name, quote(summary(c.Help)))
	}
	fmt.Fprint(w, "complete -c wildix-worker -f\n")
	for _, c := range program.Children {
		completeCommand("__fish_use_subcommand", c)
	}
	for _, g := range groups(program) {
		for _, c := range g.Children {
			completeCommand(fmt.Sprintf("__fish_seen_subcommand_from %s; and not __fish_seen_subcommand_from %s", g.Name, commandNames(g)), c)
		}
	}
	for _, c := range program.Leaves(true) {
		seen := "__fish_seen_subcommand_from " + strings.ReplaceAll(c.Path(), " ", "; and __fish_seen_subcommand_from ")
		condition := "complete -c wildix-worker -n '" + seen + "'"
		for _, f := range flags(c) {
			options := ""
			if !f.IsBool() {
				options = valueOptions(f.Value) + " "
			}
			fmt.Fprintf(w, "%s -l %s %s-d %s\n", condition, f.Name, options, quote(summary(f.Help)))
		}
		for _, p := range c.Positional {
			fmt.Fprintf(w, "%s %s\n", condition, strings.TrimPrefix(valueOptions(p), "-r "))
		}
	}
}
