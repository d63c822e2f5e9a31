package columns

import (
	"cmp"
	"strings"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/events"
	"wildix-worker/events/calls"
)

// describe returns whom an event is about, and what it says about them.
func (h *Handler) describe(e *events.Event) (who, state string) {
	if call := e.Call(); call != nil {
		return h.parties(call.Caller, call.Callee, call.Destination.Value), cmp.Or(call.EndCauseStr.Value, call.Status.Value)
	}
	switch data := e.Data.(type) {
	case *events.FinishedCall:
		return h.finished(data)
	case *events.CompletedCall:
		if len(data.Flows) == 0 {
			return "", data.EndCauseStr.Value
		}
		facts, _ := calls.FactsOf(e)
		record := facts.Record()
		return h.finished(record.FinishedCall())
	case *events.Presence:
		return h.user(data), data.Status.Value
	case *events.SMS:
		return h.number(data.From.Value) + " > " + h.number(data.To.Value), data.Status.Value
	default:
		return "", ""
	}
}

// finished describes a whole call.
func (h *Handler) finished(c *events.FinishedCall) (who, state string) {
	state = "not answered"
	switch {
	case c.Answered:
		state = "answered"
	case c.Missed:
		state = "missed"
	}
	const longest = float64(24 * time.Hour / time.Second) // a longer one is a mistake of the sender
	if c.Duration > 0 && c.Duration < longest {
		state += ", " + term.Duration(time.Duration(c.Duration*float64(time.Second)).Round(time.Second))
	}
	return h.parties(c.Caller, c.Callee, c.Destination.Value), state
}

// parties returns the caller with its number, and the callee or, while it is unknown, the
// number that was dialled.
func (h *Handler) parties(caller, callee *events.Participant, destination string) string {
	const unknown = "unknown"
	from, to := unknown, cmp.Or(h.number(destination), unknown)
	if caller != nil {
		from = cmp.Or(strings.TrimSpace(h.number(caller.Phone.Value)+" "+h.name(caller)), from)
	}
	if callee != nil {
		to = cmp.Or(h.name(callee), h.number(callee.Phone.Value), to)
	}
	return from + " > " + to
}

func (h *Handler) user(p *events.Presence) string {
	if h.mask {
		return h.number(p.Extension.Value)
	}
	return strings.TrimSpace(p.Extension.Value + " " + p.Email.Value)
}

func (h *Handler) name(p *events.Participant) string {
	if h.mask {
		return ""
	}
	return p.Name.Value
}

func (h *Handler) number(number string) string {
	if h.mask {
		return events.MaskNumber(number)
	}
	return number
}
