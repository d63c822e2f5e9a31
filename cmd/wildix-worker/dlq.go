package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"wildix-worker/consumer"
	"wildix-worker/signature"
)

type dlqCmd struct {
	List    dlqListCmd    `cmd:"" help:"Count the messages, and say of some what a worker would make of them today."`
	Redrive dlqRedriveCmd `cmd:"" help:"Move the messages back to the queue that they came from."`
	Export  dlqExportCmd  `cmd:"" help:"Write all messages as lines of JSON."`
}

// deadLetterSettings say which dead-letter queue is meant, and with which keys its
// messages are looked at.
type deadLetterSettings struct {
	QueueURL           string `placeholder:"URL" env:"WILDIX_QUEUE_URL,SQS_URL" help:"The queue that is consumed; its redrive policy names the dead-letter queue."`
	DeadLetterQueueURL string `placeholder:"URL" help:"The dead-letter queue itself, whatever the policy says."`
	keySettings        `embed:""`
}

// A deadLetterQueue is one that was found.
type deadLetterQueue struct {
	client  *sqs.Client
	url     string
	keys    *signature.Keyring // nil if there are none
	held    answer             // what it holds, as SQS counts it
	redrive                    // zero if the queue's policy was not asked for
}

// find asks for the dead-letter queue. wrong has what else is wrong with the
// command line.
func (s *deadLetterSettings) find(ctx context.Context, wrong faults) (*deadLetterQueue, error) {
	keys, err := s.load(nil)
	if err != nil && !errors.Is(err, errNoSecret) {
		wrong = append(wrong, err.Error())
	}
	switch {
	case s.DeadLetterQueueURL != "":
		wrong.add("--dead-letter-queue-url", consumer.CheckQueueURL(s.DeadLetterQueueURL))
	case s.QueueURL == "":
		wrong = append(wrong, "no queue: set --queue-url (WILDIX_QUEUE_URL), or --dead-letter-queue-url")
	default:
		wrong.add("--queue-url (WILDIX_QUEUE_URL)", consumer.CheckQueueURL(s.QueueURL))
	}
	if err := wrong.err(); err != nil {
		return nil, err
	}
	client, err := newClient(ctx, cmp.Or(s.DeadLetterQueueURL, s.QueueURL))
	if err != nil {
		return nil, err
	}
	d := &deadLetterQueue{client: client, url: s.DeadLetterQueueURL, keys: keys}
	if d.url == "" {
		if err := d.follow(ctx, s.QueueURL); err != nil {
			return nil, err
		}
	}
	d.held = ask(ctx, client, d.url)
	if d.held.err != nil {
		return nil, dlqRefusal("sqs:GetQueueAttributes", d.url, d.held.err)
	}
	if d.movesOn() {
		warn("the dead-letter queue has a redrive policy of its own, so that looking at messages, which counts as a receive, moves them on in the end")
	}
	return d, nil
}

// movesOn reports whether the queue itself gives up on messages that are received too often.
func (d *deadLetterQueue) movesOn() bool {
	return d.held.attributes[string(types.QueueAttributeNameRedrivePolicy)] != ""
}

// follow finds the dead-letter queue by the policy of its queue.
func (d *deadLetterQueue) follow(ctx context.Context, queueURL string) error {
	queue := ask(ctx, d.client, queueURL)
	if queue.err != nil {
		return dlqRefusal("sqs:GetQueueAttributes", queueURL, queue.err)
	}
	text := queue.attributes[string(types.QueueAttributeNameRedrivePolicy)]
	if text == "" {
		return fmt.Errorf("the queue %s has no redrive policy, and so no dead-letter queue; to look at one that it had before, give --dead-letter-queue-url", queueURL)
	}
	r, err := parseRedrive(text)
	if err != nil {
		return fmt.Errorf("the queue %s: %w", queueURL, err)
	}
	d.redrive, d.url = *r, r.url(queueURL)
	return nil
}

// arn is the name by which SQS moves messages.
func (d *deadLetterQueue) arn() string {
	return d.held.attributes[string(types.QueueAttributeNameQueueArn)]
}

// count returns how many messages are in a state, as SQS counts them.
func (d *deadLetterQueue) count(state types.QueueAttributeName) int {
	n, _ := strconv.Atoi(d.held.attributes[string(state)])
	return n
}

func (d *deadLetterQueue) visible() int {
	return d.count(types.QueueAttributeNameApproximateNumberOfMessages)
}

func (d *deadLetterQueue) inFlight() int {
	return d.count(types.QueueAttributeNameApproximateNumberOfMessagesNotVisible)
}

func (d *deadLetterQueue) delayed() int {
	return d.count(types.QueueAttributeNameApproximateNumberOfMessagesDelayed)
}

// dlqRefusal turns what SQS answers to an action into a sentence for a person.
func dlqRefusal(action, queueURL string, err error) error {
	switch {
	case missing(err):
		return fmt.Errorf("the queue %s does not exist; compare the URL, or the redrive policy that names it, with the SQS console", queueURL)
	case denied(err):
		said := answerCode(err)
		if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorMessage() != "" {
			said += ": " + api.ErrorMessage()
		}
		return fmt.Errorf("not permitted: %s on the queue %s (AWS says %s)", action, queueURL, said)
	}
	if reason := refusal(queueURL, err); reason != nil {
		return reason
	}
	return fmt.Errorf("%s on the queue %s: %w", strings.TrimPrefix(action, "sqs:"), queueURL, err)
}
