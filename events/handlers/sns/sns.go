// Package sns publishes events to an SNS topic, up to ten per call:
//
//	h, err := sns.New(sns.Config{
//		Client:   awssns.NewFromConfig(awsConfig), // of github.com/aws/aws-sdk-go-v2/service/sns
//		TopicARN: "arn:aws:sns:eu-central-1:123456789012:calls",
//	})
//	...
//	defer h.Close()
//	mux.Handle("call:end", h)
//
// # The message
//
// The message is the event as the PBX signed it, byte for byte. Two message attributes go
// with it: X-SIGNATURE, which is the PBX's signature or, with [Config].Secret, that of the
// secret, and X-Wildix-Event, the event's type, by which a subscription's filter policy can
// select events. X-SIGNATURE is missing if the event has no signature, such as
// call:finished, and there is no secret.
//
// If an SQS queue subscribes to the topic with raw message delivery, a wildix-worker that
// consumes the queue with the same secret verifies the event as this one did. Without raw
// message delivery, SNS puts the event into an envelope of its own, which no worker accepts.
//
// On a FIFO topic the message group is the event's id, which is that of the call, and the
// deduplication id is the delivery key: SNS drops an event that is published again within
// five minutes. The events of a call keep their order unless one has to be published
// again. On a standard topic a repeat is a second message.
//
// # Batches
//
// If no call of SNS is running, an event is published at once. Otherwise it waits for others,
// for at most 20 ms. A call has at most ten events of 256 KiB together, with their
// attributes, which are the limits of SNS for a batch and for a message:
// https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html. A topic whose attribute
// MaximumMessageSize is greater, up to 1 MiB, takes larger ones: set
// [Config].MaxMessageSize to the same value. Each event has its own result: if SNS accepts
// only some events of a call, the others fail. An event that the answer does not name has
// failed.
//
// # Errors
//
// An event that is too large or has characters that SNS refuses, and one that SNS calls
// invalid, is [events.Permanent]. Throttling is [events.Unavailable] for one to two seconds.
// All other failures may be retried, those of the topic, of its policy and of the credentials
// among them: the events wait until they are corrected. Errors contain the code of AWS and
// not its message, which may quote the event. The handler does not retry; package route does.
//
// # Permissions
//
// The IAM actions are sns:Publish, which includes batches, and for [Handler.Check]
// sns:GetTopicAttributes. A topic that is encrypted with a KMS key of yours also needs
// kms:GenerateDataKey and kms:Decrypt for that key.
package sns

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/events"
	"wildix-worker/events/handlers/internal/awsbatch"
	"wildix-worker/internal/sqscall"
)

// A Handler publishes events to one topic.
type Handler struct {
	client  Client
	topic   string // its ARN
	target  string // in errors
	fifo    bool
	secret  string
	maxSize int
	timeout time.Duration
	sender  *awsbatch.Sender[types.PublishBatchRequestEntry]
}

// New returns a handler, or an error that joins an *[events.FieldError] for each invalid
// field. Nothing is sent before the first event.
func New(cfg Config) (*Handler, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	h := &Handler{
		client: cfg.Client, topic: cfg.TopicARN, fifo: sqscall.IsFIFO(cfg.TopicARN), secret: cfg.Secret,
		target: "SNS topic " + topicName(cfg.TopicARN), maxSize: cfg.MaxMessageSize, timeout: cfg.Timeout,
	}
	h.sender = awsbatch.New(awsbatch.Config[types.PublishBatchRequestEntry]{
		Target: h.target, Action: "sns:Publish", MaxSize: cfg.MaxMessageSize, Size: size,
		InOrder: h.fifo, Timeout: cfg.Timeout, Call: h.call,
	})
	return h, nil
}

// Close waits until no call of SNS is running. HandleEvent must not be called afterwards.
func (h *Handler) Close() { h.sender.Close() }

// HandleEvent returns nil when SNS has accepted the event. If ctx ends first, SNS may have
// the event all the same.
func (h *Handler) HandleEvent(ctx context.Context, e *events.Event) error {
	if !sqscall.HasValidCharacters(e.Raw) {
		return h.sender.Refuse(awsbatch.ErrCharacters)
	}
	return h.sender.Send(ctx, h.entry(e))
}

// Check returns an error if the topic can't be reached, or accepts only smaller messages than
// MaxMessageSize. It asks for the topic's attributes, and publishes nothing. It does not find
// out whether the credentials may publish. If SNS has answered, the error has its message,
// and wraps a [github.com/aws/smithy-go.APIError].
func (h *Handler) Check(ctx context.Context) error {
	ctx, cancel := awsbatch.CheckContext(ctx, h.timeout)
	defer cancel()
	out, err := h.client.GetTopicAttributes(ctx, &awssns.GetTopicAttributesInput{TopicArn: &h.topic}, noRetries)
	if err != nil {
		return fmt.Errorf("%s: %w", h.target, awsbatch.CheckError("sns:GetTopicAttributes", err))
	}
	if accepted, ok := maximumMessageSize(out.Attributes); ok && accepted < h.maxSize {
		return fmt.Errorf("%s: its MaximumMessageSize is %d, less than MaxMessageSize, which is %d; change one of them", h.target, accepted, h.maxSize)
	}
	return nil
}

func maximumMessageSize(attributes map[string]string) (size int, ok bool) {
	size, err := strconv.Atoi(attributes["MaximumMessageSize"])
	return size, err == nil
}

func (h *Handler) entry(e *events.Event) types.PublishBatchRequestEntry {
	entry := types.PublishBatchRequestEntry{
		Message:           aws.String(string(e.Raw)),
		MessageAttributes: make(map[string]types.MessageAttributeValue),
	}
	for name, value := range awsbatch.Attributes(e, h.secret) {
		entry.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
	}
	if h.fifo {
		entry.MessageGroupId, entry.MessageDeduplicationId = aws.String(awsbatch.GroupID(e)), aws.String(e.DeliveryKey())
	}
	return entry
}

// size returns the size of a message as SNS counts it.
func size(entry types.PublishBatchRequestEntry) int {
	total := len(*entry.Message)
	for name, a := range entry.MessageAttributes {
		total += len(name) + len(*a.DataType) + len(*a.StringValue)
	}
	return total
}

// call publishes one batch.
func (h *Handler) call(ctx context.Context, entries []types.PublishBatchRequestEntry) (map[int]awsbatch.Failure, error) {
	for i := range entries {
		entries[i].Id = sqscall.EntryID(i)
	}
	out, err := h.client.PublishBatch(ctx, &awssns.PublishBatchInput{TopicArn: &h.topic, PublishBatchRequestEntries: entries}, noRetries)
	if err != nil {
		return nil, err
	}
	accepted := make([]*string, len(out.Successful))
	for i := range out.Successful {
		accepted[i] = out.Successful[i].Id
	}
	failed := make([]sqstypes.BatchResultErrorEntry, len(out.Failed)) // the same type, in another package
	for i, f := range out.Failed {
		failed[i] = sqstypes.BatchResultErrorEntry{Id: f.Id, Code: f.Code, SenderFault: f.SenderFault}
	}
	return awsbatch.Failures(len(entries), accepted, failed), nil
}

// noRetries switches the SDK's retries off. Only the caller knows how long a lease lasts.
func noRetries(o *awssns.Options) { o.Retryer = aws.NopRetryer{} }
