package demo

import (
	"fmt"
	"os"
	"strings"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/columns"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/consumer"
	"wildix-worker/events"
)

// A screen prints the demo. It is the handler of the destination log.
type screen struct {
	*term.Printer
	*columns.Handler
}

func newScreen(out *os.File) *screen {
	printer := term.NewPrinter(out)
	return &screen{printer, columns.New(printer, false)} // the people of the demo do not exist
}

func (s *screen) intro(queueURL, consoleURL string, forever bool) {
	s.Printf("An embedded queue, made-up calls on it, and a worker that consumes it over HTTP.\n" +
		"Events have two destinations: log, which prints them below, and crm, an HTTP\n" +
		"endpoint that is down for a while. Then its events are held, and log goes on.\n")
	if forever {
		s.Printf("Its console: %s\n", consoleURL)
		s.Printf("Ctrl-C stops it. To use the queue from another terminal:\n\n")
		s.environment(queueURL, "wildix-worker send      # or: wildix-worker run")
	} else {
		s.Printf("Its console, while the demo runs (longer with --forever): %s\n", consoleURL)
	}
	s.Printf("\n")
}

// environment prints the settings with which other programs reach the queue, and a command.
func (s *screen) environment(queueURL, command string) {
	s.Printf("  export WILDIX_QUEUE_URL=%s\n"+
		"  export WILDIX_SECRET=%s AWS_REGION=us-east-1\n"+
		"  export AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=demo\n"+
		"  %s\n", queueURL, demoSecret, command)
}

func (s *screen) queueIntro(queueURL string) {
	s.Printf("An embedded queue with its dead-letter queue. Ctrl-C stops it, and its messages are\n" +
		"gone. To use it from other terminals:\n\n")
	s.environment(queueURL, "wildix-worker run       # in one, and in another: wildix-worker send")
	s.Printf("\n")
}

func (s *screen) queueSummary(left, dead int) {
	s.row("left on the queue", left, "")
	s.row("dead-letter queue", dead, "moved there after two receives")
}

// reason returns the text of an error without the outcome, which is printed beside it.
func reason(err error) string {
	return strings.TrimPrefix(fmt.Sprint(err), events.ErrMalformed.Error()+": ")
}

// observe prints a message that was not handled.
func (s *screen) observe(r consumer.Result) {
	if r.Outcome.Done() {
		return
	}
	s.Printf("%s\n", columns.Line(s.Printer, time.Now(), term.Red, r.Outcome.String(), reason(r.Err),
		fmt.Sprintf("receive %d of %d", r.ReceiveCount, demoReceives)))
}

// outage prints the state of a destination.
func (s *screen) outage(colour, name, what, held string) {
	s.Printf("%s\n", columns.Line(s.Printer, time.Now(), colour, name, what, held))
}

func (s *screen) row(name string, n int, detail string) {
	s.Printf("  %-18s %6d  %s\n", name, n, detail)
}

// summary prints where the messages are.
func (s *screen) summary(l *ledger, forever bool) {
	s.Printf("\n")
	s.row("sent", l.sent, "")
	for o := range events.Outcome(events.Outcomes) {
		if n := l.count(o); n > 0 {
			s.row(o.String(), n, l.list(o))
		}
	}
	for _, r := range l.destinations {
		s.row("delivered to "+r.name, r.deliveries.count, fmt.Sprintf("repeats %d, held at most %d, down for %s",
			r.deliveries.repeats, r.maxHeld, seconds(r.down)))
	}
	s.row("left on the queue", l.left, "")
	s.row("dead-letter queue", l.dead, "moved there after two receives")
	if lost := l.lost(); forever && lost != 0 {
		s.row("elsewhere", lost, "sent or handled from another terminal")
		return
	}
	s.row("lost", l.lost(), "sent, but neither delivered to both nor in a queue")
}
