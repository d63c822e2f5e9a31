// Package fakepbx makes up the events of calls between people who do not exist.
package fakepbx

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"wildix-worker/events"
)

// A PBX simulates a PBX.
type PBX struct {
	Random *rand.Rand
	began  int64 // in microseconds, so that the calls of two PBXs have different ids
	calls  int
}

// New returns a PBX with random calls.
func New() *PBX {
	return &PBX{Random: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), began: time.Now().UnixMicro()}
}

const (
	demoCompany     = "example"
	demoIntegration = "8qkmnq"
	demoSerial      = "221100001bab"
)

// A Call is a simulated call.
type Call struct {
	ID      string
	last    int64 // time of the last event, in milliseconds
	data    events.Call
	callee  *events.Participant
	updates int // still to come
	begun   bool
	Ended   bool
	missed  bool
}

// body is the JSON of an event.
type body struct {
	ID            string      `json:"id"`
	PBX           string      `json:"pbx"`
	Time          int64       `json:"time"`
	Company       string      `json:"company"`
	Type          string      `json:"type"`
	IntegrationID string      `json:"integrationId"`
	Data          events.Call `json:"data"`
}

// The phone numbers are from the range that North America reserves for fiction.
var (
	outsiders = []string{"Ada Example", "Grace Sample", "Alan Model", "Edsger Demo", "Eva Muster", ""}
	staff     = []string{"Reception", "Sales", "Support", "Accounts"}
)

// NewCall starts a call from outside to a member of staff.
func (p *PBX) NewCall() *Call {
	p.calls++
	who := p.Random.IntN(len(outsiders))
	whom := p.Random.IntN(len(staff))
	extension := fmt.Sprint(200 + whom)
	return &Call{
		ID: fmt.Sprintf("%s_%d.%d", demoCompany, p.began, p.calls),
		data: events.Call{
			Status:      text("CONNECTING"),
			Caller:      &events.Participant{Type: text("REMOTE"), Phone: text(fmt.Sprintf("+1202555010%d", who)), Name: optional(outsiders[who])},
			Destination: text(extension), TrunkName: text("Main trunk"), Tags: []string{}, Flags: []string{},
		},
		callee: &events.Participant{
			Type: text("LOCAL"), Phone: text(extension), Name: text(staff[whom]), UserExtension: text(extension),
			Email: text(fmt.Sprintf("%s@example.com", extension)), GroupName: text("Default"),
		},
		updates: 1 + p.Random.IntN(3),
		missed:  p.Random.IntN(4) == 0,
	}
}

// Next returns the next event of the call.
func (c *Call) Next() (eventType string, bodyText []byte) {
	switch {
	case !c.begun:
		c.begun = true
		eventType = events.CallStart
	case c.updates > 0:
		c.updates--
		c.data.Callee = c.callee
		c.data.Status = text("RINGING")
		if c.updates == 0 && !c.missed {
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
	c.data.EndCause, c.data.EndCauseStr, c.data.EndBy = text("16"), text("Normal Clearing"), text("CALLER")
	if c.missed {
		c.data.EndCause, c.data.EndCauseStr = text("19"), text("No Answer")
	}
}

// Body returns the body of an event. Its time is later than the last one, so that no two
// bodies are the same.
func (c *Call) Body(eventType string) []byte {
	c.last = max(time.Now().UnixMilli(), c.last+1)
	encoded, err := json.Marshal(body{
		ID: c.ID, PBX: demoSerial, Time: c.last, Company: demoCompany,
		Type: eventType, IntegrationID: demoIntegration, Data: c.data,
	})
	if err != nil {
		panic(fmt.Sprintf("an event can't be encoded: %v", err)) // strings and numbers always can
	}
	return encoded
}

func text(s string) events.Text { return events.Text{Value: s, Valid: true} }

// optional returns null for an empty text, such as a withheld name.
func optional(s string) events.Text { return events.Text{Value: s, Valid: s != ""} }
