package completion

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

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
