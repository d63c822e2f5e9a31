package template

import (
	"encoding/json"

	"wildix-worker/events"
)

// A view is an event as a template sees it. Texts are strings, so that {{if}} and {{eq}}
// work on them, and null is empty, so that a template need not check for it.
//
// A template can call every exported method. None may return a text that is not part of the
// event without a limit, nor anything that other events share.
type view struct {
	ID, Type, PBX, Company, IntegrationID string
	Time                                  *moment
	Key                                   string
	ReceiveCount                          int
	Replay                                bool
	Data                                  dataView

	raw  json.RawMessage
	call *callView
}

// MarshalJSON returns the event as it was signed.
func (v *view) MarshalJSON() ([]byte, error) { return v.raw, nil }

func (v *view) String() string { return string(v.raw) }

// A dataView has the fields of all types of data. Those that the event's type does not have
// are empty.
type dataView struct {
	Status                       string
	Caller, Callee               *participant
	Service, Destination         string
	TrunkName                    string
	QueueName, QueueID           string
	Tags, Flags                  []string
	EndCause, EndCauseStr, EndBy string
	Direction                    string

	// Of presence events.
	Extension, Email, Until, Message, Location string
	// Of sms:status.
	From, To, Reason, Channel, Parts string

	value any // nil if the event's type has no typed data
}

// MarshalJSON returns the data as it is in an event.
func (v dataView) MarshalJSON() ([]byte, error) { return json.Marshal(v.value) }

func (v dataView) String() string { return jsonText(v) }

func viewOf(e *events.Event) *view {
	v := &view{
		ID: e.ID, Type: e.Type, PBX: e.PBX, Company: e.Company, IntegrationID: e.IntegrationID,
		Time: momentOf(e.Time), Key: e.DeliveryKey(), ReceiveCount: e.ReceiveCount, Replay: e.Replay,
		Data: dataViewOf(e.Data), raw: e.Raw,
	}
	if v.call = callOf(e); v.call != nil {
		v.Data.fill(v.call)
	}
	return v
}

func dataViewOf(data any) dataView {
	switch d := data.(type) {
	case *events.Call:
		return callData(d)
	case *events.LiveCall:
		v := callData(&d.Call)
		v.Direction = d.Direction.Value
		v.value = d
		return v
	case *events.CompletedCall:
		return dataView{EndCause: d.EndCause.Value, EndCauseStr: d.EndCauseStr.Value, EndBy: d.EndBy.Value, value: d}
	case *events.Presence:
		return dataView{
			Status: d.Status.Value, Extension: d.Extension.Value, Email: d.Email.Value,
			Until: d.Until.Value, Message: d.Message.Value, Location: d.Location.Value, value: d,
		}
	case *events.SMS:
		return dataView{
			Status: d.Status.Value, From: d.From.Value, To: d.To.Value,
			Reason: d.Reason.Value, Channel: d.Channel.Value, Parts: d.Parts.Value, value: d,
		}
	default:
		return dataView{}
	}
}

func callData(c *events.Call) dataView {
	return dataView{
		Status: c.Status.Value, Caller: participantOf(c.Caller), Callee: participantOf(c.Callee),
		Service: c.Service.Value, Destination: c.Destination.Value, TrunkName: c.TrunkName.Value,
		QueueName: c.QueueName.Value, QueueID: c.QueueID.Value, Tags: c.Tags, Flags: c.Flags,
		EndCause: c.EndCause.Value, EndCauseStr: c.EndCauseStr.Value, EndBy: c.EndBy.Value, value: c,
	}
}

// fill sets the fields that a whole call has too.
func (v *dataView) fill(c *callView) {
	v.Caller, v.Callee, v.Direction, v.Destination = c.Caller(), c.Callee(), c.Direction(), c.Destination()
	v.QueueName, v.TrunkName, v.EndCause = c.Queue(), c.Trunk(), c.EndCause()
	v.EndCauseStr, v.EndBy = c.EndCauseStr(), c.EndBy()
	v.value = c
}
