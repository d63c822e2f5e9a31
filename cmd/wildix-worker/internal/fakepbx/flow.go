package fakepbx

import (
	"time"

	"wildix-worker/events"
)

// Durations of a made-up call, in seconds.
const (
	ringing = 8
	talking = 37
)

func (c *Call) live() events.LiveCall {
	return events.LiveCall{Call: c.data, ID: text(c.ID), Direction: text("INBOUND"), Flows: events.Flows{c.flow()}}
}

func (c *Call) completed() events.CompletedCall {
	flow := c.flow()
	return events.CompletedCall{
		ID: text(c.ID), PBX: text(demoSerial), Time: flow.EndTime, Company: text(demoCompany),
		Licenses: []string{"PREMIUM"}, Type: text("call"), Flows: events.Flows{flow},
		EndCause: c.data.EndCause, EndCauseStr: c.data.EndCauseStr, EndBy: c.data.EndBy,
	}
}

// flow returns the only leg of the call. It ends now, if the call has ended.
func (c *Call) flow() events.Flow {
	f := events.Flow{
		Duration: ringing, WaitTime: ringing,
		Caller: withRole(c.data.Caller, "CLIENT", ""), Callee: withRole(c.callee, "AGENT", "PREMIUM"),
		ServiceNumber: c.data.Destination, Destination: c.data.Destination, Direction: text("INBOUND"),
		TrunkName: c.data.TrunkName, TrunkDirection: text("INCOMING"), Tags: []string{},
		RemotePhone: c.data.Caller.Phone,
	}
	if c.ending == answered {
		f.Duration += talking
		f.ConnectTime, f.TalkTime = talking, talking
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	f.StartTime = events.Timestamp{Time: now.Add(-time.Duration(f.Duration) * time.Second)}
	if c.Ended {
		f.EndTime, f.CallStatus = events.Timestamp{Time: now}, text("MISSED")
		if c.ending == answered {
			f.CallStatus = text("COMPLETED")
		}
	}
	return f
}

// withRole returns a copy of a participant with the fields of newer PBXs.
func withRole(p *events.Participant, role, license string) *events.Participant {
	newer := *p
	newer.Role, newer.License = text(role), optional(license)
	return &newer
}
