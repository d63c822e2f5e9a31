// Package sqs sends events to an SQS queue, up to ten per call:
//
//	h, err := sqs.New(sqs.Config{
//		Client:   awssqs.NewFromConfig(awsConfig), // of github.com/aws/aws-sdk-go-v2/service/sqs
//		QueueURL: "https://sqs.eu-central-1.amazonaws.com/123456789012/crm",
//	})
//	...
//	defer h.Close()
//	mux.Handle("call:end", h)
//
// # The message
//
// The body is the event as the PBX signed it, byte for byte. Two message attributes go with
// it: X-SIGNATURE, which is the PBX's signature or, with [Config].Secret, that of the secret,
// and X-Wildix-Event, the event's type. An event that is sent again on purpose
// ([events.Event].Replay) also has X-Wildix-Replay, which is "true". So another wildix-worker that consumes the queue with
// the same secret verifies the event as this one did. X-SIGNATURE is missing if the event
// has no signature, such as call:finished, and there is no secret.
//
// On a FIFO queue the message group is the event's id, which is that of the call, and the
// deduplication id is the delivery key: SQS drops an event that is sent again within five
// minutes. The events of a call keep their order unless one has to be sent again. On a
// standard queue a repeat is a second message.
//
// # Batches
//
// If no call of SQS is running, an event is sent at once. Otherwise it waits for others, for
// at most 20 ms. A call has at most ten events of 1 MiB together, with their attributes,
// which are the limits of SQS for a batch and for a message:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html.
// Each event has its own result: if SQS accepts only some events of a call, the others fail.
// An event that the answer does not name has failed.
//
// # Errors
//
// An event that is larger than 1 MiB or has characters that SQS refuses, and one that SQS
// calls invalid, is [events.Permanent]. Throttling is [events.Unavailable] for one to two
// seconds. All other failures may be retried, those of the queue, of its policy and of the
// credentials among them: the events wait until they are corrected. Errors contain the code
// of AWS and not its message, which may quote the event. The handler does not retry; package
// route does.
//
// # Permissions
//
// The IAM actions are sqs:SendMessage, which includes batches, and for [Handler.Check]
// sqs:GetQueueAttributes. A queue that is encrypted with a KMS key of yours also needs
// kms:GenerateDataKey and kms:Decrypt for that key.
package sqs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/events"
	"wildix-worker/events/handlers/internal/awsbatch"
	"wildix-worker/internal/sqscall"
)

// Client is the part of the SDK's client that a Handler needs.
type Client interface {
	SendMessageBatch(context.Context, *awssqs.SendMessageBatchInput, ...func(*awssqs.Options)) (*awssqs.SendMessageBatchOutput, error)
	GetQueueAttributes(context.Context, *awssqs.GetQueueAttributesInput, ...func(*awssqs.Options)) (*awssqs.GetQueueAttributesOutput, error)
}

// Config is the configuration of a Handler. Client and QueueURL are required.
type Config struct {
	// Client is usually an *sqs.Client of the AWS SDK. Its retries are not used.
	Client Client
	// QueueURL is the queue, such as
	// https://sqs.eu-central-1.amazonaws.com/123456789012/crm.
	QueueURL string
	// Secret signs the body. If it is empty, the PBX's signature is sent.
	Secret string
	// Timeout limits a call of SQS. Zero means 10 s. The context of HandleEvent may end
	// earlier.
	Timeout time.Duration
}

// Validate returns nil or an error that joins an *[events.FieldError] for each invalid
// field.
func (cfg Config) Validate() error {
	var faults []error
	fault := func(field string, err error) {
		if err != nil {
			faults = append(faults, &events.FieldError{Field: field, Err: err})
		}
	}
	if cfg.Client == nil {
		fault("Client", errors.New("required"))
	}
	fault("QueueURL", sqscall.CheckQueueURL(cfg.QueueURL))
	if cfg.Timeout < 0 {
		fault("Timeout", fmt.Errorf("%s is negative", cfg.Timeout))
	}
	return errors.Join(faults...)
}

// A Handler sends events to one queue.
type Handler struct {
	client   Client
	queueURL string
	name     string // in errors
	fifo     bool
	secret   string
	timeout  time.Duration
	sender   *awsbatch.Sender[types.SendMessageBatchRequestEntry]
}

// New returns a handler, or an error that joins an *[events.FieldError] for each invalid
// field. Nothing is sent before the first event.
func New(cfg Config) (*Handler, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	h := &Handler{
		client: cfg.Client, queueURL: cfg.QueueURL, fifo: sqscall.IsFIFO(cfg.QueueURL), secret: cfg.Secret,
		name: "SQS queue " + cfg.QueueURL[strings.LastIndexByte(cfg.QueueURL, '/')+1:], timeout: cfg.Timeout,
	}
	h.sender = awsbatch.New(awsbatch.Config[types.SendMessageBatchRequestEntry]{
		Target: h.name, Action: "sqs:SendMessage", MaxSize: sqscall.MaxSize, Size: size,
		InOrder: h.fifo, Timeout: cfg.Timeout, Call: h.call,
	})
	return h, nil
}

// Close waits until no call of SQS is running. HandleEvent must not be called afterwards.
func (h *Handler) Close() { h.sender.Close() }

// HandleEvent returns nil when SQS has accepted the event. If ctx ends first, SQS may have
// the event all the same.
func (h *Handler) HandleEvent(ctx context.Context, e *events.Event) error {
	if !sqscall.HasValidCharacters(e.Raw) {
		return h.sender.Refuse(awsbatch.ErrCharacters)
	}
	return h.sender.Send(ctx, h.entry(e))
}

// Check returns an error if the queue can't be reached. It asks for the queue's ARN, and
// sends nothing. It does not find out whether the credentials may send. If SQS has answered,
// the error has its message, and wraps a [github.com/aws/smithy-go.APIError].
func (h *Handler) Check(ctx context.Context) error {
	ctx, cancel := awsbatch.CheckContext(ctx, h.timeout)
	defer cancel()
	_, err := h.client.GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{
		QueueUrl: &h.queueURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	}, sqscall.Options)
	if err != nil {
		return fmt.Errorf("%s: %w", h.name, awsbatch.CheckError("sqs:GetQueueAttributes", err))
	}
	return nil
}

func (h *Handler) entry(e *events.Event) types.SendMessageBatchRequestEntry {
	entry := types.SendMessageBatchRequestEntry{
		MessageBody:       aws.String(string(e.Raw)),
		MessageAttributes: make(map[string]types.MessageAttributeValue),
	}
	for name, value := range awsbatch.Attributes(e, h.secret) {
		entry.MessageAttributes[name] = sqscall.Text(value)
	}
	if h.fifo {
		entry.MessageGroupId, entry.MessageDeduplicationId = aws.String(awsbatch.GroupID(e)), aws.String(e.DeliveryKey())
	}
	return entry
}

// size returns the size of a message as SQS counts it.
func size(entry types.SendMessageBatchRequestEntry) int {
	return len(*entry.MessageBody) + sqscall.AttributesSize(entry.MessageAttributes)
}

// call sends one batch.
func (h *Handler) call(ctx context.Context, entries []types.SendMessageBatchRequestEntry) (map[int]awsbatch.Failure, error) {
	for i := range entries {
		entries[i].Id = sqscall.EntryID(i)
	}
	out, err := h.client.SendMessageBatch(ctx, &awssqs.SendMessageBatchInput{QueueUrl: &h.queueURL, Entries: entries}, sqscall.Options, verifyChecksums)
	if err != nil {
		return nil, err
	}
	accepted := make([]*string, len(out.Successful))
	for i := range out.Successful {
		accepted[i] = out.Successful[i].Id
	}
	return awsbatch.Failures(len(entries), accepted, out.Failed), nil
}

// verifyChecksums makes the SDK compare the digest of each body that SQS has accepted, which
// sqscall.Options turn off.
func verifyChecksums(o *awssqs.Options) { o.DisableMessageChecksumValidation = false }
