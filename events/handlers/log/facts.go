package log

import (
	"wildix-worker/events"
	"wildix-worker/events/calls"
)

// facts are what an event says about a call or a user, for its line. Those that it does not
// say are zero.
type facts struct {
	caller, callee  events.Text // phone numbers
	status          string
	direction       calls.Direction
	queue, endCause string
	duration        float64 // in seconds
}

func factsOf(e *events.Event) facts {
	switch data := e.Data.(type) {
	case *events.Call:
		return factsOfCall(e, data)
	case *events.LiveCall:
		return factsOfCall(e, &data.Call)
	case *events.CompletedCall:
		return factsOfCompleted(e, data)
	case *events.FinishedCall:
		return facts{
			caller: phoneOf(data.Caller), callee: phoneOf(data.Callee), status: result(data.Answered, data.Missed),
			direction: calls.DirectionOf(e), queue: data.Queue.Value, endCause: data.EndCause.Value, duration: data.Duration,
		}
	case *events.Presence:
		return facts{status: data.Status.Value}
	case *events.SMS:
		return facts{status: data.Status.Value}
	default:
		return facts{}
	}
}

func factsOfCall(e *events.Event, c *events.Call) facts {
	return facts{
		caller: phoneOf(c.Caller), callee: phoneOf(c.Callee), status: c.Status.Value,
		direction: calls.DirectionOf(e), queue: c.QueueName.Value, endCause: c.EndCause.Value,
	}
}

// factsOfCompleted puts the flows together, as call:finished does.
func factsOfCompleted(e *events.Event, c *events.CompletedCall) facts {
	known, _ := calls.FactsOf(e)
	record := known.Record()
	if len(c.Flows) == 0 { // nothing but the end is known
		return facts{endCause: c.EndCause.Value}
	}
	return facts{
		caller: textOf(record.Caller.Phone), callee: textOf(record.Callee.Phone), status: result(record.Answered, record.Missed),
		direction: record.Direction, endCause: c.EndCause.Value, duration: record.Duration().Seconds(),
	}
}

// result returns the status of a whole call.
func result(answered, missed bool) string {
	switch {
	case answered:
		return "answered"
	case missed:
		return "missed"
	default:
		return "unanswered" // an outbound call
	}
}

func phoneOf(p *events.Participant) events.Text {
	if p == nil {
		return events.Text{}
	}
	return p.Phone
}

func textOf(s string) events.Text { return events.Text{Value: s, Valid: s != ""} }
