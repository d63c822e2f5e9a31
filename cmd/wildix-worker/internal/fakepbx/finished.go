package fakepbx

import (
	"fmt"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/calls"
)

// FinishedCall plays a call to its end, and returns the call:finished event that a worker
// derives from it.
func (p *PBX) FinishedCall(missed bool) []byte {
	call := p.NewCall()
	call.ending = answered
	if missed {
		call.ending = givenUp
	}
	call.data.QueueName = text("Main queue")
	return call.finished()
}

// finished plays the call to its end, and returns its call:finished.
func (c *Call) finished() []byte {
	const pause, most = 7 * time.Second, 5 // between events, and how many a call has at most
	c.past = most * pause
	var facts calls.Facts
	for !c.Ended {
		_, played := c.Next()
		c.last += pause.Milliseconds()
		e, err := events.Decode(played)
		if err != nil {
			panic(fmt.Sprintf("a made-up event is malformed: %v", err)) // it has all required fields
		}
		if known, ok := calls.FactsOf(e); ok {
			facts = facts.Merge(known)
		}
	}
	record := facts.Record()
	return body{
		ID: record.ID, PBX: record.PBX, Time: record.End.UnixMilli(), Company: record.Company,
		Type: events.CallFinished, IntegrationID: c.integration, Data: record.FinishedCall(),
	}.encode()
}
