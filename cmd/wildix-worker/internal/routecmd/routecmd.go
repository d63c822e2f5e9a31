// Package routecmd is the command route: it shows which destinations of the configuration get
// an event, and what each would send.
package routecmd

import (
	"context"
	"os"

	"wildix-worker/cmd/wildix-worker/internal/eventflag"
	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/cmd/wildix-worker/internal/worker"
)

// Command is the command route.
type Command struct {
	Test Test `cmd:"" help:"Show which destinations get an event, and what each would send. Sends nothing."`
}

// Test is the command route test.
type Test struct {
	worker.Settings `embed:""`
	Event           string `default:"-" placeholder:"FILE" help:"File with the event as JSON, - for standard input, or a type such as call:end for a made-up event. Without it: standard input. call:finished makes up a missed and an answered call."`
}

// Help is what --help shows below the summary.
func (*Test) Help() string {
	return `Takes the settings of run. It connects to nothing, and needs no queue and no signing
secret. The destinations are those of the file or, if it has none, the handlers of
WILDIX_HANDLERS. The values of headers that may be secret are hidden, and so is all of a URL
but its host. Events have what they contain, phone numbers and names included.

call:finished is only shown if --event asks for it. It is not derived from other events.

With --output json, each event is one line of JSON.

Exit code: 0 if at least one destination gets the event, 1 if none does, 2 if the event or a
setting is wrong.`
}

// Run shows the destinations of each event.
func (cmd *Test) Run(ctx context.Context) error {
	configured, err := cmd.Destinations()
	if err != nil {
		return err
	}
	examples, err := eventflag.Read(ctx, cmd.Event)
	if err != nil {
		return err
	}
	out := term.NewPrinter(os.Stdout)
	write := writeText
	if cmd.Output == "json" {
		write = writeJSON
	}
	anyGets := false
	for i, example := range examples {
		r := test(ctx, configured.All(), example)
		anyGets = anyGets || r.anyGets()
		if i > 0 && cmd.Output != "json" {
			out.Printf("\n")
		}
		write(out, r)
	}
	if err := out.Err(); err != nil {
		return err
	}
	if !anyGets {
		return exit.Code(1)
	}
	return nil
}
