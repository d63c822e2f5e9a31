package dlq

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/internal/sqscall"
)

const (
	// loanWait makes each receive a long poll: a short one asks only some of SQS's
	// servers, and finds nothing where there is something.
	loanWait = time.Second
	// sampleTimeout gives a sample back if the program is killed.
	sampleTimeout = 30 * time.Second
	// returnTries are how often giving back may come to nothing in a row, be it that SQS
	// does not answer or that it refuses all that is left.
	returnTries = 3
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
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), awsclient.Timeout)
	defer cancel()
	out, err := l.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:                    &l.queueURL,
		MaxNumberOfMessages:         int32(min(limit, sqscall.MaxBatch)),
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

// giveBack makes all messages visible again, also after ctx has ended. Those that it
// can't are visible when their time is over.
func (l *loan) giveBack(ctx context.Context) (err error) {
	lent := l.order
	for tries := 0; len(lent) > 0 && tries < returnTries; {
		before := len(lent)
		lent, err = l.show(ctx, lent)
		if tries++; len(lent) < before {
			tries = 0
		}
	}
	if len(lent) > 0 {
		fmt.Fprintf(os.Stderr, "%s could not be given back: visible again within %s\n", term.Plural(len(lent), "message"), term.Duration(l.visibility))
	}
	return err
}

// show makes messages visible until a call fails, and returns the ids of those that are not.
func (l *loan) show(ctx context.Context, ids []string) (left []string, err error) {
	done := 0
	for batch := range sqscall.Batches[string](ids, nil) {
		refused, err := l.showBatch(ctx, batch)
		if err != nil {
			return append(left, ids[done:]...), err
		}
		left = append(left, refused...)
		done += len(batch)
	}
	return left, nil
}

func (l *loan) showBatch(ctx context.Context, ids []string) (refused []string, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), awsclient.Timeout)
	defer cancel()
	in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &l.queueURL}
	for _, id := range ids {
		in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{Id: sqscall.EntryID(len(in.Entries)), ReceiptHandle: l.handles[id]})
	}
	out, err := l.client.ChangeMessageVisibilityBatch(ctx, in)
	if err != nil {
		return nil, dlqRefusal("sqs:ChangeMessageVisibility", l.queueURL, err)
	}
	done := make([]*string, len(out.Successful))
	for i, entry := range out.Successful {
		done[i] = entry.Id
	}
	failed := sqscall.Failures(len(ids), done, out.Failed)
	for i, id := range ids {
		if failed[*sqscall.EntryID(i)] != "" {
			refused = append(refused, id)
		}
	}
	return refused, nil
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
	if returnErr := l.giveBack(ctx); err == nil {
		err = returnErr
	}
	if err == nil && ctx.Err() != nil {
		err = errStopped
	}
	return letters, err
}
