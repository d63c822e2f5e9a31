package term

import (
	"os"
	"time"
)

const (
	// lineInterval is the time between two lines of progress without a terminal, and
	// barInterval between two states of a bar.
	lineInterval = 10 * time.Second
	barInterval  = 100 * time.Millisecond
)

// Progress shows the progress of a command on standard error: a bar on a terminal, otherwise a
// line every ten seconds.
type Progress struct {
	*Printer
	Terminal bool      // shows a bar
	last     time.Time // when it was last shown
	started  time.Time // when the bar was first shown
	first    int64     // what was done then
	shown    bool      // the bar is on the current line
}

// NewProgress returns a progress that shows nothing yet.
func NewProgress() *Progress {
	p := &Progress{Printer: NewPrinter(os.Stderr), Terminal: IsTerminal(os.Stderr)}
	if !p.Terminal {
		p.last = time.Now()
	}
	return p
}

// Show shows how much is done, as a bar or as the line, unless it did so a moment ago.
func (p *Progress) Show(done, total int64, line string) {
	now := time.Now()
	switch {
	case p.Terminal && now.Sub(p.last) >= barInterval:
		if p.started.IsZero() {
			p.started, p.first = now, done
		}
		p.Printf("\r%s\x1b[K", Bar(done, total, float64(done-p.first)/now.Sub(p.started).Seconds()))
		p.shown, p.last = true, now
	case !p.Terminal && now.Sub(p.last) >= lineInterval:
		p.Printf("%s\n", line)
		p.last = now
	}
}

// Clear clears the line of the bar for other output.
func (p *Progress) Clear() {
	if p.shown {
		p.Printf("\r\x1b[K")
		p.shown, p.last = false, time.Time{}
	}
}
