package console

import (
	"strings"
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

// A note is a message as the page shows it, before it is masked. Its texts are cut to maxKept,
// and its error to maxKeptReason.
type note struct {
	head
	about
	message string // SQS's id of the message
	reason  string // the error; empty for a success
	body    []byte // the beginning
}

// A head is what a note has besides texts.
type head struct {
	number       uint64
	at           time.Time
	outcome      events.Outcome
	took         time.Duration
	receiveCount int
	sent         time.Time // to SQS
	size         int       // of the body, in bytes
}

// about is what a note says about its event.
type about struct {
	eventType, id             string
	company, pbx, integration string
	caller, callee            party
	happened                  time.Time // the event's own time
}

// A party is one side of a call.
type party struct{ name, number, email string }

// aboutEvent returns what a note says about an event. Its texts share the event's memory.
func aboutEvent(e *events.Event) about {
	a := about{eventType: e.Type, id: e.ID, company: e.Company, pbx: e.PBX, integration: e.IntegrationID, happened: e.Time}
	if call := e.Call(); call != nil {
		a.caller, a.callee = partyOf(call.Caller), partyOf(call.Callee)
		if call.Callee == nil {
			a.callee.number = call.Destination.Value
		}
	}
	for _, text := range a.texts() {
		*text = first(*text, maxKept)
	}
	return a
}

func partyOf(p *events.Participant) party {
	if p == nil {
		return party{}
	}
	return party{p.Name.Value, p.Phone.Value, p.Email.Value}
}

func (a *about) texts() [11]*string {
	return [...]*string{
		&a.eventType, &a.id, &a.company, &a.pbx, &a.integration,
		&a.caller.name, &a.caller.number, &a.caller.email, &a.callee.name, &a.callee.number, &a.callee.email,
	}
}

// clone returns a copy whose texts share one piece of memory, which is not the event's.
func (a about) clone() *about {
	size := 0
	for _, text := range a.texts() {
		size += len(*text)
	}
	var all strings.Builder
	all.Grow(size)
	for _, text := range a.texts() {
		start := all.Len()
		all.WriteString(*text)
		*text = all.String()[start:]
	}
	return &a
}

// A record is a message as it is kept: what costs least to keep. The note is made of it when
// somebody looks.
type record struct {
	head
	texts           []byte // the message's id, the error and the body's beginning, in memory that is used again
	message, reason int    // their lengths
	about           *about // of an event whose body is not kept whole; nil for others
}

// set makes r the record of a message.
func (r *record) set(h head, result *consumer.Result) {
	message := first(result.MessageID, maxKept)
	r.head, r.about = h, nil
	r.texts = append(r.texts[:0], message...)
	r.message, r.reason = len(message), 0
	if !h.outcome.Done() && result.Err != nil {
		reason := first(result.Err.Error(), maxKeptReason)
		r.texts = append(r.texts, reason...)
		r.reason = len(reason)
	}
	if e := result.Event; e != nil {
		r.size = len(e.Raw)
		r.texts = append(r.texts, e.Raw[:min(r.size, maxBody)]...)
		if r.size > maxBody {
			r.about = aboutEvent(e).clone()
		}
	}
}

// clone returns a copy that does not change when another message becomes the record.
func (r *record) clone() record {
	c := *r
	c.texts = append([]byte(nil), r.texts...)
	return c
}

// note returns the note of the record, which shares its memory.
func (r *record) note() note {
	n := note{head: r.head, body: r.texts[r.message+r.reason:]}
	n.message, n.reason = string(r.texts[:r.message]), string(r.texts[r.message:][:r.reason])
	if r.about != nil {
		n.about = *r.about
	} else if e, err := events.Decode(n.body); err == nil {
		n.about = aboutEvent(e)
	}
	return n
}
