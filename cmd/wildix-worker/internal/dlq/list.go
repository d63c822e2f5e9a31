package dlq

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/deadletter"
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
it meanwhile. SQS does not record why a message came here. Instead, list shows what a
worker with these secrets would find today: valid (it would go to the handlers),
rejected or malformed; without a secret, unchecked. Type and id are shown only if the
message is valid, and callers are never shown.

Exit code: 0 for success, 1 for a failure, 2 if a setting is wrong.`
}

const defaultSample = 10

// sampleSize returns the value of --sample.
func sampleSize(c config.Count) int { return cmp.Or(c.Value, defaultSample) }

// Run counts the messages and shows a sample.
func (cmd *List) Run(ctx context.Context) error {
	faults := cmd.Faults()
	faults.Add("--sample", cmd.Sample.Err)
	d, err := cmd.find(ctx, faults)
	if err != nil {
		return err
	}
	messages, err := d.Sample(ctx, sampleSize(cmd.Sample))
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
	out.Printf("%s\n", d.URL)
	if n := d.Policy.MaxReceiveCount; n > 0 {
		out.Printf("  messages come here after %s\n", term.Plural(n, "receive"))
	}
	out.Printf("  %s\n", d.counts())
	if kept, known := d.Retention(); known {
		out.Printf("  kept for %s\n", term.Duration(kept))
	}
}

// printSample prints two lines per message, 80 columns wide, and a summary.
func printSample(out *term.Printer, messages []deadletter.Message) {
	if len(messages) == 0 {
		out.Printf("\nno message received\n")
		return
	}
	out.Printf("\n%s\n", out.Paint(term.Faint, fmt.Sprintf("%-11s  %4s  %-36s  %s", "SENT", "RECV", "MESSAGE", "EVENT")))
	oldest := time.Time{}
	for i := range messages {
		m := &messages[i]
		if sent := m.SentAt(); oldest.IsZero() || !sent.IsZero() && sent.Before(oldest) {
			oldest = sent
		}
		printMessage(out, m)
	}
	out.Printf("\n")
	printVerdicts(out, messages)
	if !oldest.IsZero() {
		out.Printf("the oldest of them was sent %s ago\n", term.Age(time.Since(oldest)))
	}
}

func printMessage(out *term.Printer, m *deadletter.Message) {
	when, event, verdict, colour := "", "", m.Verdict.String(), term.Red
	if sent := m.SentAt(); !sent.IsZero() {
		when = sent.Local().Format("01-02 15:04")
	}
	switch e := m.Verdict.Event; {
	case e != nil:
		event, verdict, colour = e.Type, deadletter.Valid+": "+e.ID, term.Green
	case !m.Verdict.Refused():
		colour = term.Yellow
	}
	const verdictColumn = 11 + 2 + 4 + 2
	out.Printf("%s\n", strings.TrimRight(fmt.Sprintf("%-11s  %4d  %s  %s", when, m.ReceiveCount(), term.Column(aws.ToString(m.MessageId), 36), term.Column(event, 23)), " "))
	out.Printf("%*s%s\n", verdictColumn, "", out.Paint(colour, strings.TrimRight(term.Column(verdict, term.Columns-verdictColumn), " ")))
}

func (d *deadLetterQueue) printJSON(out *term.Printer, messages []deadletter.Message) error {
	list := struct {
		QueueURL string        `json:"deadLetterQueueUrl"`
		Visible  int           `json:"visible"`
		InFlight int           `json:"inFlight"`
		Delayed  int           `json:"delayed"`
		Sample   []messageJSON `json:"sample"`
	}{d.URL, d.Visible(), d.InFlight(), d.Delayed(), make([]messageJSON, len(messages))}
	for i := range messages {
		list.Sample[i] = jsonOf(&messages[i])
	}
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return out.Printf("%s\n", term.PrintableJSON(text))
}
