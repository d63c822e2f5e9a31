package template

import (
	"encoding/json"

	"wildix-worker/events"
)

// A participant is one side of a call. Its fields are methods, which a template may call
// on nil, and {{if}} of nil is still false.
type participant struct{ *events.Participant }

func participantOf(p *events.Participant) *participant {
	if p == nil {
		return nil
	}
	return &participant{p}
}

// MarshalJSON returns the participant as it is in an event.
func (p *participant) MarshalJSON() ([]byte, error) { return json.Marshal(p.orEmpty()) }

func (p *participant) orEmpty() *events.Participant {
	if p == nil {
		return &events.Participant{}
	}
	return p.Participant
}

func (p *participant) Type() string           { return p.orEmpty().Type.Value }
func (p *participant) Phone() string          { return p.orEmpty().Phone.Value }
func (p *participant) Name() string           { return p.orEmpty().Name.Value }
func (p *participant) Company() string        { return p.orEmpty().Company.Value }
func (p *participant) Email() string          { return p.orEmpty().Email.Value }
func (p *participant) UserID() string         { return p.orEmpty().UserID.Value }
func (p *participant) UserExtension() string  { return p.orEmpty().UserExtension.Value }
func (p *participant) UserDepartment() string { return p.orEmpty().UserDepartment.Value }
func (p *participant) GroupID() string        { return p.orEmpty().GroupID.Value }
func (p *participant) GroupName() string      { return p.orEmpty().GroupName.Value }
func (p *participant) UserAgent() string      { return p.orEmpty().UserAgent.Value }
func (p *participant) UserDevice() string     { return p.orEmpty().UserDevice.Value }

func (p *participant) String() string { return jsonText(p) }

// jsonText returns the JSON of a part of an event.
func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "" // not reached: texts and nulls can always be encoded
	}
	return string(text)
}
