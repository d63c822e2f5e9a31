package demo

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/consumer"
	"wildix-worker/events"
)

// A screen prints the demo: a line an event, 80 columns wide, in colour on a terminal. It is
// the handler of the demo's events.
type screen struct{ *term.Printer }

func newScreen(out *os.File) *screen { return &screen{term.NewPrinter(out)} }

func (s *screen) intro(queueURL, consoleURL string, forever bool) {
	s.Printf("An embedded queue, made-up calls on it, and a worker that consumes it over HTTP.\n")
	if forever {
		s.Printf("Its console: %s\n", consoleURL)
		s.Printf("Ctrl-C stops it. To use the queue from another terminal:\n\n"+
			"  export WILDIX_QUEUE_URL=%s\n"+
			"  export WILDIX_SECRET=%s AWS_REGION=us-east-1\n"+
			"  export AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=demo\n"+
			"  wildix-worker send      # or: wildix-worker run\n", queueURL, demoSecret)
	} else {
		s.Printf("Its console, while the demo runs (longer with --forever): %s\n", consoleURL)
	}
	s.Printf("\n")
}

const clock = "15:04:05.000"

// HandleEvent prints an event.
func (s *screen) HandleEvent(_ context.Context, e *events.Event) error {
	call, ok := e.Data.(*events.Call)
	if !ok {
		return s.Printf("%s  %s\n", e.Time.Local().Format(clock), e.Type)
	}
	colour := term.Yellow
	switch e.Type {
	case events.CallStart:
		colour = term.Green
	case events.CallEnd:
		colour = term.Faint
	}
	state := call.Status.Value
	if call.EndCauseStr.Valid {
		state = call.EndCauseStr.Value
	}
	return s.Printf("%s  %s  %-37s %s\n", e.Time.Local().Format(clock), s.Paint(colour, fmt.Sprintf("%-11s", e.Type)), parties(call), state)
}

// parties returns the caller and the callee.
func parties(c *events.Call) string {
	caller, callee := "unknown", c.Destination.Value
	if c.Caller != nil {
		caller = strings.TrimSpace(c.Caller.Phone.Value + " " + c.Caller.Name.Value)
	}
	if c.Callee != nil {
		callee = cmp.Or(c.Callee.Name.Value, c.Callee.Phone.Value)
	}
	return caller + " > " + callee
}

// reason returns an error without the outcome, which is printed beside it.
func reason(err error) string {
	return strings.TrimPrefix(fmt.Sprint(err), events.ErrMalformed.Error()+": ")
}

// observe prints the messages that no handler sees.
func (s *screen) observe(r consumer.Result) {
	if r.Outcome.Done() {
		return
	}
	s.Printf("%s  %s  %-37s receive %d of %d\n", time.Now().Format(clock),
		s.Paint(term.Red, fmt.Sprintf("%-11s", r.Outcome)), reason(r.Err), r.ReceiveCount, demoReceives)
}

// summary prints where the messages are.
func (s *screen) summary(l *ledger, forever bool) {
	row := func(what string, n int, which string) { s.Printf("  %-18s %6d  %s\n", what, n, which) }
	s.Printf("\n")
	row("sent", l.sent, "")
	for o := range events.Outcome(events.Outcomes) {
		if n := l.count(o); n > 0 {
			row(o.String(), n, l.list(o))
		}
	}
	row("left on the queue", l.left, "")
	row("dead-letter queue", l.dead, "moved there after two receives")
	if lost := l.lost(); forever && lost != 0 {
		row("elsewhere", lost, "sent or handled from another terminal")
		return
	}
	row("lost", l.lost(), "sent, but neither handled nor in a queue")
}
