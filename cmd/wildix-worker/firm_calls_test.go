package main

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/awstest"
	"wildix-worker/cmd/wildix-worker/internal/outgoing"
	"wildix-worker/events"
	"wildix-worker/events/calls"
	"wildix-worker/signature"
)

// A firmCall is a call of the firm, which ends in one of six ways.
type firmCall struct {
	name      string // of the person outside, or of the caller; no two calls have the same
	direction calls.Direction
	answered  bool
	queue     string
	events    []firmEvent
}

type firmEvent struct {
	call *firmCall
	kind string
	body []byte
}

// key identifies the event: it is its delivery key.
func (e *firmEvent) key() string { return signature.Digest(e.body) }

// message returns the event as the PBX sends it.
func (e *firmEvent) message() outgoing.Message {
	return outgoing.Sign(firmSecret, e.kind, e.call.name, e.body, "")
}

const (
	firmSecret = "s3cret"
	// callsOfEachKind is how many calls of each of the six kinds are made in a turn.
	callsOfEachKind = 4
)

// newFirmCalls returns calls of all kinds, whose names are numbered from first.
func newFirmCalls(t *testing.T, first int) (all []*firmCall) {
	t.Helper()
	for range callsOfEachKind {
		all = append(all,
			&firmCall{direction: calls.Inbound, queue: "Support"},
			&firmCall{direction: calls.Inbound, queue: "Sales"},
			&firmCall{direction: calls.Inbound, queue: "Support", answered: true},
			&firmCall{direction: calls.Outbound},
			&firmCall{direction: calls.Outbound, answered: true},
			&firmCall{direction: calls.Internal, queue: "Support"})
	}
	for i, c := range all {
		c.name = fmt.Sprintf("Person %03d", first+i)
		c.play(t)
	}
	return all
}

// play makes up the events of the call, and one of a user's presence, which nobody gets.
func (c *firmCall) play(t *testing.T) {
	t.Helper()
	person := &events.Participant{Type: firmText("REMOTE"), Phone: firmText("+12025550100"), Name: firmText(c.name)}
	colleague := &events.Participant{Type: firmText("LOCAL"), Phone: firmText("201"), Name: firmText("Reception"), UserExtension: firmText("201")}
	data := events.Call{Status: firmText("CONNECTING"), Caller: person, Callee: colleague, QueueName: firmText(c.queue)}
	switch c.direction {
	case calls.Internal:
		person.Type = firmText("LOCAL")
	case calls.Outbound:
		data.Caller, data.Callee = colleague, person
	}
	started := time.Now().Add(-time.Minute).UnixMilli()
	add := func(kind string, second int64, data any) {
		body, err := json.Marshal(map[string]any{
			"id": c.name, "pbx": "221100001bab", "company": "example", "integrationId": "8qkmnq",
			"type": kind, "time": started + second*1000, "data": data,
		})
		awstest.Fatal(t, err)
		c.events = append(c.events, firmEvent{c, kind, body})
	}
	add(events.CallStart, 0, data)
	data.Status = firmText("RINGING")
	add(events.CallUpdate, 1, data)
	result := "MISSED"
	if c.answered {
		result, data.Status = "COMPLETED", firmText("TALKING")
		add(events.CallUpdate, 9, data)
	}
	data.EndCause, data.EndCauseStr = firmText("16"), firmText("Normal Clearing")
	add(events.CallEnd, 30, data)
	add(events.CallCompleted, 31, events.CompletedCall{
		ID: firmText(c.name), Company: firmText("example"), Type: firmText("call"),
		Flows: events.Flows{{Caller: data.Caller, Callee: data.Callee, Direction: firmText(string(c.direction)), CallStatus: firmText(result)}},
	})
	add(events.PresenceUser, 32, events.Presence{Extension: firmText("201"), Status: firmText("dnd"), Message: firmText(c.name)})
}

func firmText(s string) events.Text { return events.Text{Value: s, Valid: s != ""} }
