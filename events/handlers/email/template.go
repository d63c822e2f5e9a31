package email

import (
	"context"

	"wildix-worker/events"
	"wildix-worker/events/template"
)

// FromTemplate returns a Render that makes the mail with a template, whose output begins with
// a line "Subject: ..." and an empty line, as that of the recipe email-missed-call. If the
// output is empty, nothing is sent. An error of the template is [events.Permanent], unless it
// has no time left.
func FromTemplate(t *template.Template) func(context.Context, *events.Event) (Message, error) {
	return func(ctx context.Context, e *events.Event) (Message, error) {
		output, err := t.Render(ctx, e)
		switch {
		case err != nil && ctx.Err() != nil:
			return Message{}, err
		case err != nil:
			return Message{}, events.Permanent(err)
		case len(output) == 0:
			return Message{}, events.ErrNoHandler
		}
		m, err := template.ReadMail(output)
		if err != nil {
			return Message{}, events.Permanent(err)
		}
		return Message{Subject: m.Subject, Text: m.Text}, nil
	}
}
