package fakepbx

import (
	"time"

	"wildix-worker/events"
)

// Event returns an event of a type, of a call of its own, and the call's id. A type that is
// not known has empty data.
func (p *PBX) Event(eventType string) (id string, body []byte) {
	call := p.NewCall()
	switch eventType {
	case events.CallStart, events.CallUpdate, events.CallEnd:
		return call.ID, call.playTo(eventType)
	case events.CallFinished:
		return call.ID, call.finished()
	default:
		return call.ID, call.encode(eventType, call.dataOf(eventType))
	}
}

// playTo plays the call to its first event of the type.
func (c *Call) playTo(eventType string) []byte {
	for {
		if next, body := c.Next(); next == eventType {
			return body
		}
	}
}

// dataOf returns the data of an event that is not part of the course of a call.
func (c *Call) dataOf(eventType string) any {
	extension, email := c.callee.UserExtension, c.callee.Email
	switch eventType {
	case events.CallLiveProgress, events.CallLiveTranscription:
		c.updates = 1
		c.playTo(events.CallUpdate)
		return c.live()
	case events.CallLiveCompleted, events.CallLiveInterrupted:
		c.playTo(events.CallEnd)
		return c.live()
	case events.CallCompleted:
		c.playTo(events.CallEnd)
		return c.completed()
	case "call:transcription:completed":
		c.playTo(events.CallEnd)
		return c.transcription()
	case events.PresenceUser:
		until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		return events.Presence{
			Extension: extension, Email: email, Status: text("dnd"),
			Until: text(until), Message: text("In a meeting"), Location: text("Example Street 1"),
		}
	case events.PresenceTelephony, events.PresenceConference:
		return state{Extension: extension, Email: email, Status: text("talking")}
	case events.SMSStatus:
		return events.SMS{
			ID: text(c.ID), From: text("+12025550190"), To: c.data.Caller.Phone,
			Status: text("DELIVERED"), Channel: text("SMS"), Parts: text("1"),
		}
	default:
		return struct{}{}
	}
}

// state is the data of presence:telephony.
type state struct {
	Extension events.Text `json:"extension"`
	Email     events.Text `json:"email"`
	Status    events.Text `json:"status"`
}

// transcript is the data of call:transcription:completed.
type transcript struct {
	Call struct {
		Participants []*events.Participant `json:"participants"`
	} `json:"call"`
	Chunks []chunk `json:"chunks"`
}

type chunk struct {
	Time float64     `json:"time"`
	Name events.Text `json:"name"`
	Text string      `json:"text"`
}

func (c *Call) transcription() (t transcript) {
	t.Call.Participants = []*events.Participant{c.data.Caller, c.callee}
	t.Chunks = []chunk{
		{0, c.callee.Name, "Hello, how can I help you?"},
		{2.5, c.data.Caller.Name, "I call about my order."},
	}
	return t
}
