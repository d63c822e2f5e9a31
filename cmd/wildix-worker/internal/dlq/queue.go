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

// queueSettings name the dead-letter queue, and the keys to check its messages with.
type queueSettings struct {
	QueueURL           string `placeholder:"URL" env:"WILDIX_QUEUE_URL,SQS_URL" help:"The queue that is consumed; its redrive policy names the dead-letter queue."`
	DeadLetterQueueURL string `placeholder:"URL" help:"The dead-letter queue itself, whatever the policy says."`
	config.Keys        `embed:""`
}

// A deadLetterQueue is a dead-letter queue with its attributes.
type deadLetterQueue struct {
	awsclient.Attributes
	client *sqs.Client
	url    string
	keys   *signature.Keyring    // nil if there are none
	policy sqscall.RedrivePolicy // zero if the queue was given by its own URL
}

// find returns the dead-letter queue of the settings. Faults are those of other settings,
// and are reported together with its own.
func (s *queueSettings) find(ctx context.Context, faults config.Faults) (*deadLetterQueue, error) {
	keys, err := s.Load(nil)
	if err != nil && !errors.Is(err, config.ErrNoSecret) {
		faults = append(faults, err.Error())
	}
	s.checkURLs(&faults)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	client, err := awsclient.New(ctx, cmp.Or(s.DeadLetterQueueURL, s.QueueURL))
	if err != nil {
		return nil, err
	}
	d := &deadLetterQueue{client: client, url: s.DeadLetterQueueURL, keys: keys}
	if d.url == "" {
		if d.policy, err = redrivePolicy(ctx, client, s.QueueURL); err != nil {
			return nil, err
		}
		d.url = d.policy.DeadLetterQueueURL(s.QueueURL)
	}
	d.Attributes = awsclient.GetAttributes(ctx, client, d.url)
	if d.Err != nil {
		return nil, explain("sqs:GetQueueAttributes", d.url, d.Err)
	}
	if d.hasRedrivePolicy() {
		term.Warn("the dead-letter queue has a redrive policy of its own: inspecting a message counts as a receive, and a message with too many receives is moved on")
	}
	return d, nil
}

func (s *queueSettings) checkURLs(faults *config.Faults) {
	switch {
	case s.DeadLetterQueueURL != "":
		faults.Add("--dead-letter-queue-url", consumer.CheckQueueURL(s.DeadLetterQueueURL))
	case s.QueueURL == "":
		*faults = append(*faults, "no queue: set --queue-url (WILDIX_QUEUE_URL), or --dead-letter-queue-url")
	default:
		faults.Add("--queue-url (WILDIX_QUEUE_URL)", consumer.CheckQueueURL(s.QueueURL))
	}
}

// redrivePolicy returns the redrive policy of the queue that is consumed.
func redrivePolicy(ctx context.Context, client *sqs.Client, queueURL string) (sqscall.RedrivePolicy, error) {
	queue := awsclient.GetAttributes(ctx, client, queueURL)
	if queue.Err != nil {
		return sqscall.RedrivePolicy{}, explain("sqs:GetQueueAttributes", queueURL, queue.Err)
	}
	text := queue.Get(types.QueueAttributeNameRedrivePolicy)
	if text == "" {
		return sqscall.RedrivePolicy{}, fmt.Errorf("the queue %s has no redrive policy, and so no dead-letter queue; for one that it had before, give --dead-letter-queue-url", queueURL)
	}
	policy, err := sqscall.ParseRedrivePolicy(text)
	if err != nil {
		return sqscall.RedrivePolicy{}, fmt.Errorf("the queue %s: %w", queueURL, err)
	}
	return policy, nil
}

// hasRedrivePolicy reports whether the dead-letter queue itself moves messages on that are
// received too often.
func (d *deadLetterQueue) hasRedrivePolicy() bool {
	return d.Get(types.QueueAttributeNameRedrivePolicy) != ""
}

func (d *deadLetterQueue) arn() string { return d.Get(types.QueueAttributeNameQueueArn) }

// counts returns the number of messages in each state.
func (d *deadLetterQueue) counts() string {
	return fmt.Sprintf("about %d visible, %d in flight, %d delayed", d.Visible(), d.InFlight(), d.Delayed())
}

// explain turns the error of an action into a sentence for people.
func explain(action, queueURL string, err error) error {
	switch {
	case awsclient.QueueMissing(err):
		return fmt.Errorf("the queue %s does not exist; compare the URL, or the redrive policy that names it, with the SQS console", queueURL)
	case awsclient.Denied(err):
		reason := awsclient.ErrorCode(err)
		if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorMessage() != "" {
			reason += ": " + api.ErrorMessage()
		}
		return fmt.Errorf("not permitted: %s on the queue %s (AWS says %s)", action, queueURL, reason)
	}
	if reason := awsclient.Explain(queueURL, err); reason != nil {
		return reason
	}
	return fmt.Errorf("%s on the queue %s: %w", strings.TrimPrefix(action, "sqs:"), queueURL, err)
}

// are returns a number of messages with its verb.
func are(n int) string {
	if n == 1 {
		return "1 is"
	}
	return fmt.Sprintf("%d are", n)
}
