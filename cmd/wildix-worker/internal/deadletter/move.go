package deadletter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/internal/sqscall"
)

const (
	// moveTimeout is the time after which messages that a move has received are visible again
	// if the program is killed.
	moveTimeout = 2 * time.Minute
	// maxSearched is how many messages a move receives at most to find those that it moves.
	maxSearched = 1000
)

var errMoveFIFO = errors.New("single messages of a FIFO queue can't be moved, since their order would change; move all")

// Move moves the messages with those ids to the source of the queue, and returns all others
// that it has received. SQS has no action for that: Move sends a copy of each message and then
// deletes it here, so that a message may be in both queues if that fails, but never in none.
//
// When ctx ends, it finishes the message that it is moving.
func (q *Queue) Move(ctx context.Context, ids []string) (moved int, err error) {
	if sqscall.IsFIFO(q.URL) {
		return 0, errMoveFIFO
	}
	wanted := make(map[string]bool)
	for _, id := range ids {
		wanted[id] = true
	}
	p := q.Peek(moveTimeout)
	moved, err = q.moveWanted(ctx, p, wanted)
	if err = errors.Join(err, p.ReturnAll(ctx)); err == nil && len(wanted) > 0 {
		err = fmt.Errorf("not found: %s; another program has received it, or it is no longer in the queue", term.Plural(len(wanted), "message"))
	}
	return moved, err
}

// moveWanted moves the messages that are wanted, and removes each from wanted.
func (q *Queue) moveWanted(ctx context.Context, p *Peek, wanted map[string]bool) (moved int, err error) {
	empty := 0
	for seen := 0; len(wanted) > 0 && seen < maxSearched && empty < EmptyReceives; {
		received, err := p.Receive(ctx, sqscall.MaxBatch)
		if err != nil {
			return moved, err
		}
		if empty++; len(received) > 0 {
			empty = 0
		}
		seen += len(received)
		for i := range received {
			id := aws.ToString(received[i].MessageId)
			if !wanted[id] {
				continue
			}
			if ctx.Err() != nil {
				return moved, ErrStopped
			}
			if err := q.moveMessage(ctx, &received[i]); err != nil {
				return moved, err
			}
			delete(wanted, id)
			p.forget(id)
			moved++
		}
	}
	return moved, nil
}

// moveMessage sends a copy of a message to the source, and then deletes the message.
func (q *Queue) moveMessage(ctx context.Context, m *types.Message) error {
	if from := m.Attributes[string(types.MessageSystemAttributeNameDeadLetterQueueSourceArn)]; from != "" && from != q.Source.ARN {
		return fmt.Errorf("the message %s came from another queue, %s; move all, so that each goes to its own", aws.ToString(m.MessageId), from)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), awsclient.Timeout)
	defer cancel()
	if _, err := q.Client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &q.Source.URL, MessageBody: m.Body, MessageAttributes: m.MessageAttributes,
	}); err != nil {
		return Explain("sqs:SendMessage", q.Source.URL, err)
	}
	if _, err := q.Client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &q.URL, ReceiptHandle: m.ReceiptHandle}); err != nil {
		return fmt.Errorf("a copy of the message %s was sent, but the message stays here too: %w", aws.ToString(m.MessageId), Explain("sqs:DeleteMessage", q.URL, err))
	}
	return nil
}
