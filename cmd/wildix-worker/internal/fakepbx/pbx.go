// Package fakepbx makes up the events of calls between people who do not exist.
package fakepbx

import (
	"fmt"
	"math/rand/v2"
	"time"

	"wildix-worker/events"
)

// A PBX simulates a PBX.
type PBX struct {
	Random *rand.Rand
	// Integration is the integration that sends the events.
	Integration string
	// GivenUp makes every call end because the caller gives up before anybody answers.
	GivenUp bool

	started int64 // in microseconds; part of call ids, so that those of two PBXs differ
	calls   int   // started so far
}

// New returns a PBX with random calls.
func New() *PBX {
	return &PBX{
		Random: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), Integration: Integration,
		started: time.Now().UnixMicro(),
	}
}

// Integration is the integration of a new PBX.
const Integration = "8qkmnq"

const (
	demoCompany = "example"
	demoSerial  = "221100001bab"
	demoTrunk   = "Main trunk"
)

// A Call is a simulated call.
type Call struct {
	ID          string
	integration string
	past        time.Duration // how long ago the call takes place
	last        int64         // time of the last event, in milliseconds
	data        events.Call
	callee      *events.Participant
	updates     int // call:update events still to come
	started     bool
	Ended       bool
	ending      ending
}

// An ending is how a call ends.
type ending int

const (
	answered ending = iota
	givenUp         // the caller hangs up before anybody answers, as in most missed calls
	noAnswer
)

// end returns what call:end says. A caller who gives up ends the call as normally as one
// who has talked.
func (e ending) end() (cause, text, by string) {
	if e == noAnswer {
		return "19", "No Answer", ""
	}
	return "16", "Normal Clearing", "CALLER"
}

// The phone numbers are from the range that North America reserves for fiction.
var (
	callers = []string{"Ada Example", "Grace Sample", "Alan Model", "Edsger Demo", "Eva Muster", ""}
	staff   = []string{"Reception", "Sales", "Support", "Accounts"}
)

// NewCall starts a call from outside to a member of staff.
func (p *PBX) NewCall() *Call {
	p.calls++
	caller := p.Random.IntN(len(callers))
	callee := p.Random.IntN(len(staff))
	extension := fmt.Sprint(200 + callee)
	c := &Call{
		integration: p.Integration,
		ID:          fmt.Sprintf("%s_%d.%d", demoCompany, p.started, p.calls),
		data: events.Call{
			Status:      text("CONNECTING"),
			Caller:      &events.Participant{Type: text("REMOTE"), Phone: text(fmt.Sprintf("+1202555010%d", caller)), Name: optional(callers[caller])},
			Destination: text(extension), TrunkName: text(demoTrunk), Tags: []string{}, Flags: []string{},
		},
		callee: &events.Participant{
			Type: text("LOCAL"), Phone: text(extension), Name: text(staff[callee]), UserExtension: text(extension),
			Email: text(fmt.Sprintf("%s@example.com", extension)), GroupName: text("Default"),
		},
		updates: 1 + p.Random.IntN(3),
		ending:  []ending{answered, answered, answered, answered, answered, answered, givenUp, givenUp, noAnswer}[p.Random.IntN(9)],
	}
	if p.GivenUp {
		c.ending = givenUp
	}
	if staff[callee] == "Support" {
		c.data.QueueName, c.data.QueueID = text("Support queue"), text("1")
	}
	return c
}

// Next returns the next event of the call.
func (c *Call) Next() (eventType string, bodyText []byte) {
	switch {
	case !c.started:
		c.started = true
		eventType = events.CallStart
	case c.updates > 0:
		c.updates--
		c.data.Callee = c.callee
		c.data.Status = text("RINGING")
		if c.updates == 0 && c.ending == answered {
			c.data.Status = text("TALKING")
		}
		eventType = events.CallUpdate
	default:
		c.end()
		eventType = events.CallEnd
	}
	return eventType, c.Body(eventType)
}

func (c *Call) end() {
	c.Ended = true
	cause, causeText, by := c.ending.end()
	c.data.EndCause, c.data.EndCauseStr, c.data.EndBy = text(cause), text(causeText), optional(by)
}

// Body returns the body of an event with the data of the call. Its time is later than that of
// the call's last event, so that no two bodies are the same.
func (c *Call) Body(eventType string) []byte { return c.encode(eventType, c.data) }

func text(s string) events.Text { return events.Text{Value: s, Valid: true} }

// optional returns null for an empty text, such as the name of an anonymous caller.
func optional(s string) events.Text { return events.Text{Value: s, Valid: s != ""} }
