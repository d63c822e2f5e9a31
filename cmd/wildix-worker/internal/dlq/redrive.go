package dlq

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/consumer"
)

// Redrive is the command dlq redrive.
type Redrive struct {
	deadLetterSettings `embed:""`
	To                 string       `placeholder:"QUEUE" help:"Move the messages to this queue, by its URL or ARN, instead of the one that each came from."`
	Rate               config.Count `placeholder:"N" help:"Messages a second, 1 to 500. Without it SQS chooses."`
	Sample             config.Count `placeholder:"10" help:"How many messages to look at before."`
	DryRun             bool         `help:"Say what would be moved, and move nothing."`
}

// Help is what --help shows below the summary.
func (*Redrive) Help() string {
	return `Has SQS itself move the messages (a message move task, one at a time for a queue), and
shows how far it is. The first Ctrl-C cancels the task; what was moved stays moved. If a
task is running already, it is watched, and no other is started. If the program is
killed, the task goes on.

Before that it looks at a sample, as list does, and warns if messages would be rejected
again: they would only come back. To move some and leave others, use export and send.
What is moved is a new message to SQS, with a new id and retention, and a worker counts
its receives from one.

Exit code: 0 if all was moved or there was nothing, 1 if not, 2 if a setting is wrong.`
}

const maxRedriveRate = 500

// Run moves the messages.
func (cmd *Redrive) Run(ctx context.Context) error {
	d, err := cmd.find(ctx, cmd.check())
	if err != nil {
		return err
	}
	m := &mover{deadLetterQueue: d, out: term.NewPrinter(os.Stdout), rate: int32(cmd.Rate.Value)}
	if m.destination, err = d.destination(ctx, cmd.To); err != nil {
		return err
	}
	if !cmd.DryRun {
		if running, err := m.adopt(ctx); running || err != nil {
			return err
		}
	}
	letters, err := d.sample(ctx, sampleSize(cmd.Sample))
	if err != nil {
		return err
	}
	m.intro(letters)
	switch {
	case len(letters) == 0 && m.Visible() == 0:
		return m.nothing()
	case cmd.DryRun:
		m.out.Printf("nothing was moved: this is a dry run\n")
		return m.out.Err()
	default:
		return m.move(ctx)
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

// destination returns the ARN of the queue to move to; empty if it is that of each message.
func (d *deadLetterQueue) destination(ctx context.Context, to string) (string, error) {
	if to == "" || isARN(to) {
		return to, nil
	}
	a := awsclient.GetAttributes(ctx, d.client, to)
	if a.Err != nil {
		return "", fmt.Errorf("--to: %w", dlqRefusal("sqs:GetQueueAttributes", to, a.Err))
	}
	return a.Get(types.QueueAttributeNameQueueArn), nil
}

// intro says what is going to be moved, and what will become of it.
func (m *mover) intro(letters []deadLetter) {
	to := m.destination
	if to == "" {
		to = "the queue that each message came from"
	}
	m.out.Printf("from  %s\nto    %s\n", m.url, to)
	m.out.Printf("about %d visible, %d in flight, %d delayed\n", m.Visible(), m.InFlight(), m.Delayed())
	if len(letters) == 0 {
		return
	}
	listVerdicts(m.out, letters)
	if n := refusedOf(letters); n > 0 {
		term.Warn("%d of the %d in the sample would be rejected or malformed again today, and come back here; mend the cause first, such as a secret that is missing, or take them out with export", n, len(letters))
	}
	if letters[0].verdict.word == wordUnchecked {
		term.Warn("whether the signatures are valid was not checked: %s", letters[0].verdict.reason)
	}
}

// nothing says why there is nothing to move.
func (m *mover) nothing() error {
	if n := m.InFlight(); n > 0 {
		return fmt.Errorf("nothing to move: about %s in flight, received by someone and not given back yet", are(n))
	}
	m.out.Printf("nothing to move\n")
	return m.out.Err()
}

// moveRefusal says what SQS has against moving messages out of the queue.
func (m *mover) moveRefusal(action string, err error) error {
	switch code := awsclient.ErrorCode(err); {
	case unknownAction(code):
		return fmt.Errorf("the server knows no message move tasks (%s says %s); use export and send", action, code)
	case awsclient.Denied(err) && action == "StartMessageMoveTask":
		return fmt.Errorf("%w; besides, sqs:ReceiveMessage, sqs:DeleteMessage and sqs:GetQueueAttributes on it are needed, and sqs:SendMessage on the queue that the messages go to", dlqRefusal("sqs:"+action, m.url, err))
	case awsclient.InvalidRequest(err) || isResourceMissing(err):
		return fmt.Errorf("SQS does not move the messages of %s: %w", m.url, term.RootCause(err))
	default:
		return dlqRefusal("sqs:"+action, m.url, err)
	}
}

// unknownAction reports whether a server, which is not AWS's then, does not have the action.
func unknownAction(code string) bool {
	switch code {
	case "InvalidAction", "UnknownOperation", "UnknownOperationException", "NotImplementedException", "HTTP 404", "HTTP 500", "HTTP 501":
		return true
	}
	return false
}

func isResourceMissing(err error) bool {
	_, ok := errors.AsType[*types.ResourceNotFoundException](err)
	return ok
}

func busy(err error) bool {
	_, ok := errors.AsType[*types.UnsupportedOperation](err)
	return ok
}

// failures are reasons of SQS, in a person's words.
var failures = map[string]string{
	"CouldNotDetermineMessageSource": "a message did not come here by a redrive policy, or its queue is gone; say with --to where it belongs",
}

func failure(reason *string) string {
	code := aws.ToString(reason)
	if said := failures[code]; said != "" {
		return said + " (SQS says " + code + ")"
	}
	return "SQS says " + code
}
