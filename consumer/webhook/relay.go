package webhook

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/zap"

	"wildix-worker/consumer"
	"wildix-worker/events"
	"wildix-worker/internal/outage"
	"wildix-worker/internal/sqscall"
	"wildix-worker/signature"
)

const (
	// linger is how long an event waits for others at most, while calls are
	// under way. Without any it does not wait.
	linger = 20 * time.Millisecond
	// maxCalls is how many calls are under way at once; at the usual 20 ms a
	// call, far more than the largest PBX sends.
	maxCalls = 32
	// callTimeout leaves an event time for a second try.
	callTimeout = 2 * time.Second
	// maxPause bounds the pause between tries: the PBX is waiting.
	maxPause = 500 * time.Millisecond
)

// SQS is what a Relay calls of SQS; *sqs.Client has it.
type SQS interface {
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// A Relay is a handler that puts events on an SQS queue, with body and signature
// as they came, up to ten in a call. An event is handled once SQS has taken it;
// until then, and until its context ends, the relay goes on trying. So an event
// may be on the queue twice.
//
// On a FIFO queue the group is the call, and SQS itself leaves out what is put
// there twice within five minutes. The order of a call is kept, unless SQS takes a
// batch in part: what it takes only at the second try comes behind the rest of it.
type Relay struct {
	client   SQS
	queueURL string
	fifo     bool
	most     int // calls at once
	trouble  *outage.Log
	sending  sync.WaitGroup // calls

	mu    sync.Mutex
	open  *parcel   // takes further events; nil if there is none
	ready []*parcel // wait for a call to end
	calls int       // under way
}

// NewRelay returns a relay to a queue. log may be nil. The error says what is
// wrong with the queue's URL.
func NewRelay(client SQS, queueURL string, log *zap.Logger) (*Relay, error) {
	if err := consumer.CheckQueueURL(queueURL); err != nil {
		return nil, err
	}
	if log == nil {
		log = zap.NewNop()
	}
	r := &Relay{client: client, queueURL: queueURL, most: maxCalls, trouble: sqscall.NewOutage(log, "send")}
	if sqscall.IsFIFO(queueURL) {
		r.fifo, r.most = true, 1 // calls at once would lose the order
	}
	return r, nil
}

// What an SQS queue can't take, and another try won't change.
var (
	errTooLarge   = errors.New("with its signature the event is larger than SQS takes")
	errCharacters = errors.New("the event has characters that SQS does not take")
)

// HandleEvent returns nil once SQS has the event, and an error when ctx ends or
// SQS will never take it.
func (r *Relay) HandleEvent(ctx context.Context, e *events.Event) error {
	it := &item{ctx: ctx, entry: r.entry(e), done: make(chan error, 1)}
	it.size = len(e.Raw) + sqscall.AttributesSize(it.entry.MessageAttributes)
	switch {
	case it.size > sqscall.MaxSize:
		return events.Permanent(errTooLarge)
	case !takable(e.Raw):
		return events.Permanent(errCharacters)
	}
	r.put(it)
	select {
	case err := <-it.done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-it.done: // both at once: what SQS said counts
		return err
	default:
		return context.Cause(ctx)
	}
}

// Close waits until no call is under way. Nothing may be handled any more.
func (r *Relay) Close() error {
	r.sending.Wait()
	return nil
}

func (r *Relay) entry(e *events.Event) types.SendMessageBatchRequestEntry {
	entry := types.SendMessageBatchRequestEntry{
		MessageBody:       aws.String(string(e.Raw)),
		MessageAttributes: map[string]types.MessageAttributeValue{sqscall.SignatureAttribute: sqscall.Text(e.Signature)},
	}
	if r.fifo {
		entry.MessageGroupId, entry.MessageDeduplicationId = aws.String(group(e.ID)), aws.String(e.DeliveryKey())
	}
	return entry
}

// group is the id, if SQS takes it as that of a group, or else its digest.
func group(id string) string {
	const longest = 128
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return signature.Digest([]byte(id))
		}
	}
	if len(id) > longest {
		return signature.Digest([]byte(id))
	}
	return id
}

// takable reports whether SQS takes the characters of a body. It is JSON, so it
// has no control characters.
func takable(body []byte) bool {
	return utf8.Valid(body) && !bytes.Contains(body, []byte("\ufffe")) && !bytes.Contains(body, []byte("\uffff"))
}
