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

// Columns is the width that output fits into.
const Columns = 80

// Colours of Paint.
const (
	Red    = "31"
	Green  = "32"
	Yellow = "33"
	Faint  = "2"
)

// A Printer prints to a person. It may be used by several goroutines at once.
type Printer struct {
	Out    io.Writer
	Colour bool // use colours

	mu  sync.Mutex
	err error
}

// NewPrinter returns a printer to a file, in colour on a terminal unless NO_COLOR is set.
func NewPrinter(f *os.File) *Printer {
	return &Printer{Out: f, Colour: IsTerminal(f) && os.Getenv("NO_COLOR") == ""}
}

// Printf prints like fmt.Printf. It returns the error of this call; see Err.
func (p *Printer) Printf(format string, args ...any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := fmt.Fprintf(p.Out, format, args...)
	p.err = cmp.Or(p.err, err)
	return err
}

// Err returns the first error of printing, or nil.
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
