package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/calls"
)

// timeLayout is the text of a time in SQLite: it sorts, and SQLite's date functions
// accept it.
const timeLayout = "2006-01-02T15:04:05.000Z"

// An eventRow is a row of the table events.
type eventRow struct {
	key                                      string
	time                                     time.Time
	eventType, id, company, pbx, integration string
	raw                                      []byte
}

func eventRowOf(e *events.Event) eventRow {
	return eventRow{
		key: e.DeliveryKey(), time: e.Time, eventType: text(e.Type), id: text(e.ID), company: text(e.Company),
		pbx: text(e.PBX), integration: text(e.IntegrationID), raw: e.Raw,
	}
}

// A call is merged into a row of the table calls.
type call struct {
	key   calls.Key
	facts calls.Facts
}

// errFacts does not quote the row.
var errFacts = errors.New("the facts of a call can't be decoded")

// merged returns the call with the facts of its row merged in.
func (c call) merged(facts []byte) (call, error) {
	var known calls.Facts
	if err := json.Unmarshal(facts, &known); err != nil {
		return call{}, errFacts
	}
	c.facts = known.Merge(c.facts)
	return c, nil
}

// factsText returns the facts as JSON, the column facts.
func (c call) factsText() []byte {
	text, err := json.Marshal(c.facts)
	if err != nil {
		panic(fmt.Sprintf("facts can't be encoded: %v", err)) // strings and numbers always can
	}
	return text
}

// callColumns are the columns of the table calls, in the order of the table.
var callColumns = []string{
	"company", "id", "pbx", "started_at", "answered_at", "ended_at", "last_event_at",
	"caller_type", "caller_phone", "caller_name", "caller_company", "caller_email", "caller_extension", "caller_group",
	"callee_type", "callee_phone", "callee_name", "callee_company", "callee_email", "callee_extension", "callee_group",
	"direction", "destination", "queue", "trunk", "status", "end_cause", "end_cause_str", "end_by",
	"answered", "missed", "duration_ms", "waited_ms", "facts",
}

// values returns the values of callColumns, nil where nothing is known.
func (c call) values() []any {
	r := c.facts.Record()
	values := make([]any, 0, len(callColumns))
	values = append(values, c.key.Company, c.key.ID, optional(r.PBX), at(r.Start), at(r.AnsweredAt), at(r.End), at(r.Last))
	for _, p := range []calls.Party{r.Caller, r.Callee} {
		values = append(values, optional(p.Type), optional(p.Phone), optional(p.Name), optional(p.Company), optional(p.Email),
			optional(p.Extension), optional(p.Group))
	}
	return append(values, optional(string(r.Direction)), optional(r.Destination), optional(r.Queue), optional(r.Trunk), optional(r.Status),
		optional(r.EndCause), optional(r.EndCauseStr), optional(r.EndBy),
		r.Answered, r.Missed, millis(r.Duration(), !r.End.IsZero()), millis(r.Waited(), waitIsKnown(&r)), string(c.factsText()))
}

func waitIsKnown(r *calls.Record) bool {
	if r.Answered {
		return !r.AnsweredAt.IsZero()
	}
	return !r.End.IsZero()
}

// text returns a string that every database accepts as a text.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}

// assignments returns the assignments that replace an existing row by the inserted one.
func assignments() string {
	var all []string
	for _, column := range callColumns[2:] {
		all = append(all, column+" = excluded."+column)
	}
	return strings.Join(all, ", ")
}

func optional(s string) any {
	if s == "" {
		return nil
	}
	return text(s)
}

func at(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(timeLayout)
}

func millis(d time.Duration, known bool) any {
	if !known {
		return nil
	}
	return d.Milliseconds()
}
