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
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/internal/sqscall"
)

const (
	defaultSample = 10
	// sampleTimeout is when a sample is visible again if the program is killed.
	sampleTimeout = 30 * time.Second
	// pollWait makes each receive a long poll: a short poll asks only some of SQS's
	// servers, and may find nothing although there are messages.
	pollWait = time.Second
	// returnTries is how often in a row returning messages may make no progress, because
	// SQS does not answer or refuses all that remain.
	returnTries = 3
)

var errStopped = errors.New("stopped; the messages were returned to the queue")

// sampleSize returns the value of --sample.
func sampleSize(c config.Count) int {
	if c.Value == 0 {
		return defaultSample
	}
	return c.Value
}

// sample receives up to limit messages, inspects them and returns them to the queue.
func (d *deadLetterQueue) sample(ctx context.Context, limit int) (messages []message, err error) {
	p := d.peek(sampleTimeout)
	for len(messages) < limit && ctx.Err() == nil {
		var received []types.Message
		if received, err = p.receive(ctx, limit-len(messages)); len(received) == 0 {
			break
		}
		for _, m := range received {
			messages = append(messages, message{m, inspect(d.keys, &m)})
		}
	}
	if returnErr := p.returnAll(ctx); err == nil {
		err = returnErr
	}
	if err == nil && ctx.Err() != nil {
		err = errStopped
	}
	return messages, err
}

// A peek receives messages in order to read them. They must be returned with returnAll.
type peek struct {
	client     *sqs.Client
	queueURL   string
	visibility time.Duration
	ids        []string           // of messages, in the order of their first receive
	handles    map[string]*string // the newest receipt handle of each
}

func (d *deadLetterQueue) peek(visibility time.Duration) *peek {
	return &peek{client: d.client, queueURL: d.url, visibility: visibility, handles: make(map[string]*string)}
}

// receive returns up to limit messages that were not received before. It goes on when ctx
// ends, since messages in an answer that is not read would stay hidden.
func (p *peek) receive(ctx context.Context, limit int) ([]types.Message, error) {
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
		return nil, explain("sqs:ReceiveMessage", p.queueURL, err)
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

// returnAll makes all messages visible again, also after ctx has ended. Those that it can't
// return are visible when their visibility timeout is over.
func (p *peek) returnAll(ctx context.Context) (err error) {
	remaining := p.ids
	for tries := 0; len(remaining) > 0 && tries < returnTries; {
		before := len(remaining)
		remaining, err = p.returnMessages(ctx, remaining)
		if tries++; len(remaining) < before {
			tries = 0
		}
	}
	if len(remaining) > 0 {
		fmt.Fprintf(os.Stderr, "%s could not be returned to the queue: visible again within %s\n", term.Plural(len(remaining), "message"), term.Duration(p.visibility))
	}
	return err
}

// returnMessages returns messages until a call fails, and returns the ids of those that
// remain.
func (p *peek) returnMessages(ctx context.Context, ids []string) (remaining []string, err error) {
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

func (p *peek) returnBatch(ctx context.Context, ids []string) (refused []string, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), awsclient.Timeout)
	defer cancel()
	in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &p.queueURL}
	for i, id := range ids {
		in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{Id: sqscall.EntryID(i), ReceiptHandle: p.handles[id]})
	}
	out, err := p.client.ChangeMessageVisibilityBatch(ctx, in)
	if err != nil {
		return nil, explain("sqs:ChangeMessageVisibility", p.queueURL, err)
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
