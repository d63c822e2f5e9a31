package conformance_test

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"wildix-worker/consumer"
	"wildix-worker/events"
	"wildix-worker/signature"
)

// A worker is a running consumer.
type worker struct {
	*recordingClient
	signal func()       // stops it, without waiting
	stop   func() error // stops it, and returns the error of Run
}

// start runs a consumer until it is stopped or the test ends.
func (q *testQueue) start(handle handler, options ...func(*consumer.Config)) worker {
	q.t.Helper()
	return q.startWith(q.client, handle, options...)
}

// startWith does the same with another client.
func (q *testQueue) startWith(client consumer.SQS, handle handler, options ...func(*consumer.Config)) worker {
	q.t.Helper()
	keys, err := signature.NewKeyring(signature.Key{Secret: secret})
	q.check(err)
	cfg := consumer.Config{
		QueueURL: q.url,
		Keys:     keys,
		Handler:  q.recording(handle),
		Logger:   q.logger(),

		VisibilityTimeout: lease,
		Observe: func(r consumer.Result) {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.results = append(q.results, r)
		},
	}
	for _, option := range options {
		option(&cfg)
	}
	w := worker{recordingClient: &recordingClient{SQS: client, shortPolls: q.shortPolls}}
	c, err := consumer.New(w.recordingClient, cfg)
	q.check(err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(q.t.Context()))
	w.signal = cancel
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	w.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	q.t.Cleanup(func() {
		if err := w.stop(); err != nil {
			q.t.Error(err)
		}
	})
	return w
}

// logger returns a logger whose lines are printed if the test fails.
func (q *testQueue) logger() *zap.Logger {
	core, logs := observer.New(zap.DebugLevel)
	q.t.Cleanup(func() {
		if !q.t.Failed() {
			return
		}
		for _, entry := range logs.All() {
			q.t.Log(entry.Time.Format(time.TimeOnly), entry.Message, entry.ContextMap())
		}
	})
	return zap.New(core)
}

// recording records the ids of the events that the handler gets.
func (q *testQueue) recording(handle handler) events.Handler {
	return events.HandlerFunc(func(ctx context.Context, e *events.Event) error {
		q.mu.Lock()
		q.started = append(q.started, e.ID)
		q.mu.Unlock()
		return handle(ctx, e)
	})
}

// withLease sets the visibility timeout.
func withLease(d time.Duration) func(*consumer.Config) {
	return func(cfg *consumer.Config) { cfg.VisibilityTimeout = d }
}

// A recordingClient records the calls of a worker.
type recordingClient struct {
	consumer.SQS
	shortPolls bool

	mu    sync.Mutex
	polls int // running receives
	calls calls
}

// calls are those that a worker has made.
type calls struct {
	receives, deletes, changes int
	maxPolls                   int    // receives running at once
	handle                     string // newest receipt handle
}

func (c *recordingClient) recorded() calls {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls
}

func (c *recordingClient) record(change func(*calls)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.calls)
}

func (c *recordingClient) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, options ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	c.record(func(n *calls) {
		c.polls++
		n.receives++
		n.maxPolls = max(n.maxPolls, c.polls)
	})
	if c.shortPolls {
		in.WaitTimeSeconds = 1
	}
	out, err := c.SQS.ReceiveMessage(ctx, in, options...)
	c.record(func(n *calls) {
		c.polls--
		if err == nil && len(out.Messages) > 0 {
			n.handle = *out.Messages[0].ReceiptHandle
		}
	})
	return out, err
}

func (c *recordingClient) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, options ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	c.record(func(n *calls) { n.deletes++ })
	return c.SQS.DeleteMessageBatch(ctx, in, options...)
}

func (c *recordingClient) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, options ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	c.record(func(n *calls) { n.changes++ })
	return c.SQS.ChangeMessageVisibilityBatch(ctx, in, options...)
}
