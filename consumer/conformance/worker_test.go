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

// worker is a running consumer.
type worker struct {
	*spy
	signal func()       // tells it to stop
	stop   func() error // tells it, and returns what Run returned
}

// start runs a consumer with the handler, until it is stopped or the test ends.
func (s *site) start(handle handler, options ...func(*consumer.Config)) worker {
	s.t.Helper()
	return s.startWith(s.client, handle, options...)
}

// startWith does so with another client.
func (s *site) startWith(client consumer.SQS, handle handler, options ...func(*consumer.Config)) worker {
	s.t.Helper()
	keys, err := signature.NewKeyring(signature.Key{Secret: secret})
	s.check(err)
	cfg := consumer.Config{
		QueueURL: s.url,
		Keys:     keys,
		Handler:  s.recording(handle),
		Logger:   s.logger(),

		VisibilityTimeout: lease,
		Observe: func(r consumer.Result) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.results = append(s.results, r)
		},
	}
	for _, option := range options {
		option(&cfg)
	}
	w := worker{spy: &spy{SQS: client, shortPolls: s.shortPolls}}
	c, err := consumer.New(w.spy, cfg)
	s.check(err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	w.signal = cancel
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	w.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	s.t.Cleanup(func() {
		if err := w.stop(); err != nil {
			s.t.Error(err)
		}
	})
	return w
}

// logger keeps what a worker has to say for the case that the test fails.
func (s *site) logger() *zap.Logger {
	core, logs := observer.New(zap.DebugLevel)
	s.t.Cleanup(func() {
		if !s.t.Failed() {
			return
		}
		for _, entry := range logs.All() {
			s.t.Log(entry.Time.Format(time.TimeOnly), entry.Message, entry.ContextMap())
		}
	})
	return zap.New(core)
}

// recording notes which events the handler gets.
func (s *site) recording(handle handler) events.Handler {
	return events.HandlerFunc(func(ctx context.Context, e *events.Event) error {
		s.mu.Lock()
		s.begun = append(s.begun, e.ID)
		s.mu.Unlock()
		return handle(ctx, e)
	})
}

// leasing sets how long a message that a worker doesn't settle stays away.
func leasing(d time.Duration) func(*consumer.Config) {
	return func(cfg *consumer.Config) { cfg.VisibilityTimeout = d }
}

// spy passes a worker's calls on and takes note of them.
type spy struct {
	consumer.SQS
	shortPolls bool

	mu    sync.Mutex
	polls int // receives under way
	notes notes
}

// notes are what a worker has asked for.
type notes struct {
	receives, deletes, changes int
	atOnce                     int    // receives, at the most
	handle                     string // the newest receipt handle it got
}

func (s *spy) noted() notes {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.notes
}

func (s *spy) note(take func(*notes)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	take(&s.notes)
}

func (s *spy) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, options ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	s.note(func(n *notes) {
		s.polls++
		n.receives++
		n.atOnce = max(n.atOnce, s.polls)
	})
	if s.shortPolls {
		in.WaitTimeSeconds = 1
	}
	out, err := s.SQS.ReceiveMessage(ctx, in, options...)
	s.note(func(n *notes) {
		s.polls--
		if err == nil && len(out.Messages) > 0 {
			n.handle = *out.Messages[0].ReceiptHandle
		}
	})
	return out, err
}

func (s *spy) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, options ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	s.note(func(n *notes) { n.deletes++ })
	return s.SQS.DeleteMessageBatch(ctx, in, options...)
}

func (s *spy) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, options ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	s.note(func(n *notes) { n.changes++ })
	return s.SQS.ChangeMessageVisibilityBatch(ctx, in, options...)
}
