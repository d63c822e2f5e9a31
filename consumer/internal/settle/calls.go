package settle

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/internal/sqscall"
)

// Client has the SQS calls that settle messages.
type Client interface {
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// queue makes batch calls about one queue, and sends to its quarantine queue.
type queue struct {
	client        Client
	url           string
	quarantineURL string
}

// call makes the call. It returns the error code of each entry that failed, by the
// entry's id, or the error of the whole call.
func (q queue) call(ctx context.Context, b *batch) (failed map[string]string, err error) {
	switch b.operation {
	case opDelete:
		return q.delete(ctx, b)
	case opQuarantine:
		return q.quarantine(ctx, b)
	default:
		return q.changeVisibility(ctx, b)
	}
}

func (q queue) delete(ctx context.Context, b *batch) (map[string]string, error) {
	entries := make([]types.DeleteMessageBatchRequestEntry, len(b.handles))
	for i := range entries {
		entries[i] = types.DeleteMessageBatchRequestEntry{Id: sqscall.EntryID(i), ReceiptHandle: &b.handles[i]}
	}
	out, err := q.client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &q.url, Entries: entries}, sqscall.Options)
	if err != nil {
		return nil, err
	}
	deleted := make([]*string, len(out.Successful))
	for i := range out.Successful {
		deleted[i] = out.Successful[i].Id
	}
	return sqscall.Failures(len(entries), deleted, out.Failed), nil
}

func (q queue) changeVisibility(ctx context.Context, b *batch) (map[string]string, error) {
	entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(b.handles))
	for i := range entries {
		entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{
			Id: sqscall.EntryID(i), ReceiptHandle: &b.handles[i], VisibilityTimeout: b.timeouts[i],
		}
	}
	out, err := q.client.ChangeMessageVisibilityBatch(ctx,
		&sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.url, Entries: entries}, sqscall.Options)
	if err != nil {
		return nil, err
	}
	changed := make([]*string, len(out.Successful))
	for i := range out.Successful {
		changed[i] = out.Successful[i].Id
	}
	return sqscall.Failures(len(entries), changed, out.Failed), nil
}

func (q queue) quarantine(ctx context.Context, b *batch) (map[string]string, error) {
	entries := make([]types.SendMessageBatchRequestEntry, len(b.copies))
	for i, c := range b.copies {
		id := &b.leases[i].id
		entries[i] = c.entry(*id)
		entries[i].Id = sqscall.EntryID(i)
		if sqscall.IsFIFO(q.quarantineURL) {
			entries[i].MessageGroupId, entries[i].MessageDeduplicationId = id, id
		}
	}
	out, err := q.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.quarantineURL, Entries: entries}, sqscall.Options)
	if err != nil {
		return nil, err
	}
	sent := make([]*string, len(out.Successful))
	for i := range out.Successful {
		sent[i] = out.Successful[i].Id
	}
	return sqscall.Failures(len(entries), sent, out.Failed), nil
}

// isStale reports whether an entry's error code means that its receipt handle is no
// longer valid: the message is deleted, visible, or received by another consumer.
func isStale(code string) bool {
	switch code {
	case "ReceiptHandleIsInvalid", "MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight",
		"InvalidParameterValue", "InvalidParameterValueException":
		return true
	}
	return false
}
