package completion

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

func completeZsh(w io.Writer, program *kong.Node) {
	fmt.Fprint(w, "#compdef wildix-worker\n_wildix-worker() {\n\tlocal -a commands\n\tlocal command\n")
	completeZshAfter(w, program)
	// Zsh loads the file from $fpath at the first completion, which must work too.
	fmt.Fprint(w, "}\nif [[ $funcstack[1] == _wildix-worker ]]; then\n\t_wildix-worker\nelse\n\tcompdef _wildix-worker wildix-worker\nfi\n")
}

// completeZshAfter completes the words after the name of a command or the program.
func completeZshAfter(w io.Writer, parent *kong.Node) {
	fmt.Fprint(w, "\tcommands=(\n")
	for _, c := range parent.Children {
		fmt.Fprintf(w, "\t\t%s\n", quote(c.Name+":"+summary(c.Help)))
	}
	fmt.Fprint(w, "\t)\n\tif ((CURRENT == 2)); then\n\t\t_describe command commands\n\t\treturn\n\tfi\n"+
		"\tcommand=$words[2]\n\tshift words\n\t((CURRENT--))\n\tcase $command in\n")
	for _, c := range parent.Children {
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
		case values(v) != "" && v.Tag.Has("file"):
			return "{_files; compadd -- " + values(v) + "}"
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
