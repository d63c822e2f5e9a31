package template

import (
	"encoding/json"

	"wildix-worker/events"
)

// A callView is a whole call. Its fields are methods, which a template may call on nil, and
// {{if}} of nil is still false.
type callView struct {
	id   string
	data *events.FinishedCall
}

func callOf(e *events.Event) *callView {
	data, ok := e.Data.(*events.FinishedCall)
	if !ok || data == nil {
		return nil
	}
	return &callView{e.ID, data}
}

// MarshalJSON returns the call as it is in the event.
func (c *callView) MarshalJSON() ([]byte, error) {
	if c == nil {
		return []byte("null"), nil
	}
	return json.Marshal(c.data)
}

func (c *callView) String() string { return jsonText(c) }

var noCall = &events.FinishedCall{}

func (c *callView) orEmpty() *events.FinishedCall {
	if c == nil {
		return noCall
	}
	return c.data
}

// ID returns the call's id, which all its events share.
func (c *callView) ID() string {
	if c == nil {
		return ""
	}
	return c.id
}

func (c *callView) Caller() *participant { return participantOf(c.orEmpty().Caller) }
func (c *callView) Callee() *participant { return participantOf(c.orEmpty().Callee) }
func (c *callView) Direction() string    { return c.orEmpty().Direction.Value }
func (c *callView) Destination() string  { return c.orEmpty().Destination.Value }
func (c *callView) Queue() string        { return c.orEmpty().Queue.Value }
func (c *callView) Trunk() string        { return c.orEmpty().Trunk.Value }
func (c *callView) Started() *moment     { return momentOf(c.orEmpty().Started.Time) }
func (c *callView) AnsweredAt() *moment  { return momentOf(c.orEmpty().AnsweredAt.Time) }
func (c *callView) Ended() *moment       { return momentOf(c.orEmpty().Ended.Time) }
func (c *callView) Duration() span       { return span(c.orEmpty().Duration) }
func (c *callView) Waited() span         { return span(c.orEmpty().Waited) }
func (c *callView) Answered() bool       { return c.orEmpty().Answered }
func (c *callView) Missed() bool         { return c.orEmpty().Missed }
func (c *callView) EndCause() string     { return c.orEmpty().EndCause.Value }
func (c *callView) EndCauseStr() string  { return c.orEmpty().EndCauseStr.Value }
func (c *callView) EndBy() string        { return c.orEmpty().EndBy.Value }
