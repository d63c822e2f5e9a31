package term

import (
	"io"
	"strings"
)

// A Writer writes lines of JSON, or of text with JSON in it, so that they can't harm a
// terminal: it escapes the characters that [Printable] replaces, besides line ends and tabs.
// Each call must have whole characters.
type Writer struct{ Out io.Writer }

// Write writes p. If that fails, it returns 0, since the escaped text has another length.
func (w Writer) Write(p []byte) (int, error) {
	var out []byte
	rest := string(p)
	for rest != "" {
		i := strings.IndexAny(rest, "\n\t")
		if i < 0 {
			out = append(out, PrintableJSON([]byte(rest))...)
			break
		}
		out = append(out, PrintableJSON([]byte(rest[:i]))...)
		out = append(out, rest[i])
		rest = rest[i+1:]
	}
	if _, err := w.Out.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}
