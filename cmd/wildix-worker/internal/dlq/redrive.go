package dlq

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/consumer"
)

// Redrive is the command dlq redrive.
type Redrive struct {
	queueSettings `embed:""`
	To            string       `placeholder:"QUEUE" help:"Move the messages to this queue, by its URL or ARN, instead of the one that each came from."`
	Rate          config.Count `placeholder:"N" help:"Messages a second, 1 to 500. Without it SQS chooses."`
	Sample        config.Count `placeholder:"10" help:"How many messages to inspect before."`
	DryRun        bool         `help:"Show what would be moved, and move nothing."`
}

// Help is what --help shows below the summary.
func (*Redrive) Help() string {
	return `SQS itself moves the messages (a message move task, one at a time for a queue), and
the command shows the progress. The first Ctrl-C cancels the task; what was moved
stays moved. If a task is running already, the command shows its progress and starts
no other. If the command is killed, the task goes on.

It first inspects a sample, as list does, and warns if messages would be rejected
again: they would only come back. To move some and leave others, use export and send.
A moved message is a new one for SQS, with a new id and retention, and a receive
count from zero.

Exit code: 0 if all was moved or there was nothing to move, 1 if not, 2 if a setting
is wrong.`
}

const maxRedriveRate = 500

// Run moves the messages.
func (cmd *Redrive) Run(ctx context.Context) error {
	d, err := cmd.find(ctx, cmd.check())
	if err != nil {
		return err
	}
	t := &moveTask{deadLetterQueue: d, out: term.NewPrinter(os.Stdout), rate: int32(cmd.Rate.Value)}
	if t.destination, err = d.destination(ctx, cmd.To); err != nil {
		return err
	}
	if !cmd.DryRun {
		if running, err := t.watchRunning(ctx); running || err != nil {
			return err
		}
	}
	messages, err := d.sample(ctx, sampleSize(cmd.Sample))
	if err != nil {
		return err
	}
	t.printPlan(messages)
	switch {
	case len(messages) == 0 && d.Visible() == 0:
		return d.nothingToMove(t.out)
	case cmd.DryRun:
		t.out.Printf("nothing was moved: this is a dry run\n")
		return t.out.Err()
	default:
		return t.run(ctx)
	}
}

func (cmd *Redrive) check() (faults config.Faults) {
	faults.Add("--sample", cmd.Sample.Err)
	faults.Add("--rate", cmd.Rate.Err)
	if cmd.Rate.Value > maxRedriveRate {
		faults.Add("--rate", fmt.Errorf("%d is more than the %d messages a second that SQS moves", cmd.Rate.Value, maxRedriveRate))
	}
	if cmd.To != "" && !isARN(cmd.To) {
		faults.Add("--to", consumer.CheckQueueURL(cmd.To))
	}
	return faults
}

func isARN(queue string) bool { return strings.HasPrefix(queue, "arn:") }

// destination returns the ARN of the queue to move to, or empty for the queue that each
// message came from.
func (d *deadLetterQueue) destination(ctx context.Context, to string) (string, error) {
	if to == "" || isARN(to) {
		return to, nil
	}
	queue := awsclient.GetAttributes(ctx, d.client, to)
	if queue.Err != nil {
		return "", fmt.Errorf("--to: %w", explain("sqs:GetQueueAttributes", to, queue.Err))
	}
	return queue.Get(types.QueueAttributeNameQueueArn), nil
}

// printPlan prints what is going to be moved, and warns of what would come back.
func (t *moveTask) printPlan(messages []message) {
	to := t.destination
	if to == "" {
		to = "the queue that each message came from"
	}
	t.out.Printf("from  %s\nto    %s\n%s\n", t.url, to, t.counts())
	if len(messages) == 0 {
		return
	}
	printVerdicts(t.out, messages)
	if n := countRefused(messages); n > 0 {
		term.Warn("%d of the %d in the sample would be rejected or malformed again today, and come back here; fix the cause first, such as a missing secret, or save them with export", n, len(messages))
	}
	if v := messages[0].verdict; v.result == unchecked {
		term.Warn("signatures were not checked: %s", v.reason)
	}
}

// nothingToMove says why there is nothing to move.
func (d *deadLetterQueue) nothingToMove(out *term.Printer) error {
	if n := d.InFlight(); n > 0 {
		return fmt.Errorf("nothing to move: about %s in flight, received by another program", are(n))
	}
	out.Printf("nothing to move\n")
	return out.Err()
}
