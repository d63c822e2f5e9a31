package dlq

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/deadletter"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/consumer"
)

// Redrive is the command dlq redrive.
type Redrive struct {
	queueSettings `embed:""`
	To            string       `placeholder:"QUEUE" help:"URL or ARN of the queue to move the messages to. Without it, each goes to the queue that it came from."`
	Rate          config.Count `placeholder:"N" help:"Messages a second, 1 to 500. Without it SQS chooses."`
	Sample        config.Count `placeholder:"10" help:"How many messages to inspect first."`
	DryRun        bool         `help:"Show what would be moved, but move nothing."`
}

// Help is what --help shows below the summary.
func (*Redrive) Help() string {
	return `SQS itself moves the messages, in a message move task. A queue can have one task at a
time. The command shows its progress. The first Ctrl-C cancels the task; messages that
were moved stay moved. If a task is running already, the command shows its progress
and starts no other. If the command is killed, the task continues.

The command first inspects a sample, as list does, and warns if messages would be
rejected again: they would come back. To move only some messages, use export and send.
A moved message is a new one for SQS: it has a new id and retention, and its receive
count starts at zero.

Exit code: 0 if all messages were moved or there were none, 1 if not, 2 if a setting
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
	messages, err := d.Sample(ctx, sampleSize(cmd.Sample))
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

func (cmd *Redrive) check() config.Faults {
	faults := cmd.Faults()
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

// destination returns the ARN of the queue to move to. It is empty for the queue that each
// message came from.
func (d *deadLetterQueue) destination(ctx context.Context, to string) (string, error) {
	if to == "" || isARN(to) {
		return to, nil
	}
	queue := awsclient.GetAttributes(ctx, d.Client, to)
	if queue.Err != nil {
		return "", fmt.Errorf("--to: %w", deadletter.Explain("sqs:GetQueueAttributes", to, queue.Err))
	}
	return queue.Get(types.QueueAttributeNameQueueArn), nil
}

// printPlan prints what will be moved, and warns of messages that would come back.
func (t *moveTask) printPlan(messages []deadletter.Message) {
	to := t.destination
	if to == "" {
		to = "the queue that each message came from"
	}
	t.out.Printf("from  %s\nto    %s\n%s\n", t.URL, to, t.counts())
	if len(messages) == 0 {
		return
	}
	printVerdicts(t.out, messages)
	if n := countRefused(messages); n > 0 {
		term.Warn("%d of the %d in the sample would be rejected or malformed again today, and come back here; fix the cause first, such as a missing secret, or save them with export", n, len(messages))
	}
	if v := messages[0].Verdict; v.Result == deadletter.Unchecked {
		term.Warn("signatures were not checked: %s", v.Reason)
	}
}

// nothingToMove prints or returns why there is nothing to move.
func (d *deadLetterQueue) nothingToMove(out *term.Printer) error {
	if n := d.InFlight(); n > 0 {
		return fmt.Errorf("nothing to move: about %s in flight, received by another program", countAre(n))
	}
	out.Printf("nothing to move\n")
	return out.Err()
}
