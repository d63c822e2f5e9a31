package console

import (
	"strings"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/events"
)

// ringSize is how many messages that went well are kept, and how many others.
const ringSize = 100

// A note is what is kept of a message.
type note struct {
	number         uint64
	at             time.Time
	outcome        events.Outcome
	eventType, id  string
	caller, callee party
	why            string // it did not go well
	took           time.Duration
	receiveCount   int
}

// A party is one side of a call.
type party struct{ name, number, email string }

// usualSize is more than nearly all events have. The strings of an event are in one
// piece of memory, which a short one of them would keep.
const usualSize = 4 << 10

func newNote(r consumer.Result) note {
	n := note{at: time.Now(), outcome: r.Outcome, took: r.Took, receiveCount: r.ReceiveCount}
	if !r.Outcome.Done() {
		n.why = reason(r.Err)
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
			*text = strings.Clone(shortened(*text))
		}
	}
	return n
}

// reason keeps no error, which may hold on to anything, and change.
func reason(err error) string {
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

// after returns the notes that are newer than the one of that number, the oldest first.
func (r *ring) after(number uint64) (notes []note) {
	for i := max(0, r.added-ringSize); i < r.added; i++ {
		if n := r.notes[i%ringSize]; n.number > number {
			notes = append(notes, n)
		}
	}
	return notes
}

// A noteRow is a note as the page shows it.
type noteRow struct {
	Number  uint64         `json:"number"`
	At      int64          `json:"at"`
	Outcome events.Outcome `json:"outcome"`
	Type    string         `json:"type"`
	ID      string         `json:"id"`
	Caller  partyRow       `json:"caller"`
	Callee  partyRow       `json:"callee"`
	Why     string         `json:"why"`
	Took    float64        `json:"took"` // milliseconds
	Receive int            `json:"receive"`
}

type partyRow struct {
	Name   string `json:"name"`
	Number string `json:"number"`
}

func (c *Console) noteRows(notes []note) []noteRow {
	rows := make([]noteRow, len(notes))
	for i, n := range notes {
		rows[i] = noteRow{
			Number: n.number, At: n.at.UnixMilli(), Outcome: n.outcome, Type: c.text(n.eventType), ID: c.id(n.id),
			Caller: c.party(n.caller), Callee: c.party(n.callee), Why: c.why(&n),
			Took: float64(n.took.Microseconds()) / 1000, Receive: n.receiveCount,
		}
	}
	return rows
}
