package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/consumer"
)

type dlqRedriveCmd struct {
	deadLetterSettings `embed:""`
	To                 string `placeholder:"QUEUE" help:"Move the messages to this queue, by its URL or ARN, instead of the one that each came from."`
	Rate               count  `placeholder:"N" help:"Messages a second, 1 to 500. Without it SQS chooses."`
	Sample             count  `placeholder:"10" help:"How many messages to look at before."`
	DryRun             bool   `help:"Say what would be moved, and move nothing."`
}

// Help is what --help shows below the summary.
func (*dlqRedriveCmd) Help() string {
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
func (cmd *dlqRedriveCmd) Run(ctx context.Context) error {
	d, err := cmd.find(ctx, cmd.faults())
	if err != nil {
		return err
	}
	m := &mover{deadLetterQueue: d, out: newScreen(os.Stdout), rate: int32(cmd.Rate.value)}
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
	case len(letters) == 0 && m.visible() == 0:
		return m.nothing()
	case cmd.DryRun:
		m.out.printf("nothing was moved: this is a dry run\n")
		return m.out.err
	default:
		return m.move(ctx)
	}
}

func (cmd *dlqRedriveCmd) faults() (wrong faults) {
	wrong.add("--sample", cmd.Sample.err)
	wrong.add("--rate", cmd.Rate.err)
	if cmd.Rate.value > maxRedriveRate {
		wrong.add("--rate", fmt.Errorf("%d is more than the %d messages a second that SQS moves", cmd.Rate.value, maxRedriveRate))
	}
	if cmd.To != "" && !isARN(cmd.To) {
		wrong.add("--to", consumer.CheckQueueURL(cmd.To))
	}
	return wrong
}

func isARN(queue string) bool { return strings.HasPrefix(queue, "arn:") }

// destination returns the ARN of the queue to move to; empty if it is that of each message.
func (d *deadLetterQueue) destination(ctx context.Context, to string) (string, error) {
	if to == "" || isARN(to) {
		return to, nil
	}
	a := ask(ctx, d.client, to)
	if a.err != nil {
		return "", fmt.Errorf("--to: %w", dlqRefusal("sqs:GetQueueAttributes", to, a.err))
	}
	return a.attributes[string(types.QueueAttributeNameQueueArn)], nil
}

// intro says what is going to be moved, and what will become of it.
func (m *mover) intro(letters []deadLetter) {
	to := m.destination
	if to == "" {
		to = "the queue that each message came from"
	}
	m.out.printf("from  %s\nto    %s\n", m.url, to)
	m.out.printf("about %d visible, %d in flight, %d delayed\n", m.visible(), m.inFlight(), m.delayed())
	if len(letters) == 0 {
		return
	}
	listVerdicts(m.out, letters)
	if n := refusedOf(letters); n > 0 {
		warn("%d of the %d in the sample would be rejected or malformed again today, and come back here; mend the cause first, such as a secret that is missing, or take them out with export", n, len(letters))
	}
	if letters[0].verdict.word == wordUnchecked {
		warn("whether the signatures are valid was not checked: %s", letters[0].verdict.reason)
	}
}

// nothing says why there is nothing to move.
func (m *mover) nothing() error {
	if n := m.inFlight(); n > 0 {
		return fmt.Errorf("nothing to move: about %s in flight, received by someone and not given back yet", are(n))
	}
	m.out.printf("nothing to move\n")
	return m.out.err
}

func warn(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "wildix-worker: warning: "+format+"\n", args...)
}

// moveRefusal says what SQS has against moving messages out of the queue.
func (m *mover) moveRefusal(action string, err error) error {
	switch code := answerCode(err); {
	case unknownAction(code):
		return fmt.Errorf("the server knows no message move tasks (%s says %s); use export and send", action, code)
	case denied(err) && action == "StartMessageMoveTask":
		return fmt.Errorf("%w; besides, sqs:ReceiveMessage, sqs:DeleteMessage and sqs:GetQueueAttributes on it are needed, and sqs:SendMessage on the queue that the messages go to", dlqRefusal("sqs:"+action, m.url, err))
	case invalid(err) || isResourceMissing(err):
		return fmt.Errorf("SQS does not move the messages of %s: %w", m.url, rootCause(err))
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
