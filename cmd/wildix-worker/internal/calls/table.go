package calls

import (
	"fmt"
	"iter"
	"strings"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/events/calls"
)

// A tableFormat writes a table, 80 columns wide.
type tableFormat struct{ zone *time.Location }

func (f tableFormat) list(out *term.Printer, calls iter.Seq2[calls.Record, error]) error {
	out.Printf("%s\n", out.Paint(term.Faint, fmt.Sprintf("%-11s  %-3s  %s  %s  %7s",
		"START", "", term.Column("FROM", partyColumns), term.Column("TO", partyColumns), "TIME")))
	n := 0
	for r, err := range calls {
		if err != nil {
			return err
		}
		n++
		if out.Printf("%s\n", f.line(out, &r)) != nil {
			break // the error is in out.Err()
		}
	}
	out.Printf("%s\n", out.Paint(term.Faint, term.Plural(n, "call")))
	return nil
}

const partyColumns = 20

func (f tableFormat) line(out *term.Printer, r *calls.Record) string {
	to := party(r.Callee)
	if to == "" {
		to = r.Destination
	}
	took := ""
	if !r.End.IsZero() {
		took = clockTime(r.Duration())
	}
	state, colour := callState(r)
	return fmt.Sprintf("%s  %-3s  %s  %s  %7s  %s", r.Start.In(f.zone).Format("01-02 15:04"), directionNames[r.Direction],
		term.Column(party(r.Caller), partyColumns), term.Column(to, partyColumns), took, out.Paint(colour, state))
}

var directionNames = map[calls.Direction]string{calls.Inbound: "in", calls.Outbound: "out", calls.Internal: "int"}

// callState returns the state of a call, and its colour.
func callState(r *calls.Record) (state, colour string) {
	switch {
	case r.Missed:
		return "missed", term.Red
	case r.End.IsZero():
		return "live", term.Yellow
	case r.Answered:
		return "answered", term.Green
	default:
		return "no reply", term.Faint
	}
}

func party(p calls.Party) string { return strings.TrimSpace(p.Phone + " " + p.Name) }

// clockTime returns a duration as 1:02 or 1:02:03.
func clockTime(d time.Duration) string {
	seconds := int(d.Round(time.Second).Seconds())
	if seconds < 3600 {
		return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
}
