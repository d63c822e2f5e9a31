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
	deadLetterSettings `embed:""`
	Sample             config.Count `placeholder:"10" help:"How many messages to look at."`
	JSON               bool         `name:"json" help:"One object of JSON instead."`
}

// Help is what --help shows below the summary.
func (*List) Help() string {
	return `The sample is received and given back at once: nothing is deleted, but each message
in it counts one receive more, and is hidden from others for that moment. SQS does
not keep what made a message dead. What is shown is what a worker with these
secrets would make of it today: valid (it goes to the handlers), rejected or
malformed; without a secret, unchecked. Of a message that is not valid, nothing of
the body is shown, and of no message who called.

Exit code: 0 if the queue could be looked at, 1 if not, 2 if a setting is wrong.`
}

const defaultSample = 10

// sampleSize is what the flag --sample asks for.
func sampleSize(c config.Count) int {
	if c.Value == 0 {
		return defaultSample
	}
	return c.Value
}

// Run counts the messages and shows some.
func (cmd *List) Run(ctx context.Context) error {
	var faults config.Faults
	faults.Add("--sample", cmd.Sample.Err)
	d, err := cmd.find(ctx, faults)
	if err != nil {
		return err
	}
	letters, err := d.sample(ctx, sampleSize(cmd.Sample))
	if err != nil {
		return err
	}
	out := term.NewPrinter(os.Stdout)
	if cmd.JSON {
		return d.listJSON(out, letters)
	}
	d.listCounts(out)
	d.listSample(out, letters)
	return out.Err()
}

func (d *deadLetterQueue) listCounts(out *term.Printer) {
	out.Printf("%s\n", d.url)
	if d.policy.MaxReceiveCount > 0 {
		out.Printf("  messages come here after %s\n", term.Plural(d.policy.MaxReceiveCount, "receive"))
	}
	out.Printf("  about %d visible, %d in flight, %d delayed\n", d.Visible(), d.InFlight(), d.Delayed())
	if kept, known := d.Retention(); known {
		out.Printf("  kept for %s\n", term.Duration(kept))
	}
}

// listSample shows two lines a message, 80 columns wide, and sums them up.
func (d *deadLetterQueue) listSample(out *term.Printer, letters []deadLetter) {
	if len(letters) == 0 {
		out.Printf("\nno message to be had\n")
		return
	}
	out.Printf("\n%s\n", out.Paint(term.Faint, fmt.Sprintf("%-11s  %4s  %-36s  %s", "SENT", "RECV", "MESSAGE", "EVENT")))
	oldest := time.Time{}
	for i := range letters {
		l := &letters[i]
		sent := sentAt(&l.Message)
		if oldest.IsZero() || !sent.IsZero() && sent.Before(oldest) {
			oldest = sent
		}
		l.show(out, sent)
	}
	out.Printf("\n")
	listVerdicts(out, letters)
	if !oldest.IsZero() {
		out.Printf("the oldest of them was sent %s ago\n", term.Age(time.Since(oldest)))
	}
}

func (l *deadLetter) show(out *term.Printer, sent time.Time) {
	when, event, what := "", "", l.verdict.String()
	if !sent.IsZero() {
		when = sent.Local().Format("01-02 15:04")
	}
	colour := term.Red
	switch e := l.verdict.event; {
	case e != nil:
		event, what, colour = e.Type, wordValid+": "+e.ID, term.Green
	case !l.verdict.refused():
		colour = term.Yellow
	}
	const verdictColumn = 11 + 2 + 4 + 2
	out.Printf("%s\n", strings.TrimRight(fmt.Sprintf("%-11s  %4d  %s  %s", when, receiveCount(&l.Message), term.Column(aws.ToString(l.MessageId), 36), term.Column(event, 23)), " "))
	out.Printf("%*s%s\n", verdictColumn, "", out.Paint(colour, strings.TrimRight(term.Column(what, term.Columns-verdictColumn), " ")))
}

func (d *deadLetterQueue) listJSON(out *term.Printer, letters []deadLetter) error {
	list := struct {
		QueueURL string           `json:"deadLetterQueueUrl"`
		Visible  int              `json:"visible"`
		InFlight int              `json:"inFlight"`
		Delayed  int              `json:"delayed"`
		Sample   []deadLetterLine `json:"sample"`
	}{d.url, d.Visible(), d.InFlight(), d.Delayed(), make([]deadLetterLine, len(letters))}
	for i := range letters {
		list.Sample[i] = letters[i].line()
	}
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return out.Printf("%s\n", term.PrintableJSON(text))
}
