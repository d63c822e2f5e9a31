package replay

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/events"
)

// printPlan prints what will be sent where. The URLs of databases and destinations may be
// secret.
func (r *replay) printPlan() {
	line := func(label, text string) { r.out.Printf("%-7s %s\n", label, term.Printable(text)) }
	line("from", fmt.Sprintf("%s, %s to %s", r.from.name, r.at(r.Begin), r.at(r.End)))
	to := r.to.Name
	if r.to.Kind != r.to.Name {
		to += " (" + r.to.Kind + ")"
	}
	line("to", to)
	if len(r.to.On) > 0 {
		line("on", strings.Join(r.to.On, ", "))
	}
	if r.to.Condition != "" {
		line("when", r.to.Condition)
	}
	if r.reading.total() > 0 {
		text := listed(r.reading.counts)
		if r.reading.derive {
			text += "; call:finished is made from the events of each call"
		}
		line("read", text)
	}
	if len(r.reading.other) > 0 {
		line("not", fmt.Sprintf("%s: %s", listed(r.reading.other), notOn))
	}
	if r.Sent+r.Failed > 0 {
		line("before", fmt.Sprintf("sent %d, failed %d", r.Sent, r.Failed))
	}
	r.warn()
}

func (r *replay) warn() {
	if r.reading.asksFor(events.CallFinished) && r.reading.wants(events.CallFinished) && !r.reading.derive {
		term.Warn("call:finished is not made from events, since %s does not get all events of a call (on: [call:*] without when); only what it has itself is sent", r.from.name)
	}
	if r.to.SignedByPBX && r.keys == nil {
		term.Warn("events are sent without the signature of the PBX, which the database does not have: set WILDIX_SECRET, or --secrets-file (WILDIX_SECRETS_FILE)")
	}
}

// at formats a time in the zone of the settings.
func (r *replay) at(t time.Time) string { return t.In(r.zone).Format(time.DateTime) }

// printResult prints how many events were sent or left out.
func (r *replay) printResult(sent string) {
	r.out.Printf("%s %s\n", sent, term.Plural(r.Sent, "event"))
	for _, reason := range slices.Sorted(maps.Keys(r.LeftOut)) {
		r.out.Printf("left out %d: %s\n", r.LeftOut[reason], reason)
	}
	if n := sum(r.reading.other); n > 0 {
		r.out.Printf("left out %d: %s\n", n, notOn)
	}
}

// printFailure prints an event that has failed for good.
func (r *replay) printFailure(c candidate, err error) {
	r.out.Printf("%s %s: %s\n", r.out.Paint(term.Red, "failed"), r.describe(c), term.Printable(err.Error()))
}

// describe returns which event a candidate is.
func (r *replay) describe(c candidate) string {
	if c.event == nil {
		return fmt.Sprintf("event %.12s of %s", c.row.Key, r.at(c.row.Time))
	}
	return term.Printable(fmt.Sprintf("%s of %s at %s", c.event.Type, c.event.ID, r.at(c.event.Time)))
}

// print prints the sample.
func (s *sample) print(out *term.Printer, zone *time.Location) {
	if len(s.types) == 0 {
		return
	}
	format := func(t time.Time) string { return t.In(zone).Format(time.DateTime) }
	out.Printf("%s; the first is of %s, the last of %s\n", term.Printable(listed(s.types)), format(s.first), format(s.last))
	for i, p := range s.shown {
		out.Printf("\n%s\n", out.Paint(term.Faint, fmt.Sprintf("event %d", i+1)))
		p.Print(out)
	}
	out.Printf("\n")
}
