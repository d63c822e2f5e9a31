// Package deadletter finds the dead-letter queue of a queue, inspects its messages without
// deleting them, and moves them back. The command dlq and the console share it.
package deadletter

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/internal/sqscall"
	"wildix-worker/signature"
)

// A Queue is a dead-letter queue with its attributes.
type Queue struct {
	awsclient.Attributes
	Client *sqs.Client
	URL    string
	Keys   *signature.Keyring    // nil if there are none
	Policy sqscall.RedrivePolicy // zero if the queue was given by its own URL
	Source Source                // zero if the queue was given by its own URL
	Warn   func(text string)     // gets what a user should know although nothing has failed
}

// A Source is the queue whose redrive policy names the dead-letter queue.
type Source struct{ URL, ARN string }

// Find returns the dead-letter queue that the redrive policy of a queue names.
func Find(ctx context.Context, client *sqs.Client, queueURL string, keys *signature.Keyring, warn func(string)) (*Queue, error) {
	policy, source, err := redrivePolicy(ctx, client, queueURL)
	if err != nil {
		return nil, err
	}
	q := &Queue{Client: client, URL: policy.DeadLetterQueueURL(queueURL), Keys: keys, Policy: policy, Source: source, Warn: warn}
	return q, q.ReadAttributes(ctx)
}

// ReadAttributes reads the attributes of the dead-letter queue.
func (q *Queue) ReadAttributes(ctx context.Context) error {
	q.Attributes = awsclient.GetAttributes(ctx, q.Client, q.URL)
	if q.Err != nil {
		return Explain("sqs:GetQueueAttributes", q.URL, q.Err)
	}
	return nil
}

// ErrNoPolicy is the error of Find for a queue without a redrive policy.
var ErrNoPolicy = errors.New("has no redrive policy, and so no dead-letter queue")

// redrivePolicy returns the queue that is consumed, and its redrive policy.
func redrivePolicy(ctx context.Context, client *sqs.Client, queueURL string) (policy sqscall.RedrivePolicy, source Source, err error) {
	queue := awsclient.GetAttributes(ctx, client, queueURL)
	if queue.Err != nil {
		return policy, source, Explain("sqs:GetQueueAttributes", queueURL, queue.Err)
	}
	text := queue.Get(types.QueueAttributeNameRedrivePolicy)
	if text == "" {
		return policy, source, fmt.Errorf("the queue %s %w", queueURL, ErrNoPolicy)
	}
	if policy, err = sqscall.ParseRedrivePolicy(text); err != nil {
		return policy, source, fmt.Errorf("the queue %s: %w", queueURL, err)
	}
	return policy, Source{URL: queueURL, ARN: queue.Get(types.QueueAttributeNameQueueArn)}, nil
}

// HasRedrivePolicy reports whether the dead-letter queue itself has a redrive policy, so that
// SQS moves on messages that are received too often.
func (q *Queue) HasRedrivePolicy() bool {
	return q.Get(types.QueueAttributeNameRedrivePolicy) != ""
}

// ARN returns the ARN of the dead-letter queue.
func (q *Queue) ARN() string { return q.Get(types.QueueAttributeNameQueueArn) }

// Explain returns an error that says why an action failed and, if possible, what to do.
func Explain(action, queueURL string, err error) error {
	switch {
	case awsclient.QueueMissing(err):
		return fmt.Errorf("the queue %s does not exist; compare the URL, or the redrive policy that names it, with the SQS console", queueURL)
	case awsclient.Denied(err):
		return fmt.Errorf("not permitted: %s on the queue %s (AWS says %s)", action, queueURL, awsclient.Answer(err))
	}
	if reason := awsclient.Explain(queueURL, err); reason != nil {
		return reason
	}
	return fmt.Errorf("%s on the queue %s: %w", strings.TrimPrefix(action, "sqs:"), queueURL, err)
}
