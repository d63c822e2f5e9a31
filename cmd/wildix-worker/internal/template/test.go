package template

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/eventflag"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/events"
	"wildix-worker/events/template"
)

// Test is the command template test.
type Test struct {
	Template string `arg:"" help:"A file, or a recipe that template list shows." file:"" values:"slack-missed-call,teams-missed-call,discord-missed-call,google-chat-missed-call,hubspot-call,pipedrive-call,zendesk-call,email-missed-call,cloudevents"`
	Event    string `placeholder:"FILE" help:"File with the event as JSON, - for standard input, or a type such as call:end for a made-up event. Without it: a missed and an answered call."`
	Fields   bool   `help:"Also show the fields that a template can read, with their values in the event."`
}

// Help is what --help shows below the summary.
func (*Test) Help() string {
	return `An event whose output is empty is not sent, and counts as ignored.

Exit code: 0 if the template can be used, 1 if not, 2 if there is no such template or event.`
}

const timeout = 10 * time.Second

// Run shows what the template makes of the event.
func (cmd *Test) Run(ctx context.Context) error {
	examples, err := eventflag.Read(ctx, cmp.Or(cmd.Event, events.CallFinished))
	if err != nil {
		return err
	}
	t, err := open(cmd.Template) //nolint:contextcheck // parsing has limits of its own
	if err != nil {
		return err
	}
	out := term.NewPrinter(os.Stdout)
	for i, each := range examples {
		if i > 0 {
			out.Printf("\n")
		}
		if err := show(ctx, out, t, each); err != nil {
			return fmt.Errorf("%s, %w", cmd.Template, err)
		}
		if cmd.Fields {
			showFields(out, each.Event)
		}
	}
	return out.Err()
}

// show prints what would be sent for an event.
func show(ctx context.Context, out *term.Printer, t *template.Template, each eventflag.Example) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	output, err := t.Render(ctx, each.Event)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("%s (%s)", each.What, term.Printable(each.Event.Type))
	if len(output) == 0 {
		out.Printf("%s: nothing is sent\n", out.Paint(term.Faint, what))
		return nil
	}
	kind := t.ContentType()
	if kind == "" {
		kind = "not JSON, so set a Content-Type"
		if json.Valid(output) {
			kind = "application/json"
		}
	}
	out.Printf("%s: %d bytes, %s\n", out.Paint(term.Faint, what), len(output), kind)
	for line := range strings.SplitSeq(strings.Trim(string(output), "\n"), "\n") {
		out.Printf("%s\n", term.Printable(line))
	}
	return nil
}

// showFields prints the fields that have values, and the names of the others.
func showFields(out *term.Printer, e *events.Event) {
	var empty []string
	out.Printf("\n%s\n", out.Paint(term.Faint, "fields"))
	for _, f := range template.Fields(e) {
		if f.Value == "" {
			empty = append(empty, f.Name)
			continue
		}
		out.Printf("%s  %s\n", term.Column(f.Name, 32), term.Printable(f.Value))
	}
	out.Printf("\n%s\n", out.Paint(term.Faint, "fields that are empty in this event"))
	for _, line := range term.Wrap(strings.Join(empty, " "), term.Columns) {
		out.Printf("%s\n", line)
	}
}
