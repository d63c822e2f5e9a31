package dlq

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/term"
)

// List is the command dlq list.
type List struct {
	queueSettings `embed:""`
	Sample        config.Count `placeholder:"10" help:"How many messages to inspect."`
	JSON          bool         `name:"json" help:"Write one JSON object instead."`
}

// Help is what --help shows below the summary.
func (*List) Help() string {
	return `The messages of the sample are received and returned to the queue at once. Nothing
is deleted, but the receive count of each goes up by one, and others can't receive
it meanwhile. SQS does not keep why a message came here. What is shown is what a
worker with these secrets would make of it today: valid (it goes to the handlers),
rejected or malformed; without a secret, unchecked. Nothing of the body is shown
unless the message is valid, and callers are never shown.

Exit code: 0 for success, 1 for a failure, 2 if a setting is wrong.`
}

// Run counts the messages and shows a sample.
func (cmd *List) Run(ctx context.Context) error {
	var faults config.Faults
	faults.Add("--sample", cmd.Sample.Err)
	d, err := cmd.find(ctx, faults)
	if err != nil {
		return err
	}
	messages, err := d.sample(ctx, sampleSize(cmd.Sample))
	if err != nil {
		return err
	}
	out := term.NewPrinter(os.Stdout)
	if cmd.JSON {
		return d.printJSON(out, messages)
	}
	d.printCounts(out)
	printSample(out, messages)
	return out.Err()
}

func (d *deadLetterQueue) printCounts(out *term.Printer) {
	out.Printf("%s\n", d.url)
	if n := d.policy.MaxReceiveCount; n > 0 {
		out.Printf("  messages come here after %s\n", term.Plural(n, "receive"))
	}
	out.Printf("  %s\n", d.counts())
	if kept, known := d.Retention(); known {
		out.Printf("  kept for %s\n", term.Duration(kept))
	}
}

// printSample prints two lines a message, 80 columns wide, and a summary.
func printSample(out *term.Printer, messages []message) {
	if len(messages) == 0 {
		out.Printf("\nno message received\n")
		return
	}
	out.Printf("\n%s\n", out.Paint(term.Faint, fmt.Sprintf("%-11s  %4s  %-36s  %s", "SENT", "RECV", "MESSAGE", "EVENT")))
	oldest := time.Time{}
	for i := range messages {
		m := &messages[i]
		if sent := m.sentAt(); oldest.IsZero() || !sent.IsZero() && sent.Before(oldest) {
			oldest = sent
		}
		m.print(out)
	}
	out.Printf("\n")
	printVerdicts(out, messages)
	if !oldest.IsZero() {
		out.Printf("the oldest of them was sent %s ago\n", term.Age(time.Since(oldest)))
	}
}

func (m *message) print(out *term.Printer) {
	when, event, verdict, colour := "", "", m.verdict.String(), term.Red
	if sent := m.sentAt(); !sent.IsZero() {
		when = sent.Local().Format("01-02 15:04")
	}
	switch e := m.verdict.event; {
	case e != nil:
		event, verdict, colour = e.Type, valid+": "+e.ID, term.Green
	case !m.verdict.refused():
		colour = term.Yellow
	}
	const verdictColumn = 11 + 2 + 4 + 2
	out.Printf("%s\n", strings.TrimRight(fmt.Sprintf("%-11s  %4d  %s  %s", when, m.receiveCount(), term.Column(aws.ToString(m.MessageId), 36), term.Column(event, 23)), " "))
	out.Printf("%*s%s\n", verdictColumn, "", out.Paint(colour, strings.TrimRight(term.Column(verdict, term.Columns-verdictColumn), " ")))
}

func (d *deadLetterQueue) printJSON(out *term.Printer, messages []message) error {
	list := struct {
		QueueURL string        `json:"deadLetterQueueUrl"`
		Visible  int           `json:"visible"`
		InFlight int           `json:"inFlight"`
		Delayed  int           `json:"delayed"`
		Sample   []messageJSON `json:"sample"`
	}{d.url, d.Visible(), d.InFlight(), d.Delayed(), make([]messageJSON, len(messages))}
	for i := range messages {
		list.Sample[i] = messages[i].json()
	}
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return out.Printf("%s\n", term.PrintableJSON(text))
}
