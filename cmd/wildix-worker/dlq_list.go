package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

type dlqListCmd struct {
	deadLetterSettings `embed:""`
	Sample             count `placeholder:"10" help:"How many messages to look at."`
	JSON               bool  `name:"json" help:"One object of JSON instead."`
}

// Help is what --help shows below the summary.
func (*dlqListCmd) Help() string {
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
func sampleSize(c count) int {
	if c.value == 0 {
		return defaultSample
	}
	return c.value
}

// Run counts the messages and shows some.
func (cmd *dlqListCmd) Run(ctx context.Context) error {
	var wrong faults
	wrong.add("--sample", cmd.Sample.err)
	d, err := cmd.find(ctx, wrong)
	if err != nil {
		return err
	}
	letters, err := d.sample(ctx, sampleSize(cmd.Sample))
	if err != nil {
		return err
	}
	out := newScreen(os.Stdout)
	if cmd.JSON {
		return d.listJSON(out, letters)
	}
	d.listCounts(out)
	d.listSample(out, letters)
	return out.err
}

func (d *deadLetterQueue) listCounts(out *screen) {
	out.printf("%s\n", d.url)
	if d.receives > 0 {
		out.printf("  messages come here after %s\n", plural(int(d.receives), "receive"))
	}
	out.printf("  about %d visible, %d in flight, %d delayed\n", d.visible(), d.inFlight(), d.delayed())
	if kept, known := retention(d.held.attributes); known {
		out.printf("  kept for %s\n", short(kept))
	}
}

// listSample shows two lines a message, 80 columns wide, and sums them up.
func (d *deadLetterQueue) listSample(out *screen, letters []deadLetter) {
	if len(letters) == 0 {
		out.printf("\nno message to be had\n")
		return
	}
	out.printf("\n%s\n", out.paint(faint, fmt.Sprintf("%-11s  %4s  %-36s  %s", "SENT", "RECV", "MESSAGE", "EVENT")))
	oldest := time.Time{}
	for i := range letters {
		l := &letters[i]
		sent := sentAt(&l.Message)
		if oldest.IsZero() || !sent.IsZero() && sent.Before(oldest) {
			oldest = sent
		}
		l.show(out, sent)
	}
	out.printf("\n")
	listVerdicts(out, letters)
	if !oldest.IsZero() {
		out.printf("the oldest of them was sent %s ago\n", age(time.Since(oldest)))
	}
}

func (l *deadLetter) show(out *screen, sent time.Time) {
	when, event, what := "", "", l.verdict.String()
	if !sent.IsZero() {
		when = sent.Local().Format("01-02 15:04")
	}
	colour := red
	switch e := l.verdict.event; {
	case e != nil:
		event, what, colour = e.Type, wordValid+": "+e.ID, green
	case !l.verdict.refused():
		colour = yellow
	}
	const verdictColumn = 11 + 2 + 4 + 2
	out.printf("%s\n", strings.TrimRight(fmt.Sprintf("%-11s  %4d  %s  %s", when, receiveCount(&l.Message), column(aws.ToString(l.MessageId), 36), column(event, 23)), " "))
	out.printf("%*s%s\n", verdictColumn, "", out.paint(colour, strings.TrimRight(column(what, columns-verdictColumn), " ")))
}

// age is about how long ago something was.
func age(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return plural(int(d/(24*time.Hour)), "day")
	case d >= 2*time.Hour:
		return plural(int(d/time.Hour), "hour")
	case d >= 2*time.Minute:
		return plural(int(d/time.Minute), "minute")
	default:
		return plural(int(d/time.Second), "second")
	}
}

func (d *deadLetterQueue) listJSON(out *screen, letters []deadLetter) error {
	list := struct {
		QueueURL string           `json:"deadLetterQueueUrl"`
		Visible  int              `json:"visible"`
		InFlight int              `json:"inFlight"`
		Delayed  int              `json:"delayed"`
		Sample   []deadLetterLine `json:"sample"`
	}{d.url, d.visible(), d.inFlight(), d.delayed(), make([]deadLetterLine, len(letters))}
	for i := range letters {
		list.Sample[i] = letters[i].line()
	}
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return out.printf("%s\n", printableJSON(text))
}
