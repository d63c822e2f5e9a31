// Package calls is the command calls: it lists the calls that the store handler has
// written.
package calls

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"strconv"
	"strings"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/events/calls"
	"wildix-worker/events/handlers/store"
)

// Command is the command calls.
type Command struct {
	config.Store `embed:""`
	Since        since `default:"24h" placeholder:"24h" help:"Show calls that started since then: a duration such as 24h or 7d, or a date such as 2026-01-31."`
	Missed       bool  `help:"Show missed calls only."`
	JSON         bool  `name:"json" xor:"format" help:"Write one line of JSON a call."`
	CSV          bool  `name:"csv" xor:"format" help:"Write comma-separated values, with a header line."`
}

// Help is what --help shows below the summary.
func (*Command) Help() string {
	return `The earliest call comes first. Times are local; in JSON and CSV they are UTC. A
call is missed if it has ended, was not answered, and was not an outbound call.`
}

// A since is a time in the past.
type since struct {
	time.Time
	err error
}

// UnmarshalText never fails; see err.
func (s *since) UnmarshalText(text []byte) error {
	*s = since{}
	written := string(text)
	if days, ok := strings.CutSuffix(written, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 {
			s.Time = time.Now().AddDate(0, 0, -n)
			return nil
		}
	}
	if ago, err := time.ParseDuration(written); err == nil && ago >= 0 {
		s.Time = time.Now().Add(-ago)
		return nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.ParseInLocation(layout, written, time.Local); err == nil {
			s.Time = at
			return nil
		}
	}
	s.err = fmt.Errorf("%q is neither a duration such as 24h or 7d nor a date such as 2026-01-31", text)
	return nil
}

// Run lists the calls.
func (cmd *Command) Run(ctx context.Context) error {
	var faults config.Faults
	cfg := cmd.StoreConfig(&faults)
	faults.Add("--since", cmd.Since.err)
	if err := faults.Err(); err != nil {
		return err
	}
	out := term.NewPrinter(os.Stdout)
	list := listCalls
	switch {
	case cmd.JSON:
		list = listJSON
	case cmd.CSV:
		list = listCSV
	}
	err := list(out, store.Calls(ctx, cfg, store.Query{Since: cmd.Since.Time, Missed: cmd.Missed}))
	return errors.Join(err, out.Err())
}

// listCalls prints a table, 80 columns wide.
func listCalls(out *term.Printer, calls iter.Seq2[calls.Record, error]) error {
	out.Printf("%s\n", out.Paint(term.Faint, fmt.Sprintf("%-11s  %-3s  %s  %s  %7s",
		"START", "", term.Column("FROM", partyColumns), term.Column("TO", partyColumns), "TIME")))
	n := 0
	for r, err := range calls {
		if err != nil {
			return err
		}
		n++
		if out.Printf("%s\n", callLine(out, &r)) != nil {
			break // the error is in out.Err()
		}
	}
	out.Printf("%s\n", out.Paint(term.Faint, term.Plural(n, "call")))
	return nil
}

const partyColumns = 20

func callLine(out *term.Printer, r *calls.Record) string {
	to := party(r.Callee)
	if to == "" {
		to = r.Destination
	}
	took := ""
	if !r.End.IsZero() {
		took = clockTime(r.Duration())
	}
	state, colour := callState(r)
	return fmt.Sprintf("%s  %-3s  %s  %s  %7s  %s", r.Start.Local().Format("01-02 15:04"), directionNames[r.Direction],
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
