package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	// loanWait makes each receive a long poll: a short one asks only some of SQS's
	// servers, and finds nothing where there is something.
	loanWait = time.Second
	// sampleTimeout gives a sample back if the program is killed.
	sampleTimeout = 30 * time.Second
)

// A loan is messages of a queue that were received to be looked at. All of them
// are to be given back.
type loan struct {
	client     *sqs.Client
	queueURL   string
	visibility time.Duration
	order      []string           // ids of messages, as they came
	handles    map[string]*string // the newest of each
}

func (d *deadLetterQueue) borrow(visibility time.Duration) *loan {
	return &loan{client: d.client, queueURL: d.url, visibility: visibility, handles: make(map[string]*string)}
}

// receive returns up to limit messages that were not received before. It is not
// cut short by the end of ctx: what SQS had given out would stay hidden.
func (l *loan) receive(ctx context.Context, limit int) ([]types.Message, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
	defer cancel()
	out, err := l.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:                    &l.queueURL,
		MaxNumberOfMessages:         int32(min(limit, maxEntries)),
		VisibilityTimeout:           int32(l.visibility.Seconds()),
		WaitTimeSeconds:             int32(loanWait.Seconds()),
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		return nil, dlqRefusal("sqs:ReceiveMessage", l.queueURL, err)
	}
	var fresh []types.Message
	for _, m := range out.Messages {
		id := aws.ToString(m.MessageId)
		if l.handles[id] == nil {
			fresh = append(fresh, m)
			l.order = append(l.order, id)
		}
		l.handles[id] = m.ReceiptHandle
	}
	return fresh, nil
}

// giveBack makes all messages visible again, also after ctx has ended. It returns
// how many it could not; those are visible when their time is over.
func (l *loan) giveBack(ctx context.Context) (left int, err error) {
	entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, 0, maxEntries)
	flush := func() {
		n, failed := l.show(ctx, entries)
		if left += n; err == nil {
			err = failed
		}
		entries = entries[:0]
	}
	for _, id := range l.order {
		entries = append(entries, types.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(strconv.Itoa(len(entries))), ReceiptHandle: l.handles[id]})
		if len(entries) == maxEntries {
			flush()
		}
	}
	if len(entries) > 0 {
		flush()
	}
	return left, err
}

func (l *loan) show(ctx context.Context, entries []types.ChangeMessageVisibilityBatchRequestEntry) (left int, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
	defer cancel()
	out, err := l.client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &l.queueURL, Entries: entries})
	if err != nil {
		return len(entries), dlqRefusal("sqs:ChangeMessageVisibility", l.queueURL, err)
	}
	return len(out.Failed), nil
}

var errStopped = errors.New("stopped; what was received is back in the queue")

// sample receives up to limit messages, looks at them and gives them back.
func (d *deadLetterQueue) sample(ctx context.Context, limit int) (letters []deadLetter, err error) {
	l := d.borrow(sampleTimeout)
	for len(letters) < limit && ctx.Err() == nil {
		var fresh []types.Message
		if fresh, err = l.receive(ctx, limit-len(letters)); len(fresh) == 0 {
			break
		}
		for _, m := range fresh {
			letters = append(letters, deadLetter{m, judgeMessage(d.keys, &m)})
		}
	}
	if _, returnErr := l.giveBack(ctx); err == nil {
		err = returnErr
	}
	if err == nil && ctx.Err() != nil {
		err = errStopped
	}
	return letters, err
}
