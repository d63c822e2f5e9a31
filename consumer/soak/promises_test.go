package soak_test

import "fmt"

// The promises that the soak checks, each named for the case that breaks it.
const (
	lost = iota
	leftUnhandled
	deadTooEarly
	deletedUnhandled
	forgedHandled
	malformedHandled
	outOfOrder
	workerFailed
	unknownHandled
)

var promises = []struct{ name, meaning string }{
	lost:             {"lost", "on no queue and not handled by all destinations"},
	leftUnhandled:    {"left unhandled", "valid, and still on the queue"},
	deadTooEarly:     {"dead too early", "on the dead-letter queue after less than half of its receives"},
	deletedUnhandled: {"deleted unhandled", "a delete was requested before all destinations had the message"},
	forgedHandled:    {"forged handled", "with any kind of invalid signature"},
	malformedHandled: {"malformed handled", "signed, but not an event"},
	outOfOrder:       {"out of order", "first handled by a destination before the message before it in its FIFO group"},
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
	if fate.left > 0 && fate.handled == 0 && m.class == valid {
		r.breaks(leftUnhandled, m.id)
	}
	if fate.touched > 0 && m.class == forged {
		r.breaks(forgedHandled, m.id)
	}
	if fate.touched > 0 && m.class == malformed {
		r.breaks(malformedHandled, m.id)
	}
}

// checkOrder checks the order of the first handlings in each FIFO group. A message that
// is handled again after its successor is only a repeat.
func (r *report) checkOrder(q *queue) {
	for _, first := range q.ledger.first {
		r.checkOrderOf(q, first)
	}
}

func (r *report) checkOrderOf(q *queue, first []int) {
	position := make(map[int]int, len(first))
	for i, n := range first {
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
