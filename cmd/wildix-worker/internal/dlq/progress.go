package dlq

import (
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"wildix-worker/cmd/wildix-worker/internal/term"
)

// lineInterval is the time between two lines of progress where there is no terminal.
const lineInterval = 10 * time.Second

// progress shows the progress of a task on standard error: a bar on a terminal, a line
// every ten seconds elsewhere.
type progress struct {
	*term.Printer
	terminal bool
	lastLine time.Time
	begun    time.Time // when the bar was first shown
	first    int64     // messages that were moved by then
	shown    bool      // the bar is on the current line
	warned   bool      // that more is moved than there was
}

func newProgress() *progress {
	return &progress{Printer: term.NewPrinter(os.Stderr), terminal: term.IsTerminal(os.Stderr), lastLine: time.Now()}
}

// show shows a state, which may be nil.
func (p *progress) show(state *taskState) {
	var moved, total int64
	if state != nil {
		moved, total = state.ApproximateNumberOfMessagesMoved, aws.ToInt64(state.ApproximateNumberOfMessagesToMove)
	}
	if total > 0 && moved > total && !p.warned {
		p.clear()
		term.Warn("more messages were moved than there were at first: they come back, or new ones arrive; Ctrl-C cancels")
		p.warned = true
	}
	switch {
	case p.terminal:
		if p.begun.IsZero() {
			p.begun, p.first = time.Now(), moved
		}
		p.Printf("\r%s\x1b[K", term.Bar(moved, total, float64(moved-p.first)/time.Since(p.begun).Seconds()))
		p.shown = true
	case time.Since(p.lastLine) >= lineInterval:
		p.Printf("moved %d of about %d\n", moved, total)
		p.lastLine = time.Now()
	}
}

// clear clears the line of the bar for other output.
func (p *progress) clear() {
	if p.shown {
		p.Printf("\r\x1b[K")
		p.shown = false
	}
}
