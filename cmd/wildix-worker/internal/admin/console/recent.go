package console

import (
	"slices"
	"strings"
	"sync"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

const (
	// ringSize is how many successful messages are kept, and how many others.
	ringSize = 100
	// maxBody is how many bytes are kept of the body of an event.
	maxBody = 4 << 10
)

// recent keeps the last messages and counts all of them.
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
		r.done.add(n, result.Event)
		return
	}
	r.trouble.add(n, result.Event)
}

// find returns the note with a number that was made at a time in Unix milliseconds, and a
// copy of the beginning of the event's body. The time tells apart the notes of two workers.
func (r *recent) find(number uint64, at int64) (n note, body []byte, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, kept := range []*ring{&r.done, &r.trouble} {
		for i := range min(kept.added, ringSize) {
			if n := kept.notes[i]; n.number == number && n.at.UnixMilli() == at {
				return n, slices.Clone(kept.bodies[i]), true
			}
		}
	}
	return note{}, nil, false
}

// after returns the totals, the last steps of the history, the notes after the one with the
// given number, and the number of the newest note.
func (r *recent) after(number uint64, now time.Time, steps int) (totals [events.Outcomes]int64, points []point, notes []note, last uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	notes = append(r.trouble.after(number), r.done.after(number)...)
	return r.totals, r.history.since(now, steps), notes, r.count
}

// A note is what the console keeps of a message, apart from the body. Its texts are cut to
// maxKept, and its error to maxKeptReason.
type note struct {
	number         uint64
	at             time.Time
	outcome        events.Outcome
	eventType, id  string
	caller, callee party
	reason         string // the error; empty for a success
	took           time.Duration
	receiveCount   int

	company, pbx, integration string
	happened                  time.Time // the event's own time
	size                      int       // of the body, in bytes
	message                   string    // SQS's id of the message
	sent                      time.Time // to SQS
}

// A party is one side of a call.
type party struct{ name, number, email string }

// newNote returns a note of a message, which keeps neither the event nor the error in memory.
func newNote(r consumer.Result) note {
	n := note{
		at: time.Now(), outcome: r.Outcome, took: r.Took, receiveCount: r.ReceiveCount,
		message: r.MessageID, sent: r.SentAt,
	}
	if !r.Outcome.Done() && r.Err != nil {
		n.reason = first(r.Err.Error(), maxKeptReason)
	}
	if e := r.Event; e != nil {
		n.eventType, n.id, n.company, n.pbx, n.integration = e.Type, e.ID, e.Company, e.PBX, e.IntegrationID
		n.happened, n.size = e.Time, len(e.Raw)
		if call := e.Call(); call != nil {
			n.caller, n.callee = partyOf(call.Caller), partyOf(call.Callee)
			if call.Callee == nil {
				n.callee.number = call.Destination.Value
			}
		}
	}
	n.copyTexts()
	return n
}

// copyTexts replaces the texts of a note by the beginnings of them, which share one piece of
// memory. The strings of an event share that of the event.
func (n *note) copyTexts() {
	texts := [...]*string{
		&n.eventType, &n.id, &n.caller.name, &n.caller.number, &n.caller.email, &n.callee.name, &n.callee.number, &n.callee.email,
		&n.company, &n.pbx, &n.integration, &n.message, &n.reason,
	}
	size := 0
	for _, text := range texts {
		if text != &n.reason {
			*text = first(*text, maxKept)
		}
		size += len(*text)
	}
	var all strings.Builder
	all.Grow(size)
	for _, text := range texts {
		start := all.Len()
		all.WriteString(*text)
		*text = all.String()[start:]
	}
}

func partyOf(p *events.Participant) party {
	if p == nil {
		return party{}
	}
	return party{p.Name.Value, p.Phone.Value, p.Email.Value}
}

// A ring keeps the last ringSize notes, each with the beginning of its event's body.
type ring struct {
	notes  [ringSize]note
	bodies [ringSize][]byte // at most maxBody bytes, in memory that is used again
	added  int
}

func (r *ring) add(n note, e *events.Event) {
	i := r.added % ringSize
	r.notes[i], r.bodies[i] = n, r.bodies[i][:0]
	if e != nil {
		r.bodies[i] = append(r.bodies[i], e.Raw[:min(len(e.Raw), maxBody)]...)
	}
	r.added++
}

// after returns the notes after the one with the given number, the oldest first.
func (r *ring) after(number uint64) (notes []note) {
	for i := max(0, r.added-ringSize); i < r.added; i++ {
		if n := r.notes[i%ringSize]; n.number > number {
			notes = append(notes, n)
		}
	}
	return notes
}
