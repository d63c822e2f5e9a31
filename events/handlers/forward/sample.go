package forward

import (
	"encoding/json"
	"fmt"
	"time"

	"wildix-worker/events"
)

// samples returns events to try a template on: of each type with typed data, with all
// fields set and with all fields null, and one of a type without.
func samples() []*events.Event {
	list := []*events.Event{sample("conference:live:join", nil)}
	for _, kind := range []string{events.CallStart, events.CallUpdate, events.CallEnd} {
		list = append(list, fullSample(kind), sample(kind, &events.Call{}), sample(kind, &events.Call{
			Caller: &events.Participant{}, Callee: &events.Participant{}, Tags: []string{}, Flags: []string{},
		}))
	}
	return list
}

// fullSample returns an event with all fields set. Every text needs quoting in JSON.
func fullSample(kind string) *events.Event {
	some := func(text string) events.Text { return events.Text{Value: text + " \"<\\&>\"\n", Valid: true} }
	one := func(kind, phone string) *events.Participant {
		return &events.Participant{
			Type: events.Text{Value: kind, Valid: true}, Phone: events.Text{Value: phone, Valid: true},
			Name: some("name"), Company: some("company"), Email: some("email"),
			UserID: some("id"), UserExtension: some("extension"), UserDepartment: some("department"),
			GroupID: some("id"), GroupName: some("group"), UserAgent: some("agent"), UserDevice: some("device"),
		}
	}
	return sample(kind, &events.Call{
		Status: some("status"), Caller: one("REMOTE", "+12025550100"), Callee: one("LOCAL", "1001"),
		Service: some("service"), Destination: some("1001"), TrunkName: some("trunk"),
		QueueName: some("queue"), QueueID: some("id"), Tags: []string{"one", "two"}, Flags: []string{"one", "two"},
		EndCause: events.Text{Value: "21", Valid: true}, EndCauseStr: some("Call Rejected"), EndBy: some("CALLER"),
	})
}

func sample(kind string, call *events.Call) *events.Event {
	raw, err := json.Marshal(map[string]any{"id": "call-1", "type": kind, "time": 1693389853611, "data": call})
	if err != nil {
		panic(fmt.Sprintf("forward: sample event: %v", err)) // texts and nulls can always be encoded
	}
	e := &events.Event{
		ID: "call-1", Type: kind, PBX: "221100001bab", Company: "example", IntegrationID: "8qkmnq",
		Time: time.UnixMilli(1693389853611).UTC(), Raw: raw, ReceiveCount: 1,
	}
	if call != nil {
		e.Data = call
	}
	return e
}
