// Package replay is the command replay: it sends events of the store handler's database to a
// destination again.
package replay

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/destination"
	"wildix-worker/cmd/wildix-worker/internal/period"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/cmd/wildix-worker/internal/worker"
)

// Command is the command replay.
type Command struct {
	worker.Settings `embed:""`
	Since           string       `placeholder:"TIME" help:"Send events since then: a duration such as 3d or 12h, a date such as 2026-01-31, or a time. Required."`
	Until           string       `placeholder:"TIME" help:"Send events of this day or earlier, or before a time. Without it, until now."`
	Timezone        string       `placeholder:"ZONE" help:"The time zone of days and of the times shown, such as Europe/Rome or UTC. Without it, the one of this machine."`
	To              string       `placeholder:"NAME" help:"The destination: its name in the file, or a handler of WILDIX_HANDLERS. Required."`
	From            string       `placeholder:"NAME" help:"The destination of type database to read. Without it, WILDIX_STORE_URL, or the only one of the file."`
	On              []string     `placeholder:"TYPE" help:"Only events of this type, such as call:end, or with this prefix, such as call:*. May be repeated. Without it, all that the destination gets."`
	Rate            config.Count `placeholder:"N" help:"At most so many events a second."`
	DryRun          bool         `help:"Show what would be sent, but send nothing."`
	Resume          bool         `xor:"again" help:"Go on with an earlier replay of the same arguments that was not finished."`
	Restart         bool         `xor:"again" help:"Begin again, although an earlier replay of the same arguments was not finished."`
	Skip            bool         `help:"With --resume: leave out the event at which the replay ended."`
}

// Help is what --help shows below the summary.
func (*Command) Help() string {
	return `Takes the settings of run, but needs no queue. The events are sent in the order of their
time, one after another. The destination's own on and when apply too. Each event is marked
as a replay, and has the idempotency key of its first delivery, so that a receiver can drop
what it has. docs/replay.md has the details.

A destination that wants call:finished gets it as the worker sent it, or derived from the
events of the call. An event that fails is tried up to ten times. One that no other try helps
is listed and left out.

Ctrl-C ends the replay after the event that is being sent. However it ends, --resume goes on
where it ended: nothing is lost, and at most the last event is sent twice.

Exit code: 0 if everything was sent or there was nothing, 1 if not, 2 if a setting is wrong.`
}

// Run sends the events.
func (cmd *Command) Run(ctx context.Context) (err error) {
	configured, err := cmd.Destinations()
	if err != nil {
		return err
	}
	var faults config.Faults
	zone, err := period.Zone(cmd.Timezone)
	faults.Add("--timezone", err)
	now := time.Now().In(zone)
	begin, end := cmd.span(now, &faults)
	to := cmd.destination(configured.All(), &faults)
	from := cmd.source(configured.All(), to, &faults)
	faults.Add("--rate", cmd.Rate.Err)
	for _, pattern := range cmd.On {
		if i := strings.IndexByte(pattern, '*'); pattern == "" || i >= 0 && i < len(pattern)-1 || strings.ContainsAny(pattern, " ") {
			faults.Add("--on", fmt.Errorf("%q is not a type of event such as call:end, nor a prefix and one * at its end", pattern))
		}
	}
	if cmd.Skip && !cmd.Resume {
		faults.Add("--skip", errors.New("needs --resume"))
	}
	if err := faults.Err(); err != nil {
		return err
	}
	c := checkpoint{Begin: begin, End: end, Started: now}
	file, err := cmd.openCheckpoint(from.url, &c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.close()) }()
	r := &replay{cmd: cmd, to: to, from: from, zone: zone, file: file, checkpoint: c, out: output(to, cmd.DryRun)}
	return r.run(ctx)
}

// output returns a printer to standard output, unless that is where the destination writes
// events.
func output(to destination.Destination, dryRun bool) *term.Printer {
	if to.Kind == "log" && !dryRun {
		return term.NewPrinter(os.Stderr)
	}
	return term.NewPrinter(os.Stdout)
}

// span returns from when on and before when events are sent.
func (cmd *Command) span(now time.Time, faults *config.Faults) (begin, end time.Time) {
	end, before := now, faults.Len()
	var err error
	if cmd.Since == "" {
		err = errors.New("required; write a duration such as 3d, or a date such as 2026-01-31")
	} else {
		begin, err = period.ParseSince(cmd.Since, now)
	}
	faults.Add("--since", err)
	if cmd.Until != "" {
		end, err = period.ParseEnd(cmd.Until, now)
		faults.Add("--until", err)
	}
	if faults.Len() == before && !begin.Before(end) {
		faults.Add("--until", errors.New("is not after --since"))
	}
	return begin, end
}

// destination returns the one to send to.
func (cmd *Command) destination(all []destination.Destination, faults *config.Faults) destination.Destination {
	var names []string
	for _, d := range all {
		if d.Name == cmd.To {
			return d
		}
		names = append(names, d.Name)
	}
	have := "have " + strings.Join(slices.Sorted(slices.Values(names)), ", ")
	if cmd.To == "" {
		faults.Add("--to", fmt.Errorf("required; write the name of a destination (%s)", have))
	} else {
		faults.Add("--to", fmt.Errorf("there is no destination %q (%s)", cmd.To, have))
	}
	return destination.Destination{}
}
