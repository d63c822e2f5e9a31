package soak_test

import "fmt"

// The promises that the soak checks, each named for the case that breaks it.
const (
	lost = iota
	deletedUnhandled
	forgedHandled
	malformedHandled
	outOfOrder
	workerFailed
	unknownHandled
)

var promises = []struct{ name, meaning string }{
	lost:             {"lost", "on no queue and never handled"},
	deletedUnhandled: {"deleted unhandled", "a delete was requested before a handler had succeeded"},
	forgedHandled:    {"forged handled", "with any kind of invalid signature"},
	malformedHandled: {"malformed handled", "signed, but not an event"},
	outOfOrder:       {"out of order", "first handled before the message before it in its FIFO group"},
	workerFailed:     {"workers that failed", "crashed, hung, or did not drain without faults"},
	unknownHandled:   {"unknown handled", "with an id that was never sent"},
}

// breaks records a case that breaks a promise.
func (r *report) breaks(promise int, description string) {
	r.broken[promise] = append(r.broken[promise], description)
}

// checkFate checks the promises about a single message.
func (r *report) checkFate(m message, fate row) {
	if fate.gone > 0 {
		r.breaks(lost, m.id)
	}
	if fate.handled > 0 && m.class == forged {
		r.breaks(forgedHandled, m.id)
	}
	if fate.handled > 0 && m.class == malformed {
		r.breaks(malformedHandled, m.id)
	}
}

// checkOrder checks the order of the first handlings in each FIFO group. A message that
// is handled again after its successor is only a repeat.
func (r *report) checkOrder(q *queue) {
	position := make(map[int]int, len(q.ledger.first))
	for i, n := range q.ledger.first {
		position[n] = i
	}
	for n, m := range q.messages {
		own, handled := position[n]
		if !handled || m.after < 0 {
			continue
		}
		before, ok := position[m.after]
		switch {
		case ok && before < own:
		case q.dead[m.after]:
			r.afterDead++
		default:
			r.breaks(outOfOrder, fmt.Sprintf("%s before %s", m.id, q.messages[m.after].id))
		}
	}
}
