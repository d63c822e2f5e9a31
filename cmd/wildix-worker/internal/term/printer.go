// Package term formats what commands print for people: colour, columns, tables, bars,
// durations and text that can't harm a terminal.
package term

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// Columns is the maximum width of output.
const Columns = 80

// The colours of Paint.
const (
	Red    = "31"
	Green  = "32"
	Yellow = "33"
	Faint  = "2"
)

// A Printer prints output for people. Its methods may be called concurrently.
type Printer struct {
	Out    io.Writer
	Colour bool // whether Paint uses colours

	mu  sync.Mutex
	err error
}

// NewPrinter returns a printer to a file, in colour on a terminal unless NO_COLOR is set.
func NewPrinter(f *os.File) *Printer {
	return &Printer{Out: f, Colour: IsTerminal(f) && os.Getenv("NO_COLOR") == ""}
}

// Printf prints like fmt.Printf, and returns the error of this call. Callers may ignore it
// and call Err at the end.
func (p *Printer) Printf(format string, args ...any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := fmt.Fprintf(p.Out, format, args...)
	p.err = cmp.Or(p.err, err)
	return err
}

// Err returns the first error of Printf, or nil.
func (p *Printer) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Paint returns text in a colour, if the printer uses colours.
func (p *Printer) Paint(colour, text string) string {
	if !p.Colour {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// IsTerminal reports whether the file is a terminal.
func IsTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// Warn prints a warning to standard error.
func Warn(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "wildix-worker: warning: "+format+"\n", args...)
}
