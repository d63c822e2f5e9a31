package forward

import (
	"encoding/json"

	"wildix-worker/events"
)

// A participant is one side of a call. Its fields are methods, since a template
// may call these on nil, while {{if}} still takes nil for false.
type participant struct{ *events.Participant }

func participantOf(p *events.Participant) *participant {
	if p == nil {
		return nil
	}
	return &participant{p}
}

// MarshalJSON writes the participant as it is in an event.
func (p *participant) MarshalJSON() ([]byte, error) { return json.Marshal(p.known()) }

func (p *participant) known() *events.Participant {
	if p == nil {
		return &events.Participant{}
	}
	return p.Participant
}

func (p *participant) Type() string           { return p.known().Type.Value }
func (p *participant) Phone() string          { return p.known().Phone.Value }
func (p *participant) Name() string           { return p.known().Name.Value }
func (p *participant) Company() string        { return p.known().Company.Value }
func (p *participant) Email() string          { return p.known().Email.Value }
func (p *participant) UserID() string         { return p.known().UserID.Value }
func (p *participant) UserExtension() string  { return p.known().UserExtension.Value }
func (p *participant) UserDepartment() string { return p.known().UserDepartment.Value }
func (p *participant) GroupID() string        { return p.known().GroupID.Value }
func (p *participant) GroupName() string      { return p.known().GroupName.Value }
func (p *participant) UserAgent() string      { return p.known().UserAgent.Value }
func (p *participant) UserDevice() string     { return p.known().UserDevice.Value }
