package consumer

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/internal/sqscall"
)

// An operation is what a batch call does with its messages.
type operation uint8

const (
	renew operation = iota
	giveBack
	quarantine
	remove

	operations = iota
)

func (o operation) String() string {
	return [...]string{"extend", "give back", "quarantine", "delete"}[o]
}

// operationOf is what a message in a state waits for.
var operationOf = [...]operation{returning: giveBack, quarantining: quarantine, deleting: remove}

// A batch is one call about up to ten messages. It holds copies of what the
// call needs, since a message may get a newer handle while it is under way.
type batch struct {
	operation operation
	messages  []*message
	handles   []string
	timeouts  []int32 // new visibility timeouts in seconds; none in a delete
	size      int     // of what is sent to the quarantine queue
}

// full reports whether a call about the batch can't also be about m.
func (b *batch) full(m *message) bool {
	return len(b.messages) == sqscall.MaxBatch ||
		b.operation == quarantine && len(b.messages) > 0 && b.size+m.quarantineSize() > sqscall.MaxSize
}

// add puts a message into the batch, and marks it.
func (b *batch) add(m *message, timeout int32) {
	m.calling = true
	b.messages = append(b.messages, m)
	b.handles = append(b.handles, m.handle)
	b.timeouts = append(b.timeouts, timeout)
	if b.operation == quarantine {
		b.size += m.quarantineSize()
	}
}

// caller makes batch calls about one queue, and sends to its quarantine queue.
type caller struct {
	client        SQS
	queueURL      string
	quarantineURL string
}

// call returns the error code of each entry that failed, or an error that is
// that of them all. Entries have their positions as ids, since a message may
// be received again, with the same id, while it is in a batch.
func (s caller) call(ctx context.Context, b *batch) (failed map[string]string, err error) {
	switch b.operation {
	case remove:
		return s.deleteBatch(ctx, b)
	case quarantine:
		return s.quarantineBatch(ctx, b)
	default:
		return s.changeVisibility(ctx, b)
	}
}

func (s caller) deleteBatch(ctx context.Context, b *batch) (map[string]string, error) {
	entries := make([]types.DeleteMessageBatchRequestEntry, len(b.handles))
	for i := range entries {
		entries[i] = types.DeleteMessageBatchRequestEntry{Id: sqscall.EntryID(i), ReceiptHandle: &b.handles[i]}
	}
	out, err := s.client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &s.queueURL, Entries: entries}, sqscall.Options)
	if err != nil {
		return nil, err
	}
	done := make([]*string, len(out.Successful))
	for i := range out.Successful {
		done[i] = out.Successful[i].Id
	}
	return sqscall.Failures(len(entries), done, out.Failed), nil
}

func (s caller) changeVisibility(ctx context.Context, b *batch) (map[string]string, error) {
	entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(b.handles))
	for i := range entries {
		entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{
			Id: sqscall.EntryID(i), ReceiptHandle: &b.handles[i], VisibilityTimeout: b.timeouts[i],
		}
	}
	out, err := s.client.ChangeMessageVisibilityBatch(ctx,
		&sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &s.queueURL, Entries: entries}, sqscall.Options)
	if err != nil {
		return nil, err
	}
	done := make([]*string, len(out.Successful))
	for i := range out.Successful {
		done[i] = out.Successful[i].Id
	}
	return sqscall.Failures(len(entries), done, out.Failed), nil
}
