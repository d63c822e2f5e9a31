package deadletter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/internal/sqscall"
)

const (
	// sampleTimeout is the time after which a sample is visible again if the program is killed.
	sampleTimeout = 30 * time.Second
	// pollWait makes each receive a long poll: a short poll asks only some of SQS's
	// servers, and may find nothing although there are messages.
	pollWait = time.Second
	// EmptyReceives is how many receives in a row without a new message show that there are no
	// more: a single one may be empty although there are messages.
	EmptyReceives = 2
	// returnTries is how many attempts in a row may fail to return any message, because SQS
	// does not answer or refuses all that remain.
	returnTries = 3
)

// ErrStopped is the error of a sample whose context has ended.
var ErrStopped = errors.New("stopped; the messages were returned to the queue")

// Sample receives up to limit messages, inspects them and returns them to the queue. It adds
// one to the receive count of each, and hides them from others meanwhile.
func (q *Queue) Sample(ctx context.Context, limit int) (messages []Message, err error) {
	p := q.Peek(sampleTimeout)
	for len(messages) < limit && ctx.Err() == nil {
		var received []types.Message
		if received, err = p.Receive(ctx, limit-len(messages)); len(received) == 0 {
			break
		}
		for _, m := range received {
			messages = append(messages, Message{m, Inspect(q.Keys, &m)})
		}
	}
	if returnErr := p.ReturnAll(ctx); err == nil {
		err = returnErr
	}
	if err == nil && ctx.Err() != nil {
		err = ErrStopped
	}
	return messages, err
}

// A Peek receives messages to inspect them. They must be returned with ReturnAll.
type Peek struct {
	client     *sqs.Client
	queueURL   string
	warn       func(string)
	visibility time.Duration
	ids        []string           // of messages, in the order of their first receive
	handles    map[string]*string // the newest receipt handle, by message id
}

// Peek returns a Peek that hides messages for at most that long.
func (q *Queue) Peek(visibility time.Duration) *Peek {
	return &Peek{client: q.Client, queueURL: q.URL, warn: q.Warn, visibility: visibility, handles: make(map[string]*string)}
}

// Receive returns up to limit messages that were not received before. The end of ctx does not
// interrupt it, since messages in a response that is not read would stay hidden.
func (p *Peek) Receive(ctx context.Context, limit int) ([]types.Message, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), awsclient.Timeout)
	defer cancel()
	out, err := p.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:                    &p.queueURL,
		MaxNumberOfMessages:         int32(min(limit, sqscall.MaxBatch)),
		VisibilityTimeout:           int32(p.visibility.Seconds()),
		WaitTimeSeconds:             int32(pollWait.Seconds()),
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		return nil, Explain("sqs:ReceiveMessage", p.queueURL, err)
	}
	var messages []types.Message
	for _, m := range out.Messages {
		id := aws.ToString(m.MessageId)
		if p.handles[id] == nil {
			messages = append(messages, m)
			p.ids = append(p.ids, id)
		}
		p.handles[id] = m.ReceiptHandle
	}
	return messages, nil
}

// forget leaves out of ReturnAll a message that was deleted.
func (p *Peek) forget(id string) {
	p.ids = slices.DeleteFunc(p.ids, func(other string) bool { return other == id })
}

// ReturnAll returns all messages to the queue, even if ctx has ended. Those that it can't
// return are visible again after their visibility timeout.
func (p *Peek) ReturnAll(ctx context.Context) (err error) {
	remaining := p.ids
	for tries := 0; len(remaining) > 0 && tries < returnTries; {
		before := len(remaining)
		remaining, err = p.returnMessages(ctx, remaining)
		if tries++; len(remaining) < before {
			tries = 0
		}
	}
	if len(remaining) > 0 {
		p.warn(fmt.Sprintf("%s could not be returned to the queue: visible again within %s", term.Plural(len(remaining), "message"), term.Duration(p.visibility)))
	}
	return err
}

// returnMessages returns messages to the queue until a call fails. The result is the ids of
// those that remain.
func (p *Peek) returnMessages(ctx context.Context, ids []string) (remaining []string, err error) {
	done := 0
	for batch := range sqscall.Batches[string](ids, nil) {
		refused, err := p.returnBatch(ctx, batch)
		if err != nil {
			return append(remaining, ids[done:]...), err
		}
		remaining = append(remaining, refused...)
		done += len(batch)
	}
	return remaining, nil
}

func (p *Peek) returnBatch(ctx context.Context, ids []string) (refused []string, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), awsclient.Timeout)
	defer cancel()
	in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &p.queueURL}
	for i, id := range ids {
		in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{Id: sqscall.EntryID(i), ReceiptHandle: p.handles[id]})
	}
	out, err := p.client.ChangeMessageVisibilityBatch(ctx, in)
	if err != nil {
		return nil, Explain("sqs:ChangeMessageVisibility", p.queueURL, err)
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
