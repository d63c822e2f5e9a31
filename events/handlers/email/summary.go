package email

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/calls"
)

// CallSummary returns a Render for people: a missed call, or one that was answered, with who,
// when and how long. It makes a mail of a call that has ended: of call:finished, which has the
// whole call, and of call:end, call:live:completed, call:live:interrupted and call:completed,
// which may lack what other events of the call have, such as when it began. For other events
// it returns [events.ErrNoHandler]. Times are in the given location.
func CallSummary(location *time.Location) func(context.Context, *events.Event) (Message, error) {
	return func(_ context.Context, e *events.Event) (Message, error) {
		c := finishedCall(e)
		if c == nil || c.Ended.IsZero() {
			return Message{}, events.ErrNoHandler
		}
		return Message{Subject: title(c), Text: text(e.ID, c, location)}, nil
	}
}

// finishedCall returns the call that an event is about, or nil.
func finishedCall(e *events.Event) *events.FinishedCall {
	if c, ok := e.Data.(*events.FinishedCall); ok {
		return c
	}
	facts, ok := calls.FactsOf(e)
	if !ok {
		return nil
	}
	record := facts.Record()
	return record.FinishedCall()
}

// title returns what happened, such as "Missed call from Ada Example (+12025550100)".
func title(c *events.FinishedCall) string {
	outbound := c.Direction.Value == string(calls.Outbound)
	switch {
	case c.Missed:
		return "Missed call from " + short(c.Caller)
	case outbound && !c.Answered:
		return "Unanswered call to " + short(calleeOf(c))
	case outbound:
		return "Call to " + short(calleeOf(c))
	default:
		return "Call from " + short(c.Caller)
	}
}

// calleeOf returns the callee, or the number that was dialled if nobody was reached.
func calleeOf(c *events.FinishedCall) *events.Participant {
	if name(c.Callee) == "" && number(c.Callee) == "" {
		return &events.Participant{Phone: c.Destination}
	}
	return c.Callee
}

func name(p *events.Participant) string {
	if p == nil {
		return ""
	}
	return oneLine(cmp.Or(p.Name.Value, p.Company.Value), maxSubject/2)
}

func number(p *events.Participant) string {
	if p == nil {
		return ""
	}
	return oneLine(cmp.Or(p.Phone.Value, p.UserExtension.Value), maxSubject/4)
}

// short returns a participant's name and number.
func short(p *events.Participant) string {
	name, number := name(p), number(p)
	switch {
	case name != "" && number != "":
		return name + " (" + number + ")"
	case name != "" || number != "":
		return name + number
	default:
		return "an unknown number"
	}
}

// text returns a line for each thing that is known.
func text(id string, c *events.FinishedCall, location *time.Location) string {
	var b strings.Builder
	b.WriteString(title(c) + "\n\n")
	line := func(label, value string) {
		if value = oneLine(value, maxSubject); value != "" {
			fmt.Fprintf(&b, "%-11s%s\n", label+":", value)
		}
	}
	at := func(t events.Timestamp) string {
		if t.IsZero() {
			return ""
		}
		return t.In(location).Format("Mon, 2 Jan 2006 15:04:05 MST")
	}
	line("From", long(c.Caller))
	line("To", long(c.Callee))
	line("Dialled", c.Destination.Value)
	line("Queue", c.Queue.Value)
	if c.Started.Before(c.Ended.Time) { // a single event knows only the end
		line("Started", at(c.Started))
	}
	line("Answered", at(c.AnsweredAt))
	line("Ended", at(c.Ended))
	line("Waited", duration(c.Waited))
	line("Duration", duration(c.Duration))
	line("Reason", reasonOf(c))
	line("Call", id)
	return b.String()
}

// long returns all that names a participant. The phone of a colleague is the extension.
func long(p *events.Participant) string {
	if p == nil {
		return ""
	}
	var parts []string
	for _, part := range []events.Text{p.Name, p.Company, p.Phone, p.UserExtension, p.GroupName, p.Email} {
		if part.Value != "" && !slices.Contains(parts, part.Value) {
			parts = append(parts, part.Value)
		}
	}
	return strings.Join(parts, ", ")
}

func duration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	if d <= 0 {
		return ""
	}
	return d.String()
}

// reasonOf returns why the call ended, such as "Normal Clearing, ended by the caller".
func reasonOf(c *events.FinishedCall) string {
	reason := cmp.Or(c.EndCauseStr.Value, c.EndCause.Value)
	if c.EndBy.Value == "" {
		return reason
	}
	by := "ended by the " + strings.ToLower(c.EndBy.Value)
	if reason == "" {
		return by
	}
	return reason + ", " + by
}
