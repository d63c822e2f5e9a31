package console

import (
	"strings"
	"sync"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

// ringSize is how many successful messages are kept, and how many others.
const ringSize = 100

// recent holds the last messages and counts all of them.
type recent struct {
	mu      sync.Mutex
	totals  [events.Outcomes]int64
	done    ring // messages that were handled, ignored or duplicates
	trouble ring // the others, kept apart so that successes don't push them out
	count   uint64
	history history
}

func (r *recent) add(result consumer.Result) {
	n := newNote(result)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.totals[n.outcome]++
	r.history.add(n.at, n.outcome, n.took)
	r.count++
	n.number = r.count
	if n.outcome.Done() {
		r.done.add(n)
		return
	}
	r.trouble.add(n)
}

// after returns the totals, the last steps of the history, the notes that are newer than
// the one of a number, and the newest note's number.
func (r *recent) after(number uint64, now time.Time, steps int) (totals [events.Outcomes]int64, points []point, notes []note, last uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	notes = append(r.trouble.after(number), r.done.after(number)...)
	return r.totals, r.history.since(now, steps), notes, r.count
}

// A note is what is kept of a message.
type note struct {
	number         uint64
	at             time.Time
	outcome        events.Outcome
	eventType, id  string
	caller, callee party
	why            string // the error; empty for a success
	took           time.Duration
	receiveCount   int
}

// A party is one side of a call.
type party struct{ name, number, email string }

// usualSize is more than nearly all events have, in bytes. The strings of an event share
// one piece of memory, so that a short one of them keeps the whole event alive.
const usualSize = 4 << 10

func newNote(r consumer.Result) note {
	n := note{at: time.Now(), outcome: r.Outcome, took: r.Took, receiveCount: r.ReceiveCount}
	if !r.Outcome.Done() {
		n.why = errorText(r.Err)
	}
	if r.Event == nil {
		return n
	}
	n.eventType, n.id = r.Event.Type, r.Event.ID
	if call := r.Event.Call(); call != nil {
		n.caller, n.callee = partyOf(call.Caller), partyOf(call.Callee)
		if call.Callee == nil {
			n.callee.number = call.Destination.Value
		}
	}
	if len(r.Event.Raw) > usualSize {
		for _, text := range []*string{&n.eventType, &n.id, &n.caller.name, &n.caller.number, &n.caller.email, &n.callee.name, &n.callee.number, &n.callee.email} {
			*text = strings.Clone(cut(*text, maxText))
		}
	}
	return n
}

// errorText returns the text of an error, which itself may be large and may change.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	return strings.Clone(cut(err.Error(), 4*maxWhy))
}

func partyOf(p *events.Participant) party {
	if p == nil {
		return party{}
	}
	return party{p.Name.Value, p.Phone.Value, p.Email.Value}
}

// A ring keeps the last notes.
type ring struct {
	notes [ringSize]note
	added int
}

func (r *ring) add(n note) {
	r.notes[r.added%ringSize] = n
	r.added++
}

// after returns the notes that are newer than the one of a number, the oldest first.
func (r *ring) after(number uint64) (notes []note) {
	for i := max(0, r.added-ringSize); i < r.added; i++ {
		if n := r.notes[i%ringSize]; n.number > number {
			notes = append(notes, n)
		}
	}
	return notes
}
