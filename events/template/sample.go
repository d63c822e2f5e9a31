package template

import (
	"encoding/json"
	"fmt"
	"time"

	"wildix-worker/events"
)

// samples returns events to try a template on: of each type with typed data, with all
// fields set and with all fields null, and one of a type without.
func samples() []*events.Event {
	list := []*events.Event{sample[events.Call]("conference:live:join", nil)}
	for _, kind := range []string{events.CallStart, events.CallUpdate, events.CallEnd} {
		list = append(list, fullSample(kind), sample(kind, &events.Call{}), sample(kind, &events.Call{
			Caller: &events.Participant{}, Callee: &events.Participant{}, Tags: []string{}, Flags: []string{},
		}))
	}
	return append(list, finishedSamples()...)
}

// finishedSamples returns whole calls of each direction, answered, missed, and with all
// fields null.
func finishedSamples() []*events.Event {
	full := fullSample(events.CallEnd).Data.(*events.Call)
	base := events.FinishedCall{
		Caller: full.Caller, Callee: full.Callee, Destination: full.Destination,
		Queue: full.QueueName, Trunk: full.TrunkName,
		Started: events.Timestamp{Time: sampleTime}, AnsweredAt: events.Timestamp{Time: sampleTime.Add(5 * time.Second)},
		Ended: events.Timestamp{Time: sampleTime.Add(time.Minute)}, Duration: 60, Waited: 5.25, Answered: true,
		EndCause: full.EndCause, EndCauseStr: full.EndCauseStr, EndBy: full.EndBy,
	}
	list := []*events.Event{sample(events.CallFinished, &events.FinishedCall{})}
	for _, direction := range []string{"inbound", "outbound", "internal"} {
		answered := base
		answered.Direction = events.Text{Value: direction, Valid: true}
		missed := answered
		missed.AnsweredAt, missed.Answered, missed.Missed = events.Timestamp{}, false, direction != "outbound"
		anonymous := missed
		anonymous.Caller, anonymous.Callee, anonymous.Queue = nil, nil, events.Text{}
		list = append(list, sample(events.CallFinished, &answered), sample(events.CallFinished, &missed), sample(events.CallFinished, &anonymous))
	}
	return list
}

var sampleTime = time.UnixMilli(1693389853611).UTC()

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

func sample[D any](kind string, data *D) *events.Event {
	raw, err := json.Marshal(map[string]any{"id": "call-1", "type": kind, "time": sampleTime.UnixMilli(), "data": data})
	if err != nil {
		panic(fmt.Sprintf("template: sample event: %v", err)) // texts and nulls can always be encoded
	}
	e := &events.Event{
		ID: "call-1", Type: kind, PBX: "221100001bab", Company: "example", IntegrationID: "8qkmnq",
		Time: sampleTime, Raw: raw, ReceiveCount: 1,
	}
	if data != nil {
		e.Data = data
	}
	return e
}
