package demo

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

// A ledger records which messages were sent, and the outcome of each. A message that is
// received several times counts once.
type ledger struct {
	mu        sync.Mutex
	sent      int
	unsettled map[string]bool // by message id: sent, without an outcome yet
	early     map[string]bool // by message id: has an outcome, but send was not called yet
	kinds     [events.Outcomes]map[string]int

	left, dead   int // messages on the queue and on the dead-letter queue at the end
	destinations []*record
}

func newLedger() *ledger {
	l := &ledger{unsettled: make(map[string]bool), early: make(map[string]bool)}
	for o := range l.kinds {
		l.kinds[o] = make(map[string]int)
	}
	return l
}

// send records the ids of messages that were sent.
func (l *ledger) send(ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent += len(ids)
	for _, id := range ids {
		if l.early[id] {
			delete(l.early, id)
			continue
		}
		l.unsettled[id] = true
	}
}

// observe records the outcome of a message, unless it has one already.
func (l *ledger) observe(r consumer.Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.ReceiveCount > 1 && !l.unsettled[r.MessageID] {
		return
	}
	if l.unsettled[r.MessageID] {
		delete(l.unsettled, r.MessageID)
	} else {
		l.early[r.MessageID] = true
	}
	kind := reason(r.Err)
	if r.Event != nil {
		kind = r.Event.Type
	}
	l.kinds[r.Outcome][kind]++
}

// pending returns how many messages have no outcome yet.
func (l *ledger) pending() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.unsettled)
}

// lost returns how many sent messages were not handled, or did not arrive at a destination,
// and are in neither queue.
func (l *ledger) lost() int {
	complete := l.count(events.Handled)
	for _, r := range l.destinations {
		complete = min(complete, r.deliveries.count)
	}
	return l.sent - complete - l.left - l.dead
}

// count returns how many messages have an outcome.
func (l *ledger) count(o events.Outcome) int {
	sum := 0
	for _, n := range l.kinds[o] {
		sum += n
	}
	return sum
}

// list lists the messages with an outcome by event type or, if they have no event, by error.
func (l *ledger) list(o events.Outcome) string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(l.kinds[o])) {
		parts = append(parts, fmt.Sprintf("%d %s", l.kinds[o][kind], kind))
	}
	return strings.Join(parts, ", ")
}
