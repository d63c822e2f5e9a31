// Package manual is the command manual: it writes the manual page, made from the
// definition of the command line.
package manual

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"wildix-worker/cmd/wildix-worker/internal/buildinfo"
)

// Command is the command manual.
type Command struct{}

// Help is what --help shows below the summary.
func (*Command) Help() string {
	return `To read the page if it is not installed: wildix-worker manual | man -l -`
}

// Run writes the page.
func (*Command) Run(ctx *kong.Context, v buildinfo.Version) error {
	var page strings.Builder
	Write(&page, ctx.Model, v)
	_, err := io.WriteString(os.Stdout, page.String())
	return err
}

// Write writes the page in the language of man(7).
func Write(w io.Writer, program *kong.Application, v buildinfo.Version) {
	fmt.Fprintf(w, ".TH WILDIX-WORKER 1 \"\" \"wildix-worker %s\"\n", roff(string(v)))
	fmt.Fprint(w, ".SH NAME\nwildix-worker \\- consume the call events of a Wildix PBX\n")
	fmt.Fprint(w, ".SH SYNOPSIS\n.B wildix-worker\n.I command\n.RI [ flags ]\n")
	fmt.Fprintf(w, ".SH DESCRIPTION\n%s\n", roff(program.Help))
	fmt.Fprint(w, ".PP\nA flag that is not given takes its value from the environment variable in brackets\nbelow it.\n")
	fmt.Fprint(w, ".SH COMMANDS\n")
	for _, c := range program.Leaves(true) {
		fmt.Fprintf(w, ".SS %s\n%s\n", roff(c.Summary()), roff(c.Help))
		for paragraph := range strings.SplitSeq(c.Detail, "\n\n") {
			if paragraph != "" {
				fmt.Fprintf(w, ".PP\n%s\n", roff(paragraph))
			}
		}
		for _, p := range c.Positional {
			fmt.Fprintf(w, ".TP\n.I %s\n%s\n", roff(p.Name), roff(p.Help))
		}
		for _, f := range c.Flags {
			if !f.Hidden {
				writeFlag(w, f)
			}
		}
	}
	fmt.Fprint(w, ".SH SEE ALSO\ndocs/configuration.md also lists the settings that are secret and so have no flag.\n")
}

func writeFlag(w io.Writer, f *kong.Flag) {
	fmt.Fprintf(w, ".TP\n.B %s", roff("--"+f.Name))
	if !f.IsBool() {
		fmt.Fprintf(w, "=\\fI%s\\fR", roff(strings.Trim(f.FormatPlaceHolder(), `"`)))
	}
	fmt.Fprintf(w, "\n%s\n", roff(f.Help))
	if len(f.Envs) > 0 {
		fmt.Fprintf(w, ".br\n[\\fB%s\\fR]\n", roff(strings.Join(f.Envs, ", ")))
	}
}

// roff escapes text that roff would read as an instruction.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n.", "\n\\&.", "\n'", "\n\\&'").Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
