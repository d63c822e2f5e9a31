package forward

import (
	"encoding/json"
	"time"

	"wildix-worker/events"
)

// A view is an event as a template sees it. Texts are strings, so that {{if}} and {{eq}}
// work on them, and null is empty, so that a template need not check for it.
type view struct {
	ID, Type, PBX, Company, IntegrationID string
	Time                                  time.Time
	Key                                   string
	ReceiveCount                          int
	Data                                  callView

	raw json.RawMessage
}

// MarshalJSON returns the event as it was signed.
func (v view) MarshalJSON() ([]byte, error) { return v.raw, nil }

type callView struct {
	Status                       string
	Caller, Callee               *participant
	Service, Destination         string
	TrunkName                    string
	QueueName, QueueID           string
	Tags, Flags                  []string
	EndCause, EndCauseStr, EndBy string

	call *events.Call
}

// MarshalJSON returns the data as it is in an event.
func (v callView) MarshalJSON() ([]byte, error) { return json.Marshal(v.call) }

func viewOf(e *events.Event) view {
	v := view{
		ID: e.ID, Type: e.Type, PBX: e.PBX, Company: e.Company, IntegrationID: e.IntegrationID,
		Time: e.Time, Key: e.DeliveryKey(), ReceiveCount: e.ReceiveCount, raw: e.Raw,
	}
	c := e.Call()
	if c == nil {
		return v
	}
	v.Data = callView{
		Status: c.Status.Value, Caller: participantOf(c.Caller), Callee: participantOf(c.Callee),
		Service: c.Service.Value, Destination: c.Destination.Value, TrunkName: c.TrunkName.Value,
		QueueName: c.QueueName.Value, QueueID: c.QueueID.Value, Tags: c.Tags, Flags: c.Flags,
		EndCause: c.EndCause.Value, EndCauseStr: c.EndCauseStr.Value, EndBy: c.EndBy.Value, call: c,
	}
	return v
}
