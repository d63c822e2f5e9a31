package fleet_test

import (
	"slices"
	"sync"
	"time"
)

// A ledger has an entry for each event, by its number.
type ledger struct {
	mu       sync.Mutex
	entries  []entry
	finished int // events that were handled
}

type entry struct {
	sent     time.Time
	late     time.Duration // until it was handled first, from when it was sent
	handled  uint8         // how often
	receives uint8         // of its message, at most
}

// sent adds an event and returns its number.
func (l *ledger) sent() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, entry{sent: time.Now()})
	return len(l.entries) - 1
}

func (l *ledger) handled(number, receives int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := &l.entries[number]
	if e.handled == 0 {
		e.late = time.Since(e.sent)
		l.finished++
	}
	e.handled++
	e.receives = max(e.receives, uint8(min(receives, 255)))
}

// done returns how many events were handled.
func (l *ledger) done() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.finished
}

// An account is what became of the events.
type account struct {
	events, unhandled int
	p50, p99, worst   time.Duration // lateness
	redelivered       int           // received more than once
	repeated          int           // handled more than once
	mostHandled       int           // how often the same event was handled
}

func (l *ledger) account() account {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := account{events: len(l.entries)}
	var late []time.Duration
	for _, e := range l.entries {
		if e.handled == 0 {
			a.unhandled++
			continue
		}
		late = append(late, e.late)
		if e.receives > 1 {
			a.redelivered++
		}
		if e.handled > 1 {
			a.repeated++
		}
		a.mostHandled = max(a.mostHandled, int(e.handled))
	}
	if len(late) > 0 {
		slices.Sort(late)
		a.p50, a.p99, a.worst = late[len(late)/2], late[len(late)*99/100], late[len(late)-1]
	}
	return a
}
