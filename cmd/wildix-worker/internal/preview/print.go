package preview

import (
	"fmt"
	"strings"

	"wildix-worker/cmd/wildix-worker/internal/term"
)

// Print prints what would be sent, indented.
func (p Preview) Print(out *term.Printer) {
	line := func(label, value string) {
		if value != "" {
			out.Printf("  %s%s\n", label, term.Printable(value))
		}
	}
	if p.Method != "" {
		line(p.Method+" to ", p.Host)
	}
	if len(p.Command) > 0 {
		line("runs ", commandLine(p.Command)+", with this on standard input:")
	}
	line("to ", p.Target)
	line("From: ", p.From)
	line("To: ", strings.Join(p.To, ", "))
	line("Subject: ", p.Subject)
	for _, h := range p.Headers {
		line(h.Name+": ", h.Value)
	}
	for text := range strings.SplitSeq(strings.Trim(p.Body, "\n"), "\n") {
		if text = term.Printable(strings.TrimSuffix(text, "\r")); text != "" {
			text = "    " + text
		}
		out.Printf("%s\n", text)
	}
}

// commandLine returns arguments on one line, those with spaces in quotes.
func commandLine(args []string) string {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = arg
		if arg == "" || strings.ContainsAny(arg, " \t\n\"'") {
			words[i] = fmt.Sprintf("%q", arg)
		}
	}
	return strings.Join(words, " ")
}
