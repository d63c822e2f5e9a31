package awsclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/zap"

	"wildix-worker/internal/sqscall"
)

// Timeout is how long one request may take.
const Timeout = 10 * time.Second

// NoRedrivePolicy is the advice for a queue without a redrive policy.
const NoRedrivePolicy = "a message that is rejected, malformed or always fails comes back until its retention ends; give the queue a dead-letter queue"

// lastPoll is said of queues that are not at AWS. No request tells which server does this.
const lastPoll = "the queue is not at AWS: some servers, such as LocalStack, go on for up to 20 s with the last poll of a worker that was stopped, and an event that it takes comes after the visibility timeout"

// WaitForQueue waits until the queue can be consumed, or ctx ends. It returns an error if
// the queue does not exist or access to it is denied. While the endpoint does not answer, it
// tries again.
func WaitForQueue(ctx context.Context, client *sqs.Client, queueURL string, log *zap.Logger) error {
	for failures := 1; ; failures++ {
		out, err := getAttributes(ctx, client, queueURL, noRetries)
		switch {
		case err == nil:
			if out.Attributes[string(types.QueueAttributeNameRedrivePolicy)] == "" {
				log.Warn("the queue has no redrive policy: " + NoRedrivePolicy)
			}
			if sqscall.Locate(queueURL).Region == "" {
				log.Info(lastPoll)
			}
			return nil
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the end of ctx is no error
		}
		if reason := cmp.Or(Explain(queueURL, err), unknownEndpoint(ctx, client.Options(), err)); reason != nil {
			return reason
		}
		if failures == 1 {
			log.Warn("queue does not answer, waiting for it", zap.String("queue", queueURL), zap.Error(err))
		}
		select {
		case <-time.After(sqscall.Backoff.EqualJitter(failures)):
		case <-ctx.Done():
		}
	}
}

// CheckTarget returns an error if a queue to send to does not exist, or its endpoint does
// not. It ignores all other errors, since sending needs no permission to read the queue's
// attributes. The error names the queue's role and its setting.
func CheckTarget(ctx context.Context, client *sqs.Client, queueURL, role, setting string) error {
	_, err := getAttributes(ctx, client, queueURL, noRetries)
	switch {
	case err == nil:
		return nil
	case QueueMissing(err):
		return fmt.Errorf("the %s %s does not exist; compare %s with the SQS console", role, queueURL, setting)
	default:
		return unknownEndpoint(ctx, client.Options(), err)
	}
}

// CreateQueue creates the queue of a URL, unless it exists.
func CreateQueue(ctx context.Context, client *sqs.Client, queueURL string) error {
	name := queueURL[strings.LastIndex(queueURL, "/")+1:]
	attributes := map[string]string{}
	if sqscall.IsFIFO(name) {
		attributes["FifoQueue"] = "true"
	}
	_, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if _, exists := errors.AsType[*types.QueueNameExists](err); err != nil && !exists {
		return fmt.Errorf("create the queue %s: %w", name, err)
	}
	return nil
}

// noRetries switches the SDK's retries off, for calls that must return soon.
func noRetries(o *sqs.Options) { o.Retryer = aws.NopRetryer{} }

func getAttributes(ctx context.Context, client *sqs.Client, queueURL string, options ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	return client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl:       &queueURL,
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	}, options...)
}

// Attributes is the response to a request for the attributes of a queue.
type Attributes struct {
	Values     map[string]string // nil if the request failed
	Err        error             // why it failed
	ReceivedAt time.Time         // by this machine's clock
	ServerTime time.Time         // by the server's clock; zero if the response has no date
}

// GetAttributes requests all attributes of a queue, with the SDK's retries.
func GetAttributes(ctx context.Context, client *sqs.Client, queueURL string) Attributes {
	out, err := getAttributes(ctx, client, queueURL)
	a := Attributes{Err: err, ReceivedAt: time.Now()}
	if err == nil {
		a.Values = out.Attributes
		if a.Values == nil { // some servers leave out an empty map
			a.Values = map[string]string{}
		}
		a.ServerTime, _ = middleware.GetServerTime(out.ResultMetadata)
		return a
	}
	if refused, ok := errors.AsType[*awshttp.ResponseError](err); ok && refused.HTTPStatusCode() != 0 {
		a.ServerTime, _ = http.ParseTime(refused.Response.Header.Get("Date"))
	}
	return a
}

// Get returns an attribute, or an empty string if the queue does not have it.
func (a Attributes) Get(name types.QueueAttributeName) string { return a.Values[string(name)] }

// Answered reports whether the server answered at all.
func (a Attributes) Answered() bool { return a.Values != nil || ErrorCode(a.Err) != "" }

// QueueExists reports whether the queue exists, even if reading its attributes is denied.
func (a Attributes) QueueExists() bool { return a.Values != nil || Denied(a.Err) }

// Visible returns approximately how many messages can be received.
func (a Attributes) Visible() int {
	return a.count(types.QueueAttributeNameApproximateNumberOfMessages)
}

// InFlight returns approximately how many messages were received and are neither deleted nor
// visible again.
func (a Attributes) InFlight() int {
	return a.count(types.QueueAttributeNameApproximateNumberOfMessagesNotVisible)
}

// Delayed returns approximately how many messages can't be received yet.
func (a Attributes) Delayed() int {
	return a.count(types.QueueAttributeNameApproximateNumberOfMessagesDelayed)
}

// Total returns approximately how many messages the queue holds in all states.
func (a Attributes) Total() int { return a.Visible() + a.InFlight() + a.Delayed() }

func (a Attributes) count(name types.QueueAttributeName) int {
	n, _ := strconv.Atoi(a.Get(name))
	return n
}

// Retention returns how long the queue keeps a message. known is false if the server does
// not report it.
func (a Attributes) Retention() (kept time.Duration, known bool) {
	seconds, err := strconv.Atoi(a.Get(types.QueueAttributeNameMessageRetentionPeriod))
	return time.Duration(seconds) * time.Second, err == nil
}
