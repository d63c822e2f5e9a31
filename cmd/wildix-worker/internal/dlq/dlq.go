// Package dlq is the command dlq: it lists, exports and redrives the messages of a
// dead-letter queue.
package dlq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/consumer"
	"wildix-worker/internal/sqscall"
	"wildix-worker/signature"
)

// Command is the command dlq.
type Command struct {
	List    List    `cmd:"" help:"Count the messages, and say of some what a worker would make of them today."`
	Redrive Redrive `cmd:"" help:"Move the messages back to the queue that they came from."`
	Export  Export  `cmd:"" help:"Write all messages as lines of JSON."`
}

// deadLetterSettings say which dead-letter queue is meant, and with which keys its
// messages are looked at.
type deadLetterSettings struct {
	QueueURL           string `placeholder:"URL" env:"WILDIX_QUEUE_URL,SQS_URL" help:"The queue that is consumed; its redrive policy names the dead-letter queue."`
	DeadLetterQueueURL string `placeholder:"URL" help:"The dead-letter queue itself, whatever the policy says."`
	config.Keys        `embed:""`
}

// A deadLetterQueue is one that was found.
type deadLetterQueue struct {
	client *sqs.Client
	url    string
	keys   *signature.Keyring // nil if there are none
	awsclient.Attributes
	policy sqscall.RedrivePolicy // zero if the queue's policy was not asked for
}

// find asks for the dead-letter queue. wrong has what else is wrong with the
// command line.
func (s *deadLetterSettings) find(ctx context.Context, faults config.Faults) (*deadLetterQueue, error) {
	keys, err := s.Load(nil)
	if err != nil && !errors.Is(err, config.ErrNoSecret) {
		faults = append(faults, err.Error())
	}
	switch {
	case s.DeadLetterQueueURL != "":
		faults.Add("--dead-letter-queue-url", consumer.CheckQueueURL(s.DeadLetterQueueURL))
	case s.QueueURL == "":
		faults = append(faults, "no queue: set --queue-url (WILDIX_QUEUE_URL), or --dead-letter-queue-url")
	default:
		faults.Add("--queue-url (WILDIX_QUEUE_URL)", consumer.CheckQueueURL(s.QueueURL))
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	client, err := awsclient.New(ctx, cmp.Or(s.DeadLetterQueueURL, s.QueueURL))
	if err != nil {
		return nil, err
	}
	d := &deadLetterQueue{client: client, url: s.DeadLetterQueueURL, keys: keys}
	if d.url == "" {
		if err := d.follow(ctx, s.QueueURL); err != nil {
			return nil, err
		}
	}
	d.Attributes = awsclient.GetAttributes(ctx, client, d.url)
	if d.Err != nil {
		return nil, dlqRefusal("sqs:GetQueueAttributes", d.url, d.Err)
	}
	if d.movesOn() {
		term.Warn("the dead-letter queue has a redrive policy of its own, so that looking at messages, which counts as a receive, moves them on in the end")
	}
	return d, nil
}

// movesOn reports whether the queue itself gives up on messages that are received too often.
func (d *deadLetterQueue) movesOn() bool {
	return d.Get(types.QueueAttributeNameRedrivePolicy) != ""
}

// follow finds the dead-letter queue by the policy of its queue.
func (d *deadLetterQueue) follow(ctx context.Context, queueURL string) error {
	queue := awsclient.GetAttributes(ctx, d.client, queueURL)
	if queue.Err != nil {
		return dlqRefusal("sqs:GetQueueAttributes", queueURL, queue.Err)
	}
	text := queue.Get(types.QueueAttributeNameRedrivePolicy)
	if text == "" {
		return fmt.Errorf("the queue %s has no redrive policy, and so no dead-letter queue; to look at one that it had before, give --dead-letter-queue-url", queueURL)
	}
	r, err := sqscall.ParseRedrivePolicy(text)
	if err != nil {
		return fmt.Errorf("the queue %s: %w", queueURL, err)
	}
	d.policy, d.url = r, r.DeadLetterQueueURL(queueURL)
	return nil
}

// arn is the name by which SQS moves messages.
func (d *deadLetterQueue) arn() string {
	return d.Get(types.QueueAttributeNameQueueArn)
}

// dlqRefusal turns what SQS answers to an action into a sentence for a person.
func dlqRefusal(action, queueURL string, err error) error {
	switch {
	case awsclient.QueueMissing(err):
		return fmt.Errorf("the queue %s does not exist; compare the URL, or the redrive policy that names it, with the SQS console", queueURL)
	case awsclient.Denied(err):
		said := awsclient.ErrorCode(err)
		if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorMessage() != "" {
			said += ": " + api.ErrorMessage()
		}
		return fmt.Errorf("not permitted: %s on the queue %s (AWS says %s)", action, queueURL, said)
	}
	if reason := awsclient.Explain(queueURL, err); reason != nil {
		return reason
	}
	return fmt.Errorf("%s on the queue %s: %w", strings.TrimPrefix(action, "sqs:"), queueURL, err)
}
