package webhook

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/zap"

	"wildix-worker/consumer"
	"wildix-worker/events"
	"wildix-worker/internal/sqscall"
	"wildix-worker/signature"
)

// A Relay is a handler that sends events to an SQS queue, with body and signature as
// received, up to ten per call. An event is handled when SQS has accepted it. Until
// then, the relay keeps trying while the event's context lasts, so an event may be
// on the queue twice.
//
// On a FIFO queue, the message group is the call, and SQS drops an event that is
// sent again within five minutes. The events of a call keep their order, unless SQS
// accepts only some entries of a batch: the others are sent again, after the rest of
// the batch.
type Relay struct {
	batcher *batcher
	fifo    bool
}

// NewRelay returns a relay to a queue. A nil log discards the log. The error says
// what is wrong with the queue URL.
func NewRelay(client SQS, queueURL string, log *zap.Logger) (*Relay, error) {
	if err := consumer.CheckQueueURL(queueURL); err != nil {
		return nil, err
	}
	if log == nil {
		log = zap.NewNop()
	}
	return &Relay{batcher: newBatcher(client, queueURL, log), fifo: sqscall.IsFIFO(queueURL)}, nil
}

// An SQS queue will never accept such an event.
var (
	errEventTooLarge     = errors.New("event and signature are larger than an SQS message may be")
	errInvalidCharacters = errors.New("event contains characters that an SQS message may not")
)

// HandleEvent returns nil when SQS has accepted the event, and an error when ctx ends
// or SQS will never accept it.
func (r *Relay) HandleEvent(ctx context.Context, e *events.Event) error {
	pending := &pendingEvent{ctx: ctx, entry: r.entry(e), result: make(chan error, 1)}
	pending.size = len(e.Raw) + sqscall.AttributesSize(pending.entry.MessageAttributes)
	switch {
	case pending.size > sqscall.MaxSize:
		return events.Permanent(errEventTooLarge)
	case !sqscall.HasValidCharacters(e.Raw):
		return events.Permanent(errInvalidCharacters)
	}
	r.batcher.add(pending) //nolint:contextcheck // a call sends the events of several callers
	select {
	case err := <-pending.result:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-pending.result: // at the same time: the event's result counts
		return err
	default:
		return context.Cause(ctx)
	}
}

// Close waits until no call of SQS is running. HandleEvent must not be called after Close.
func (r *Relay) Close() error {
	r.batcher.wait()
	return nil
}

func (r *Relay) entry(e *events.Event) types.SendMessageBatchRequestEntry {
	entry := types.SendMessageBatchRequestEntry{
		MessageBody:       aws.String(string(e.Raw)),
		MessageAttributes: map[string]types.MessageAttributeValue{sqscall.SignatureAttribute: sqscall.Text(e.Signature)},
	}
	if r.fifo {
		entry.MessageGroupId, entry.MessageDeduplicationId = aws.String(groupID(e.ID)), aws.String(e.DeliveryKey())
	}
	return entry
}

// groupID returns the event's id if SQS accepts it as a message group id, and else
// its digest.
func groupID(id string) string {
	if sqscall.IsGroupID(id) {
		return id
	}
	return signature.Digest([]byte(id))
}
