package webhook

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"wildix-worker/events"
	"wildix-worker/internal/sqscall"
)

// A pendingEvent is an event that SQS has not accepted yet.
type pendingEvent struct {
	ctx    context.Context // of the caller that waits for it
	entry  types.SendMessageBatchRequestEntry
	size   int
	result chan error // with room for one; gets none if ctx ends first
}

// A batch is the events of one call of SQS.
type batch struct {
	events  []*pendingEvent
	size    int
	timer   *time.Timer // fires when the batch must not wait for more events
	overdue bool        // the timer has fired
}

// fits reports whether the batch has room for the event.
func (b *batch) fits(e *pendingEvent) bool {
	return len(b.events) < sqscall.MaxBatch && b.size+e.size <= sqscall.MaxSize
}

func (b *batch) add(e *pendingEvent) {
	b.events = append(b.events, e)
	b.size += e.size
}

// dropExpired drops the events that no caller waits for, and reports whether any are left.
func (b *batch) dropExpired() bool {
	kept := b.events[:0]
	for _, e := range b.events {
		if e.ctx.Err() == nil {
			kept = append(kept, e)
		}
	}
	b.events = kept
	return len(kept) > 0
}

// pause returns after d, or as soon as no caller waits for the batch.
func (b *batch) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for _, e := range b.events {
		select {
		case <-timer.C:
			return
		case <-e.ctx.Done():
		}
	}
}

// input is the request that sends the batch.
func (b *batch) input(queueURL string) *sqs.SendMessageBatchInput {
	entries := make([]types.SendMessageBatchRequestEntry, len(b.events))
	for i, e := range b.events {
		entries[i] = e.entry
		entries[i].Id = sqscall.EntryID(i)
	}
	return &sqs.SendMessageBatchInput{QueueUrl: &queueURL, Entries: entries}
}

// resolve reports its result to each event that SQS accepted or will never accept,
// and keeps the others in the batch. The error is about those that are kept.
func (b *batch) resolve(out *sqs.SendMessageBatchOutput) error {
	accepted := make([]*string, len(out.Successful))
	for i := range out.Successful {
		accepted[i] = out.Successful[i].Id
	}
	failed := sqscall.Failures(len(b.events), accepted, out.Failed)
	permanent := permanentFailures(out.Failed)
	var kept []*pendingEvent
	var lastCode string
	for i, e := range b.events {
		id := *sqscall.EntryID(i)
		code, isFailed := failed[id]
		switch {
		case !isFailed:
			e.result <- nil
		case permanent[id]:
			e.result <- events.Permanent(fmt.Errorf("SQS refused the event: %s", code))
		default:
			kept, lastCode = append(kept, e), code
		}
	}
	sent := len(b.events)
	b.events = kept
	if len(kept) == 0 {
		return nil
	}
	return &smithy.GenericAPIError{Code: lastCode, Message: fmt.Sprintf("SQS did not accept %d of %d events", len(kept), sent)}
}

// permanentFailures returns the ids of the entries that failed because of their
// content.
func permanentFailures(failed []types.BatchResultErrorEntry) map[string]bool {
	ids := make(map[string]bool)
	for _, f := range failed {
		code := aws.ToString(f.Code)
		ids[aws.ToString(f.Id)] = strings.HasSuffix(code, "InvalidMessageContents") ||
			f.SenderFault && (strings.HasSuffix(code, "InvalidParameterValue") || strings.HasSuffix(code, "MessageTooLong"))
	}
	return ids
}
