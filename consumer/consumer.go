package consumer

import (
	"errors"
	"sync/atomic"
	"time"

	"wildix-worker/consumer/internal/breaker"
	"wildix-worker/consumer/internal/inflight"
	"wildix-worker/consumer/internal/order"
	"wildix-worker/consumer/internal/poll"
	"wildix-worker/consumer/internal/settle"
	"wildix-worker/events"
	"wildix-worker/internal/sqscall"
)

// The causes that end a handler's context, as [context.Cause] returns them, besides
// [context.DeadlineExceeded] for the handler's time limit.
var (
	// ErrLeaseLost means that the message's lease ended or could not be extended,
	// so that another consumer may receive the message. This delivery does not
	// delete it, whatever the handler returns.
	ErrLeaseLost = errors.New("lease lost")
	// ErrStopping means that the shutdown timeout is over.
	ErrStopping = errors.New("worker stopping")
)

const (
	// pollGrace is how long polls may still be answered after a stop, within the
	// shutdown timeout, so that messages that SQS has already delivered are returned at
	// once.
	pollGrace = time.Second
	// cancelTime is how long cancelled handlers have to return.
	cancelTime = time.Second
	// settleTime is how long the last deletes and returns may take. With it and
	// cancelTime, a stop takes at most 4 s longer than ShutdownTimeout.
	settleTime = 3 * time.Second
)

// A Consumer receives messages from one queue and handles them. [New] creates it, and
// [Consumer.Run] runs it once.
type Consumer struct {
	cfg      Config
	pollers  *poll.Pollers
	settler  *settle.Settler
	line     order.Line[*message]
	breaker  *breaker.Breaker
	work     chan *message // to the workers
	stopping chan struct{} // closed when Run's context has ended
	ran      atomic.Bool
	counts   [events.Outcomes]atomic.Int64
}

// New returns a consumer of a queue. client is an *sqs.Client or a substitute for it. An
// error joins an *[events.FieldError] for each invalid field of the configuration. New
// makes no request.
func New(client SQS, cfg Config) (*Consumer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	c := &Consumer{
		cfg:      cfg,
		breaker:  breaker.New(cfg.Logger, cfg.HandlerTimeout+cancelTime),
		work:     make(chan *message),
		stopping: make(chan struct{}),
	}
	c.settler = settle.New(settle.Config{
		Client:            client,
		QueueURL:          cfg.QueueURL,
		QuarantineURL:     cfg.QuarantineQueueURL,
		VisibilityTimeout: cfg.VisibilityTimeout,
		Logger:            cfg.Logger,
	})
	c.pollers = poll.New(poll.Config{
		Client:            client,
		QueueURL:          cfg.QueueURL,
		VisibilityTimeout: cfg.VisibilityTimeout,
		MaxPollers:        (cfg.Concurrency + sqscall.MaxBatch - 1) / sqscall.MaxBatch,
		Grace:             min(pollGrace, cfg.ShutdownTimeout),
		Budget:            inflight.New(cfg.Concurrency),
		Breaker:           c.breaker,
		Logger:            cfg.Logger,
	})
	return c, nil
}
